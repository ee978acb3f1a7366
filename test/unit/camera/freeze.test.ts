import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { micros, seconds } from '../../../src/base/time.ts';
import { createChangeMeter } from '../../../src/camera/change.ts';
import { createFreezeMeter } from '../../../src/camera/freeze.ts';
import { createScene } from '../../../src/camera/scene.ts';
import {
  type FrameGeometry,
  frameBytesOf,
  hasChromaPlanes,
  type PixelFormat,
  pixelFormats,
  rowBytesOf,
} from '../../../src/contract/frame.ts';

const after = seconds(10);

function geometryOf(format: PixelFormat, padding = 0): FrameGeometry {
  const [width, height] = [128, 96];
  const stride = rowBytesOf(format, width) + padding;
  return { format, width, height, stride, color: 'bt601' };
}

/** A picture's bytes for a frame's number, in shared memory as a slot is. */
type Draw = (target: Uint8Array, frame: number) => void;

/** Shows frames at a rate; after how many seconds the picture is found frozen, if it is. */
function frozenAt(
  draw: Draw,
  { fps = 30, forSeconds = 30, geometry = geometryOf('YUYV') } = {},
): number | undefined {
  let now = 5_000_000;
  const change = createChangeMeter();
  const clock = { now: () => micros(now), sleep: async () => {} };
  const meter = createFreezeMeter({ name: 'Camera', after, change, clock });
  const bytes = frameBytesOf(geometry);
  const slots = [0, 1, 2].map(() => new Uint8Array(new SharedArrayBuffer(bytes + 64)));
  for (let frame = 0; frame <= forSeconds * fps; frame += 1) {
    const slot = slots[frame % slots.length] ?? assert.fail();
    slot.fill(frame, bytes); // Behind the frame there is anything.
    draw(slot.subarray(0, bytes), frame);
    const found = meter.see(slot, geometry, change.measure(slot, geometry));
    if (found !== undefined) {
      assert.equal(found.code, 'camera.frozen');
      assert.match(found.message, /^Camera: .* for 10 s$/);
      return frame / fps;
    }
    now += 1_000_000 / fps;
  }
  return undefined;
}

const photo = (bytes: number, seed = 3): Uint8Array => {
  const random = createRandom(seed);
  return Uint8Array.from({ length: bytes }, () => 40 + Math.floor(random() * 160));
};
const picture = photo(2 ** 17);
const still: Draw = (target) => target.set(picture.subarray(0, target.length));
const flat =
  (level: number): Draw =>
  (target) =>
    target.fill(level);

test('a picture that never changes is frozen after the time that is set', () => {
  const at = frozenAt(still) ?? assert.fail('it is found');
  assert.ok(at >= 10 && at < 10.1, `${at} s`);
});

for (const fps of [0.2, 0.5, 1, 5, 60, 240]) {
  test(`so it is at ${fps} frames a second, at the second frame after that time at the latest`, () => {
    const at = frozenAt(still, { fps, forSeconds: 40 }) ?? assert.fail('it is found');
    assert.ok(at >= 10 && at <= 10 + 2 / fps, `${at} s`);
  });
}

for (const format of pixelFormats) {
  test(`it is found in ${format}, whatever lies between the rows`, () => {
    for (const padding of [0, 32]) {
      const geometry = geometryOf(format, padding);
      const rowBytes = rowBytesOf(format, geometry.width);
      const draw: Draw = (target, frame) => {
        still(target, frame);
        pad(target, geometry, rowBytes, frame);
      };
      assert.notEqual(frozenAt(draw, { geometry, fps: 5 }), undefined, `padding ${padding}`);
    }
  });

  test(`one byte anywhere in ${format} is a picture that moves`, () => {
    for (const padding of [0, 32]) {
      const geometry = geometryOf(format, padding);
      const { stride, height, width } = geometry;
      const chromaRow = hasChromaPlanes(format) ? stride / 2 : stride;
      const places = [0, stride * (height - 1) + rowBytesOf(format, width) - 1];
      if (frameBytesOf(geometry) > stride * height) {
        places.push(
          stride * height,
          frameBytesOf(geometry) - (hasChromaPlanes(format) ? padding / 2 : padding) - 1,
        );
        places.push(stride * height + chromaRow);
      }
      for (const place of places) {
        const draw: Draw = (target, frame) => {
          still(target, frame);
          target[place] = 100 + (frame % 2);
        };
        assert.equal(frozenAt(draw, { geometry, fps: 5 }), undefined, `byte ${place}`);
      }
    }
  });
}

/** Something else between the rows of each frame. */
function pad(target: Uint8Array, geometry: FrameGeometry, rowBytes: number, frame: number): void {
  const { format, stride, height } = geometry;
  for (let row = 0; row < height; row += 1) {
    target.fill(frame, row * stride + rowBytes, (row + 1) * stride);
  }
  const [step, used] = hasChromaPlanes(format) ? [stride / 2, rowBytes / 2] : [stride, rowBytes];
  for (let at = stride * height; at < target.length; at += step) {
    target.fill(frame, at + used, at + step);
  }
}

const noisy: Draw = (target, frame) => {
  const random = createRandom(frame);
  for (let at = 0; at < target.length; at += 1) {
    target[at] = (picture[at] ?? 0) + Math.floor(random() * 3);
  }
};
/** A night in which all is cut off at black but a lamp. */
const night: Draw = (target) => {
  target.fill(16);
  target.fill(255, 5000, 5500);
};

const unjudged: readonly [what: string, draw: Draw][] = [
  ['a picture with noise', noisy],
  [
    'one that moves in a corner only',
    (target, frame) => {
      still(target, frame);
      target[7] = frame % 2;
    },
  ],
  ['a dark one', flat(16)],
  ['a dark one of full range', flat(0)],
  [
    'a dark one with a pixel that is stuck',
    (target) => {
      target.fill(17);
      target.fill(255, 128 * 2 * 50 + 4, 128 * 2 * 50 + 12);
    },
  ],
  ['a night with a lamp', night],
  ['a bright one', flat(235)],
  ['a bright one of full range', flat(255)],
  [
    'one of the sun, in black and white',
    (target) => {
      target.fill(18);
      target.fill(250, 0, target.length / 2);
    },
  ],
  ['one of a cap, all of one grey', flat(90)],
  [
    'one of a cap with a pixel that is stuck',
    (target) => {
      target.fill(90);
      target.fill(255, 128 * 2 * 50 + 4, 128 * 2 * 50 + 8);
    },
  ],
];

for (const [what, draw] of unjudged) {
  test(`${what} is not frozen`, () => assert.equal(frozenAt(draw, { fps: 10 }), undefined));
}

test('a picture that changes just before the time is not frozen', () => {
  const draw: Draw = (target, frame) => {
    still(target, frame);
    target[1] = Math.floor(frame / 295) % 2; // 9.83 s at 30 frames a second.
  };
  assert.equal(frozenAt(draw, { forSeconds: 60 }), undefined);
});

test('the time begins where the picture began to stand still, and where it got light', () => {
  const moving: Draw = (target, frame) =>
    frame < 150 ? noisy(target, frame) : still(target, frame);
  const at = frozenAt(moving) ?? assert.fail('it is found');
  assert.ok(at >= 15 && at < 15.2, `${at} s`);
  const dawn: Draw = (target, frame) =>
    frame < 600 ? flat(16)(target, frame) : still(target, frame);
  const light = frozenAt(dawn, { forSeconds: 40 }) ?? assert.fail('it is found');
  assert.ok(light >= 30 && light < 30.2, `${light} s`);
});

test('the built-in scene is never frozen, day or night', () => {
  const scene = createScene({ width: 160, height: 120, seed: 1 });
  for (const fps of [1, 10]) {
    const draw: Draw = (target, frame) => scene.draw(target, micros((frame * 1e6) / fps));
    const options = { geometry: scene.geometry, fps, forSeconds: 400 };
    assert.equal(frozenAt(draw, options), undefined, `${fps} fps`);
  }
});
