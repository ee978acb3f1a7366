import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import {
  type FrameGeometry,
  type FrameView,
  frameBytesOf,
  pixelFormats,
  wholeFrame,
} from '../../../src/contract/frame.ts';
import type { ModelInput } from '../../../src/contract/manifest.ts';
import {
  anything,
  anyView,
  assertPrepared,
  check,
  fillRandomly,
  geometryOf,
  inputOf,
  meanOf,
  preparedOf,
  roomOf,
  rules,
  stdOf,
} from '../../support/kernel-room.ts';

const rotations = [0, 90, 180, 270] as const;
const corner: FrameView['region'] = { x: 0.3, y: 0.1, width: 0.55, height: 0.7 };

describe('the view of the tensor kernel', () => {
  for (const format of pixelFormats) {
    for (const rotate of rotations) {
      it(`cuts a region out of ${format} and turns it by ${rotate}°`, () => {
        for (const region of [wholeFrame.region, corner]) {
          forEveryInput((input) => {
            const random = createRandom(7);
            const view = { region, rotate };
            const wide = { ...input, width: 24, height: 16 };
            check({ geometry: geometryOf(format, 64, 48, 0), input: wide, view }, random);
            const tall = { ...input, width: 13, height: 33 };
            check({ geometry: geometryOf(format, 30, 19, 5), input: tall, view }, random);
          });
        }
      });
    }
  }

  it('holds for every kind of size', () => {
    const random = createRandom(11);
    const sizes = [
      [2, 2],
      [2, 300],
      [300, 2],
      [500, 8],
      [34, 400],
    ] as const;
    for (const format of pixelFormats) {
      for (const [width, height] of sizes) {
        for (const resize of rules) {
          const geometry = geometryOf(format, width, height, 2);
          const input = inputOf({ resize, width: 57, height: 40 });
          const region = random() < 0.5 ? corner : wholeFrame.region;
          for (const rotate of rotations)
            check({ geometry, input, view: { region, rotate } }, random);
        }
      }
    }
  });

  it('holds for random regions, turns, geometries and inputs', () => {
    for (let seed = 1; seed <= 800; seed += 1) {
      const random = createRandom(seed);
      check(anything(random, anyView(random)), random, `seed ${seed}`);
    }
  });

  // Only where neither axis is shrunk more than three times: beyond, rows are halved and columns not.
  it('makes of a turned frame what it makes of a frame that was turned before', () => {
    for (const rotate of rotations) {
      for (const [width, height] of [
        [64, 48],
        [41, 70],
      ] as const) {
        forEveryInput((shape) => {
          const input = { ...shape, width: 40, height: 24 };
          const geometry = geometryOf('RGB3', width, height, 3);
          const before = turnedFrame(geometry, rotate);
          const turned = tensorOf(geometry, input, { ...wholeFrame, rotate });
          const plain = preparedOf(before.geometry, input, wholeFrame, before.levelAt);
          const level = input.type === 'uint8' ? 1 : 1 / 0.2 / 255;
          turned.forEach((value, i) => {
            assert.ok(Math.abs(value - (plain[i] ?? Number.NaN)) <= level + 1e-6, `element ${i}`);
          });
        });
      }
    }
  });

  it('makes of a region what it makes of a frame that holds nothing else', () => {
    const input = inputOf({ width: 40, height: 24 });
    const region = { x: 0.25, y: 0.5, width: 0.5, height: 0.25 };
    const part = preparedOf(geometryOf('NV12', 160, 96, 6), input, { region, rotate: 0 }, levelAt);
    const alone = preparedOf(geometryOf('NV12', 80, 24, 0), input, wholeFrame, (x, y, channel) =>
      levelAt(x + 40, y + 48, channel),
    );
    assert.deepEqual(part, alone);
  });

  it('sees nothing outside its region', () => {
    const region = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
    for (const format of pixelFormats) {
      for (const rotate of rotations) {
        for (const resize of rules) {
          const geometry = geometryOf(format, 80, 64, 0, 'bt601-full');
          const input = inputOf({ resize, width: 31, height: 17 });
          const of = (outside: number) =>
            preparedOf(geometry, input, { region, rotate }, (x, y, channel) =>
              x < 20 || x >= 60 || y < 16 || y >= 48 ? outside : levelAt(x, y, channel),
            );
          assert.deepEqual(of(0), of(255));
        }
      }
    }
  });

  it('puts the bars of a letterbox beside the turned picture', () => {
    const input = inputOf({ width: 32, height: 32, resize: { rule: 'letterbox' } });
    for (const rotate of [90, 270] as const) {
      const view = { ...wholeFrame, rotate };
      const tall = preparedOf(geometryOf('NV12', 64, 32, 0), input, view, () => 200);
      for (let y = 0; y < 32; y += 1) {
        const row = [...tall.subarray(y * 96, (y + 1) * 96)];
        assert.ok(row.every((value, i) => (value === 114) === (i < 24 || i >= 72)));
      }
    }
  });

  it('follows a change of the view, in memory that is enough for every view', () => {
    const random = createRandom(17);
    const geometry = geometryOf('YU12', 90, 70, 4);
    for (const type of ['uint8', 'float32'] as const) {
      const input = inputOf({ resize: { rule: 'letterbox' }, width: 40, height: 24, type });
      const room = roomOf([geometry], input, wholeFrame);
      for (let change = 1; change <= 60; change += 1) {
        const view = anyView(random);
        fillRandomly(room.frame, random);
        const before = room.frame.slice();
        room.kernel.setView(view);
        room.kernel.prepare(geometry, room.frameOffset);
        room.assertGuarded(before);
        const one = { geometry, input, view };
        assertPrepared(room.kernel.tensor, before, one, `change ${change}`);
      }
    }
  });

  it('plans anew for another view, and not for the same', () => {
    const geometry = geometryOf('YUYV', 64, 48, 0);
    const room = roomOf([geometry], inputOf({}), wholeFrame);
    const plansAfter = (view: FrameView): number => {
      room.kernel.setView(view);
      room.kernel.prepare(geometry, room.frameOffset);
      return room.kernel.planCount;
    };
    assert.equal(plansAfter({ ...wholeFrame, region: { ...wholeFrame.region } }), 1);
    assert.equal(plansAfter({ ...wholeFrame, rotate: 180 }), 2);
    assert.equal(plansAfter({ ...wholeFrame, rotate: 180 }), 2);
    assert.equal(plansAfter({ region: corner, rotate: 180 }), 3);
  });

  it('refuses a region that is no part of the frame', () => {
    const { kernel } = roomOf([geometryOf('YUYV', 64, 48, 0)], inputOf({}), wholeFrame);
    const whole = wholeFrame.region;
    for (const wrong of [{ x: 0.1 }, { y: -0.1 }, { width: 0 }, { height: Number.NaN }]) {
      assert.throws(() => kernel.setView({ region: { ...whole, ...wrong }, rotate: 0 }));
    }
  });
});

/** Every layout, type, colour and resize rule; sizes are for the caller to choose. */
function forEveryInput(use: (input: ModelInput) => void): void {
  for (const layout of ['nhwc', 'nchw'] as const) {
    for (const type of ['uint8', 'float32'] as const) {
      for (const color of ['rgb', 'bgr', 'gray'] as const) {
        const shape = { layout, type, color, mean: meanOf(color), std: stdOf(color) };
        for (const resize of rules) use(inputOf({ ...shape, resize, scale: 1 / 255 }));
      }
    }
  }
}

/** A picture without noise, so that two ways of scaling it agree. */
function levelAt(x: number, y: number, channel: number): number {
  return Math.round(128 + 60 * Math.sin(x / 5 + channel) + 50 * Math.cos(y / 7 - channel));
}

function tensorOf(
  geometry: FrameGeometry,
  input: ModelInput,
  view: FrameView,
): Uint8Array | Float32Array {
  assert.ok(frameBytesOf(geometry) > 0);
  return preparedOf(geometry, input, view, levelAt);
}

/** The same picture turned clockwise, as a frame of its own. */
function turnedFrame(
  geometry: FrameGeometry,
  rotate: FrameView['rotate'],
): { readonly geometry: FrameGeometry; readonly levelAt: typeof levelAt } {
  const { format, width, height } = geometry;
  const upright = geometryOf(format, width, height, 0);
  const onItsSide = geometryOf(format, height, width, 0);
  switch (rotate) {
    case 0:
      return { geometry: upright, levelAt };
    case 90:
      return { geometry: onItsSide, levelAt: (x, y, c) => levelAt(y, height - 1 - x, c) };
    case 180:
      return {
        geometry: upright,
        levelAt: (x, y, c) => levelAt(width - 1 - x, height - 1 - y, c),
      };
    case 270:
      return { geometry: onItsSide, levelAt: (x, y, c) => levelAt(width - 1 - y, x, c) };
  }
}
