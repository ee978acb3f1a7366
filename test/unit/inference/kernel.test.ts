import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import {
  type FrameGeometry,
  frameBytesOf,
  type PixelFormat,
  pixelFormats,
  rowBytesOf,
} from '../../../src/contract/frame.ts';
import type { ModelInput, ResizeRule } from '../../../src/contract/manifest.ts';
import { openTensorKernel, workspaceBytesOf } from '../../../src/inference/kernel.ts';
import { referenceLevels } from '../../support/reference-tensor.ts';

/**
 * How far a byte may be from the exact level: half a level of rounding, and a fraction of one for
 * 16-bit samples and weights. The reference uses the same filter.
 */
const errorMax = 0.5 + 0.1;

const guardBytes = 256;
const guard = 0xa5;

const rules: readonly ResizeRule[] = [
  { rule: 'center-crop', fraction: 0.875 },
  { rule: 'center-crop', fraction: 1 },
  { rule: 'squash' },
  { rule: 'letterbox' },
];

describe('the tensor kernel', () => {
  for (const format of pixelFormats) {
    for (const layout of ['nhwc', 'nchw'] as const) {
      for (const type of ['uint8', 'float32'] as const) {
        it(`prepares ${layout} ${type} from ${format} as the reference does`, () => {
          for (const color of ['rgb', 'bgr', 'gray'] as const) {
            for (const resize of rules) {
              const random = createRandom(7);
              const base = { layout, type, color, resize, scale: 1 / 255 };
              const input = { ...base, mean: meanOf(color), std: stdOf(color) };
              check(geometryOf(format, 64, 48, 0), { ...input, width: 24, height: 24 }, random);
              check(geometryOf(format, 22, 17, 5), { ...input, width: 33, height: 13 }, random);
            }
          }
        });
      }
    }
  }

  it('holds for every kind of size: tiny, enlarged, shrunk, far from square', () => {
    const random = createRandom(11);
    const sizes = [
      [8, 8],
      [2, 2],
      [2, 300],
      [300, 2],
      [640, 9],
      [1000, 8],
      [34, 1000],
      [257, 129],
      [1280, 90],
    ] as const;
    for (const format of pixelFormats) {
      for (const [width, height] of sizes) {
        for (const resize of rules) {
          const even = format === 'YUYV' ? width + (width % 2) : width;
          const input = inputOf({ resize, width: 8, height: 8 });
          check(geometryOf(format, even, height, 0), input, random);
          check(geometryOf(format, even, height, 3), { ...input, width: 57, height: 40 }, random);
        }
      }
    }
  });

  it('takes RGB3 of any width', () => {
    const random = createRandom(13);
    for (let width = 1; width <= 70; width += 1) {
      check(geometryOf('RGB3', width, 9, width % 3), inputOf({ width: 16, height: 8 }), random);
    }
  });

  it('holds for random geometries and inputs', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = createRandom(seed);
      const { geometry, input } = anything(random);
      check(geometry, input, random, `seed ${seed}`);
    }
  });

  it('keeps the error within two levels when a row is made of hundreds of rows', () => {
    const input = inputOf({ width: 8, height: 8, resize: { rule: 'squash' } });
    check(geometryOf('RGB3', 33, 4096, 0), input, createRandom(3), 'tall', 2);
    check(geometryOf('RGB3', 33, 4001, 0), input, createRandom(5), 'tall', 2);
    check(geometryOf('YUYV', 4096, 20, 0), input, createRandom(4), 'wide', 2);
  });

  it('keeps constant colours exact', () => {
    for (let level = 0; level <= 255; level += 1) {
      const other = 255 - level;
      const rgb = prepared(geometryOf('RGB3', 61, 47, 2), inputOf({}), (_, channel) =>
        [level, other, 77].at(channel),
      );
      assert.deepEqual([...new Set(rgb.tensor)], [...new Set([level, other, 77])]);
      const gray = inputOf({ color: 'gray' });
      const expected = Math.min(Math.max(Math.round(((level - 16) * 255) / 219), 0), 255);
      const yuv = prepared(geometryOf('YUYV', 62, 47, 2), gray, (_, channel) =>
        channel === 0 ? level : 128,
      );
      for (const value of yuv.tensor) assert.ok(Math.abs(value - expected) <= 1);
    }
  });

  it('shows colour bars in their colours', () => {
    // 100 % bars in BT.601 limited range, with what they are in RGB.
    const bars = [
      { yuv: [235, 128, 128], rgb: [255, 255, 255] },
      { yuv: [210, 16, 146], rgb: [255, 255, 0] },
      { yuv: [170, 166, 16], rgb: [0, 255, 255] },
      { yuv: [145, 54, 34], rgb: [0, 255, 0] },
      { yuv: [106, 202, 222], rgb: [255, 0, 255] },
      { yuv: [81, 90, 240], rgb: [255, 0, 0] },
      { yuv: [41, 240, 110], rgb: [0, 0, 255] },
      { yuv: [16, 128, 128], rgb: [0, 0, 0] },
    ];
    const geometry = geometryOf('YUYV', 640, 32, 0);
    const input = inputOf({ width: 160, height: 8, resize: { rule: 'squash' } });
    const { tensor } = prepared(geometry, input, (x, channel) => bars[(x / 80) | 0]?.yuv[channel]);
    bars.forEach(({ rgb }, bar) => {
      for (let x = bar * 20 + 2; x < bar * 20 + 18; x += 1) {
        rgb.forEach((level, c) => {
          const got = tensor[(3 * 160 + x) * 3 + c] ?? Number.NaN;
          assert.ok(Math.abs(got - level) <= 2, `bar ${bar}, channel ${c}: ${got} for ${level}`);
        });
      }
    });
  });

  it('keeps a gradient monotonic', () => {
    for (const width of [100, 256, 640, 1000]) {
      const input = inputOf({ color: 'gray', width: 224, height: 8, resize: { rule: 'squash' } });
      const { tensor } = prepared(geometryOf('RGB3', width, 16, 0), input, (x) =>
        Math.round((x * 255) / (width - 1)),
      );
      const row = tensor.subarray(0, 224);
      assert.ok(row.every((value, x) => x === 0 || value >= (row[x - 1] ?? 0)));
      assert.ok((row[0] ?? 255) <= 2 && (row[223] ?? 0) >= 253);
    }
  });

  it('makes letterbox bars of grey 114', () => {
    for (const format of pixelFormats) {
      const input = inputOf({ width: 32, height: 32, resize: { rule: 'letterbox' } });
      const wide = prepared(geometryOf(format, 64, 32, 0), input, () => 200).tensor;
      assert.ok(wide.subarray(0, 8 * 96).every((value) => value === 114));
      assert.ok(wide.subarray(24 * 96).every((value) => value === 114));
      const tall = prepared(geometryOf(format, 32, 64, 0), input, () => 200).tensor;
      for (let y = 0; y < 32; y += 1) {
        assert.ok(tall.subarray(y * 96, y * 96 + 24).every((value) => value === 114));
        assert.ok(tall.subarray(y * 96 + 72, y * 96 + 96).every((value) => value === 114));
      }
    }
  });

  it('plans once per geometry and follows a change of it', () => {
    const random = createRandom(17);
    const input = inputOf({ resize: { rule: 'letterbox' } });
    const geometries = [
      geometryOf('YUYV', 64, 48, 0),
      geometryOf('RGB3', 31, 90, 7),
      geometryOf('YUYV', 200, 20, 4),
      geometryOf('YUYV', 200, 20, 8),
    ];
    const room = roomOf(geometries, input);
    let plans = 0;
    for (const geometry of geometries) {
      plans += 1;
      for (let repeat = 0; repeat < 3; repeat += 1) {
        fillRandomly(room.frame, random);
        room.kernel.prepare({ ...geometry }, room.frameOffset);
        assert.equal(room.kernel.planCount, plans);
        assertPrepared(room.kernel.tensor, room.frame, geometry, input, 'after a change');
      }
    }
  });

  it('refuses a frame that its workspace is too small for', () => {
    const room = roomOf([geometryOf('RGB3', 64, 48, 0)], inputOf({}));
    assert.throws(() => room.kernel.prepare(geometryOf('RGB3', 64, 4800, 0), room.frameOffset));
  });

  it('gives the tensor in memory of its own', () => {
    const { kernel } = roomOf([geometryOf('RGB3', 64, 48, 0)], inputOf({}));
    assert.ok(kernel.tensor.buffer instanceof ArrayBuffer);
  });
});

type Room = {
  readonly kernel: ReturnType<typeof openTensorKernel>;
  readonly frame: Uint8Array;
  readonly frameOffset: number;
  /** Fails when a byte outside the workspace was written. */
  assertGuarded(frameBefore: Uint8Array): void;
};

/** A memory with guards around one slot and one workspace, which is no larger than it must be. */
function roomOf(geometries: readonly FrameGeometry[], input: ModelInput): Room {
  const frameOffset = guardBytes;
  const frameBytes = Math.max(...geometries.map(frameBytesOf));
  const bytes = Math.max(
    ...geometries.map(({ width, height }) => workspaceBytesOf(input, width, height)),
  );
  const offset = frameOffset + frameBytes + guardBytes;
  const pages = Math.ceil((offset + bytes + guardBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const all = new Uint8Array(memory.buffer).fill(guard);
  const frame = all.subarray(frameOffset, frameOffset + frameBytes);
  return {
    kernel: openTensorKernel({ memory, offset, bytes }, input),
    frame,
    frameOffset,
    assertGuarded(frameBefore) {
      const outside = [
        all.subarray(0, frameOffset),
        all.subarray(frameOffset + frameBytes, offset),
        all.subarray(offset + bytes),
      ];
      for (const part of outside)
        assert.ok(
          part.every((byte) => byte === guard),
          'guard bytes',
        );
      assert.equal(Buffer.compare(frame, frameBefore), 0, 'the frame is untouched');
    },
  };
}

function check(
  geometry: FrameGeometry,
  input: ModelInput,
  random: Random,
  context = '',
  tolerance = errorMax,
): void {
  const room = roomOf([geometry], input);
  fillRandomly(room.frame, random);
  const before = room.frame.slice();
  room.kernel.prepare(geometry, room.frameOffset);
  room.assertGuarded(before);
  assertPrepared(room.kernel.tensor, before, geometry, input, context, tolerance);
}

function assertPrepared(
  tensor: Uint8Array | Float32Array,
  frame: Uint8Array,
  geometry: FrameGeometry,
  input: ModelInput,
  context: string,
  tolerance = errorMax,
): void {
  const exact = referenceLevels(frame, geometry, input);
  assert.equal(tensor.length, exact.length);
  tensor.forEach((value, i) => {
    const level = input.type === 'uint8' ? value : levelOf(value, i, input);
    const error = Math.abs(level - (exact[i] ?? Number.NaN));
    if (error <= tolerance) return;
    const where = JSON.stringify({ context, geometry, input });
    assert.fail(`element ${i} is ${level} instead of ${exact[i]}: ${where}`);
  });
}

/** Undoes the normalisation, which must have been done to a whole level. */
function levelOf(value: number, index: number, input: ModelInput): number {
  const perPlane = input.width * input.height;
  const channel = input.layout === 'nhwc' ? index % 3 : Math.floor(index / perPlane);
  const of = (numbers: ModelInput['mean']): number =>
    typeof numbers === 'number' ? numbers : (numbers[channel] ?? Number.NaN);
  const level = (value * of(input.std) + of(input.mean)) / input.scale;
  assert.ok(Math.abs(level - Math.round(level)) < 1e-3, `element ${index} is no level: ${level}`);
  return Math.round(level);
}

/** A frame where `levelOf` says what each channel of each pixel is, and its tensor. */
function prepared(
  geometry: FrameGeometry,
  input: ModelInput,
  levelAt: (x: number, channel: number) => number | undefined,
): { readonly tensor: Uint8Array | Float32Array } {
  const room = roomOf([geometry], input);
  const channelsOfPair = [0, 1, 0, 2];
  for (let y = 0; y < geometry.height; y += 1) {
    for (let i = 0; i < rowBytesOf(geometry.format, geometry.width); i += 1) {
      const isRgb = geometry.format === 'RGB3';
      const x = Math.floor(i / (isRgb ? 3 : 2));
      const channel = isRgb ? i % 3 : (channelsOfPair[i % 4] ?? 0);
      room.frame[y * geometry.stride + i] = levelAt(x, channel) ?? 0;
    }
  }
  room.kernel.prepare(geometry, room.frameOffset);
  return { tensor: room.kernel.tensor };
}

function fillRandomly(frame: Uint8Array, random: Random): void {
  for (let i = 0; i < frame.length; i += 1) frame[i] = Math.floor(random() * 256);
}

function geometryOf(
  format: PixelFormat,
  width: number,
  height: number,
  padding: number,
): FrameGeometry {
  return { format, width, height, stride: rowBytesOf(format, width) + padding };
}

function inputOf(part: Partial<ModelInput>): ModelInput {
  return {
    layout: 'nhwc',
    type: 'uint8',
    color: 'rgb',
    width: 24,
    height: 24,
    scale: 1,
    mean: 0,
    std: 1,
    resize: { rule: 'center-crop', fraction: 0.875 },
    ...part,
  };
}

function meanOf(color: ModelInput['color']): ModelInput['mean'] {
  return color === 'gray' ? 0.5 : [0.485, 0.456, 0.406];
}

function stdOf(color: ModelInput['color']): ModelInput['std'] {
  return color === 'gray' ? 0.25 : [0.229, 0.224, 0.225];
}

/** Any input and frame, more often small than large. */
function anything(random: Random): { geometry: FrameGeometry; input: ModelInput } {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const size = (min: number, max: number): number =>
    Math.floor(min * (max / min) ** (random() ** 1.5));
  const format = pick(pixelFormats);
  const width = size(2, 700);
  const geometry = geometryOf(
    format,
    format === 'YUYV' ? width + (width % 2) : width,
    size(2, 500),
    pick([0, 0, 1, 6, 33]),
  );
  const color = pick(['rgb', 'bgr', 'gray'] as const);
  const input: ModelInput = {
    layout: pick(['nhwc', 'nchw'] as const),
    type: pick(['uint8', 'float32'] as const),
    color,
    width: size(8, 120),
    height: size(8, 120),
    scale: pick([1, 1 / 255]),
    mean: pick([0, 0.5, meanOf(color)]),
    std: pick([1, 0.3, stdOf(color)]),
    resize: pick([...rules, { rule: 'center-crop', fraction: 0.1 + 0.9 * random() }]),
  };
  return { geometry, input };
}
