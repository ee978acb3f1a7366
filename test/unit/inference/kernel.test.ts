import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import {
  type FrameGeometry,
  frameColors,
  pixelFormats,
  wholeFrame,
} from '../../../src/contract/frame.ts';
import {
  anything,
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

const view = wholeFrame;

describe('the tensor kernel', () => {
  for (const format of pixelFormats) {
    for (const layout of ['nhwc', 'nchw'] as const) {
      for (const type of ['uint8', 'float32'] as const) {
        it(`prepares ${layout} ${type} from ${format} of every colour as the reference does`, () => {
          for (const sent of frameColors) {
            for (const color of ['rgb', 'bgr', 'gray'] as const) {
              for (const resize of rules) {
                const random = createRandom(7);
                const base = { layout, type, color, resize, scale: 1 / 255 };
                const shape = { ...base, mean: meanOf(color), std: stdOf(color) };
                const square = { ...shape, width: 24, height: 24 };
                const large = geometryOf(format, 64, 48, 0, sent);
                check({ geometry: large, input: square, view }, random);
                const small = geometryOf(format, 22, 17, 5, sent);
                check(
                  { geometry: small, input: { ...shape, width: 33, height: 13 }, view },
                  random,
                );
              }
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
          const input = inputOf({ resize, width: 8, height: 8 });
          const other = { ...input, width: 57, height: 40 };
          check({ geometry: geometryOf(format, width, height, 0), input, view }, random);
          check({ geometry: geometryOf(format, width, height, 3), input: other, view }, random);
        }
      }
    }
  });

  it('takes formats without shared chroma in any width and height', () => {
    const random = createRandom(13);
    const input = inputOf({ width: 16, height: 8 });
    for (const format of ['RGB3', 'BGR3', 'GREY'] as const) {
      for (let side = 1; side <= 70; side += 1) {
        check({ geometry: geometryOf(format, side, 9, side % 3), input, view }, random);
        check({ geometry: geometryOf(format, 9, side, side % 3), input, view }, random);
      }
    }
  });

  it('takes formats with shared chroma in any even width and height', () => {
    const random = createRandom(19);
    const input = inputOf({ width: 16, height: 8 });
    for (const format of ['UYVY', 'YVYU', 'NV12', 'NV21', 'YU12', 'YV12'] as const) {
      for (let side = 2; side <= 140; side += 2) {
        check({ geometry: geometryOf(format, side, 10, side % 3), input, view }, random);
        check({ geometry: geometryOf(format, 10, side, side % 3), input, view }, random);
      }
    }
  });

  it('holds for random geometries and inputs', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = createRandom(seed);
      check(anything(random, view), random, `seed ${seed}`);
    }
  });

  it('keeps the error within two levels when a row is made of hundreds of rows', () => {
    const input = inputOf({ width: 8, height: 8, resize: { rule: 'squash' } });
    for (const [format, width, height] of [
      ['RGB3', 33, 4096],
      ['RGB3', 33, 4001],
      ['NV12', 34, 4096],
      ['YUYV', 4096, 20],
      ['YU12', 4096, 20],
    ] as const) {
      const geometry = geometryOf(format, width, height, 0);
      check({ geometry, input, view }, createRandom(3), 'far from square', 2);
    }
  });

  it('makes letterbox bars of grey 114', () => {
    for (const format of pixelFormats) {
      for (const color of frameColors) {
        const input = inputOf({ width: 32, height: 32, resize: { rule: 'letterbox' } });
        const wide = preparedOf(geometryOf(format, 64, 32, 0, color), input, view, () => 200);
        assert.ok(wide.subarray(0, 8 * 96).every((value) => value === 114));
        assert.ok(wide.subarray(24 * 96).every((value) => value === 114));
        const tall = preparedOf(geometryOf(format, 32, 64, 0, color), input, view, () => 200);
        for (let y = 0; y < 32; y += 1) {
          assert.ok(tall.subarray(y * 96, y * 96 + 24).every((value) => value === 114));
          assert.ok(tall.subarray(y * 96 + 72, y * 96 + 96).every((value) => value === 114));
        }
      }
    }
  });

  it('plans once per geometry and follows a change of it', () => {
    const random = createRandom(17);
    const input = inputOf({ resize: { rule: 'letterbox' } });
    const geometries: readonly FrameGeometry[] = [
      geometryOf('YUYV', 64, 48, 0),
      geometryOf('YUYV', 64, 48, 0, 'bt709-full'),
      geometryOf('RGB3', 31, 90, 7),
      geometryOf('NV12', 200, 20, 4),
      geometryOf('GREY', 200, 20, 8),
      geometryOf('YUYV', 200, 20, 4),
      geometryOf('YUYV', 200, 20, 8),
    ];
    const room = roomOf(geometries, input, view);
    let plans = 0;
    for (const geometry of geometries) {
      plans += 1;
      for (let repeat = 0; repeat < 3; repeat += 1) {
        fillRandomly(room.frame, random);
        room.kernel.prepare({ ...geometry }, room.frameOffset);
        assert.equal(room.kernel.planCount, plans);
        const one = { geometry, input, view };
        assertPrepared(room.kernel.tensor, room.frame, one, 'after a change');
      }
    }
  });

  it('refuses a frame that its workspace is too small for', () => {
    const room = roomOf([geometryOf('RGB3', 64, 48, 0)], inputOf({}), view);
    assert.throws(() => room.kernel.prepare(geometryOf('RGB3', 64, 4800, 0), room.frameOffset));
  });

  it('refuses a frame of half a sample of chroma, and rows longer than their stride', () => {
    const room = roomOf([geometryOf('RGB3', 64, 48, 0)], inputOf({}), view);
    const planar = geometryOf('NV12', 32, 32, 0);
    for (const wrong of [{ width: 31 }, { height: 31 }, { stride: 31 }]) {
      assert.throws(() => room.kernel.prepare({ ...planar, ...wrong }, room.frameOffset));
    }
    const thirds: FrameGeometry = { ...geometryOf('YU12', 32, 32, 0), stride: 33 };
    assert.throws(() => room.kernel.prepare(thirds, room.frameOffset));
  });

  it('leaves the tensor at the start of a cache line, where models read it fastest', () => {
    for (const type of ['uint8', 'float32'] as const) {
      const geometry = geometryOf('RGB3', 65, 47, 5);
      const { kernel } = roomOf([geometry], inputOf({ type, width: 23 }), view);
      assert.equal(kernel.tensor.byteOffset % 64, 0);
    }
  });
});
