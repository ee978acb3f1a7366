import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type FrameColor,
  type FrameGeometry,
  frameColors,
  type PixelFormat,
  pixelFormats,
  wholeFrame,
} from '../../../src/contract/frame.ts';
import type { ModelInput } from '../../../src/contract/manifest.ts';
import { errorMax, geometryOf, inputOf, preparedOf } from '../../support/kernel-room.ts';

/** 100 % colour bars. */
const bars = [
  [255, 255, 255],
  [255, 255, 0],
  [0, 255, 255],
  [0, 255, 0],
  [255, 0, 255],
  [255, 0, 0],
  [0, 0, 255],
  [0, 0, 0],
] as const;

/** The same in Y, Cb and Cr of limited range, as ITU-R BT.601 and BT.709 have them. */
const published = {
  bt601: [
    [235, 128, 128],
    [210, 16, 146],
    [170, 166, 16],
    [145, 54, 34],
    [106, 202, 222],
    [81, 90, 240],
    [41, 240, 110],
    [16, 128, 128],
  ],
  bt709: [
    [235, 128, 128],
    [219, 16, 138],
    [188, 154, 16],
    [173, 42, 26],
    [78, 214, 230],
    [63, 102, 240],
    [32, 240, 118],
    [16, 128, 128],
  ],
} as const;

const squash = inputOf({ width: 160, height: 8, resize: { rule: 'squash' } });

type Level = readonly [number, number, number];

/** A colour as a camera sends it: Y, Cb and Cr as whole levels, or the channels themselves. */
function sentOf([red, green, blue]: Level, format: PixelFormat, color: FrameColor): Level {
  if (format === 'RGB3' || format === 'BGR3') return [red, green, blue];
  const [kr, kb] = color.startsWith('bt709') ? [0.2126, 0.0722] : [0.299, 0.114];
  const luma = kr * red + (1 - kr - kb) * green + kb * blue;
  const cb = (blue - luma) / (2 * (1 - kb));
  const cr = (red - luma) / (2 * (1 - kr));
  const [black, y, c] = color.endsWith('full') ? [0, 1, 1] : [16, 219 / 255, 224 / 255];
  const whole = (level: number): number => Math.min(Math.max(Math.round(level), 0), 255);
  return [whole(black + y * luma), whole(128 + c * cb), whole(128 + c * cr)];
}

/** The elements well inside each bar of the picture's fourth row. */
function assertBars(
  tensor: Uint8Array | Float32Array,
  expected: (bar: number) => readonly number[],
  tolerance: number,
  context: string,
): void {
  for (let bar = 0; bar < bars.length; bar += 1) {
    for (let x = bar * 20 + 2; x < bar * 20 + 18; x += 1) {
      expected(bar).forEach((level, c) => {
        const got = tensor[(3 * 160 + x) * 3 + c] ?? Number.NaN;
        const where = `${context}, bar ${bar}, channel ${c}: ${got} for ${level}`;
        assert.ok(Math.abs(got - level) <= tolerance, where);
      });
    }
  }
}

describe('the colours of the tensor kernel', () => {
  it('shows colour bars in their colours, in every format and colour', () => {
    for (const format of pixelFormats) {
      for (const color of frameColors) {
        const geometry = geometryOf(format, 640, 32, 0, color);
        const sent = bars.map((bar) => sentOf(bar, format, color));
        const tensor = preparedOf(
          geometry,
          squash,
          wholeFrame,
          (x, _, channel) => sent[Math.floor(x / 80)]?.[channel] ?? 0,
        );
        const grey = bars.map(([red, green, blue]) => {
          const is709 = color.startsWith('bt709');
          const luma = is709
            ? 0.2126 * red + 0.7152 * green + 0.0722 * blue
            : 0.299 * red + 0.587 * green + 0.114 * blue;
          return [luma, luma, luma];
        });
        const expected = format === 'GREY' ? grey : bars;
        assertBars(tensor, (bar) => expected[bar] ?? [], 3, `${format} ${color}`);
      }
    }
  });

  it('knows the published colour bars of BT.601 and BT.709', () => {
    for (const color of ['bt601', 'bt709'] as const) {
      for (const format of ['YUYV', 'NV12'] as const) {
        const tensor = preparedOf(
          geometryOf(format, 640, 32, 0, color),
          squash,
          wholeFrame,
          (x, _, channel) => published[color][Math.floor(x / 80)]?.[channel] ?? 0,
        );
        assertBars(tensor, (bar) => bars[bar] ?? [], 2, `${format} ${color}`);
      }
    }
  });

  it('keeps constant colours exact', () => {
    for (const format of ['RGB3', 'BGR3'] as const) {
      for (let level = 0; level <= 255; level += 1) {
        const colors = [level, 255 - level, 77];
        const geometry = geometryOf(format, 61, 47, 2);
        const tensor = preparedOf(geometry, inputOf({}), wholeFrame, (_x, _y, channel) =>
          Number(colors[channel]),
        );
        assert.ok(tensor.every((value, i) => value === colors[i % 3]));
      }
    }
  });

  for (const color of frameColors) {
    it(`keeps constant greys of ${color} at their level`, () => {
      for (const format of ['YUYV', 'NV12', 'GREY'] as const) {
        for (let level = 0; level <= 255; level += 5) {
          assertGrey(geometryOf(format, 62, 48, 2, color), inputOf({ color: 'gray' }), level);
          assertGrey(geometryOf(format, 62, 48, 2, color), inputOf({}), level);
        }
      }
    });
  }

  it('keeps a gradient monotonic', () => {
    for (const format of ['RGB3', 'GREY'] as const) {
      for (const width of [100, 256, 640, 1000]) {
        const input = inputOf({ color: 'gray', width: 224, height: 8, resize: { rule: 'squash' } });
        const geometry = geometryOf(format, width, 16, 0, 'bt601-full');
        const row = preparedOf(geometry, input, wholeFrame, (x) =>
          Math.round((x * 255) / (width - 1)),
        ).subarray(0, 224);
        assert.ok(row.every((value, x) => x === 0 || value >= (row[x - 1] ?? 0)));
        assert.ok((row[0] ?? 255) <= 2 && (row[223] ?? 0) >= 253);
      }
    }
  });
});

/** Prepares a frame of one luma without colour. */
function assertGrey(geometry: FrameGeometry, input: ModelInput, level: number): void {
  const isFull = geometry.color.endsWith('full');
  const exact = isFull ? level : Math.min(Math.max(((level - 16) * 255) / 219, 0), 255);
  const reach = isFull ? 0 : errorMax;
  const tensor = preparedOf(geometry, input, wholeFrame, (_x, _y, channel) =>
    channel === 0 ? level : 128,
  );
  assert.ok(tensor.every((value) => Math.abs(value - exact) <= reach));
}
