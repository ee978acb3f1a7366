import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { micros } from '../../../src/base/time.ts';
import {
  type FrameGeometry,
  frameBytesOf,
  pixelFormats,
  wholeFrame,
} from '../../../src/contract/frame.ts';
import type { Classification } from '../../../src/contract/threads.ts';
import { createPhotographer } from '../../../src/inference/frame-picture.ts';
import { createPictureMaker, type PictureShape } from '../../../src/inference/picture.ts';
import type { ReadableFrame } from '../../../src/ring/consumer.ts';
import { assertPrepared, fillRandomly, geometryOf, inputOf } from '../../support/kernel-room.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const random = createRandom(11);
const whole: PictureShape = { sideMax: 3840, rotate: 0 };

function frameOf(geometry: FrameGeometry): Uint8Array {
  const frame = new Uint8Array(frameBytesOf(geometry));
  fillRandomly(frame, random);
  return frame;
}

/** Makes a picture of noise and compares it with the reference. */
function assertPicture(
  geometry: FrameGeometry,
  shape: PictureShape,
  width: number,
  height: number,
) {
  const maker = createPictureMaker(geometry, shape);
  const frame = frameOf(geometry);
  maker.target.set(frame);
  const picture = maker.make(geometry);
  assert.deepEqual([picture.width, picture.height], [width, height]);
  const input = inputOf({ width, height, resize: { rule: 'squash' } });
  const view = { ...wholeFrame, rotate: shape.rotate };
  assertPrepared(picture.pixels, frame, { geometry, input, view }, 'picture');
}

for (const format of pixelFormats) {
  test(`${format}: the whole frame in its own size and colours, upright and turned`, () => {
    const geometry = geometryOf(format, 66, 34, 6, 'bt709-full');
    assertPicture(geometry, whole, 66, 34);
    assertPicture(geometry, { ...whole, rotate: 180 }, 66, 34);
    assertPicture(geometry, { ...whole, rotate: 90 }, 34, 66);
    assertPicture(geometry, { ...whole, rotate: 270 }, 34, 66);
  });
}

test('a larger frame is shrunk to its longest side, whichever that is', () => {
  assertPicture(geometryOf('YUYV', 128, 72, 0), { sideMax: 64, rotate: 0 }, 64, 36);
  assertPicture(geometryOf('NV12', 72, 128, 0), { sideMax: 64, rotate: 0 }, 36, 64);
  assertPicture(geometryOf('RGB3', 128, 72, 0), { sideMax: 64, rotate: 90 }, 36, 64);
});

test('rows and columns as long as those of 1080p and 4K', () => {
  assertPicture(geometryOf('YUYV', 1920, 16, 0), whole, 1920, 16);
  assertPicture(geometryOf('NV12', 16, 1920, 0), whole, 16, 1920);
  assertPicture(geometryOf('YU12', 3840, 8, 0), whole, 3840, 8);
  assertPicture(geometryOf('RGB3', 1920, 16, 0), { ...whole, rotate: 90 }, 16, 1920);
});

test('room for one frame is room for others of its size', () => {
  const maker = createPictureMaker(geometryOf('RGB3', 64, 48, 0), whole);
  assert.ok(maker.isFit(geometryOf('YUYV', 64, 48, 0), whole));
  assert.ok(!maker.isFit(geometryOf('RGB3', 64, 48, 8), whole), 'longer rows');
  assert.ok(!maker.isFit(geometryOf('RGB3', 48, 64, 0), whole));
  assert.ok(!maker.isFit(geometryOf('RGB3', 64, 48, 0), { ...whole, rotate: 90 }));
  assert.ok(!maker.isFit(geometryOf('RGB3', 64, 48, 0), { ...whole, sideMax: 64 }));
});

const frame = (geometry: FrameGeometry, sequence: number): ReadableFrame => {
  const pixels = frameOf(geometry);
  return {
    slot: 0,
    sequence,
    ordinal: sequence,
    capturedAt: micros(sequence * 1000),
    driverSequence: 0,
    changeScore: 0,
    geometry,
    bytesUsed: pixels.length,
    offset: 0,
    pixels,
  };
};

const classified = ({ sequence, ordinal, capturedAt }: ReadableFrame): Classification => ({
  sequence,
  ordinal,
  capturedAt,
  inference: 1 as Classification['inference'],
  top: [{ label: 'bird', index: 1, score: 0.5 }],
  watched: [],
});

test('a picture is made once for a request, of the frame that was copied then', () => {
  const photographer = createPhotographer(createManualClock());
  const geometry = geometryOf('RGB3', 32, 16, 0);
  const [first, second, third] = [1, 2, 3].map((sequence) => frame(geometry, sequence));
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  photographer.copy(first);
  assert.equal(photographer.develop(classified(first)), undefined);
  photographer.ask({ id: 6, ...whole });
  photographer.ask({ id: 7, ...whole });
  photographer.copy(second);
  const seen = second.pixels.slice();
  second.pixels.fill(0);
  const picture = photographer.develop(classified(second));
  assert.ok(picture !== undefined);
  assert.deepEqual(picture, {
    ...{ id: 7, width: 32, height: 16, pixels: seen },
    ...{ sequence: 2, capturedAt: micros(2000), top: classified(second).top },
  });
  photographer.copy(third);
  assert.equal(photographer.develop(classified(third)), undefined);
});

test('what was handed over stays as it is when the next picture is made', () => {
  const clock = createManualClock();
  const photographer = createPhotographer(clock);
  const geometry = geometryOf('RGB3', 32, 16, 0);
  const take = (one: ReadableFrame) => {
    photographer.ask({ id: one.sequence, ...whole });
    photographer.copy(one);
    return photographer.develop(classified(one));
  };
  const [first, second] = [frame(geometry, 1), frame(geometry, 2)];
  const picture = take(first);
  clock.advance(61_000);
  photographer.copy(frame(geometry, 9));
  const next = take(second);
  assert.deepEqual(picture?.pixels, first.pixels);
  assert.deepEqual(next?.pixels, second.pixels);
});
