import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { createChangeMeter } from '../../../src/camera/change.ts';
import {
  type FrameGeometry,
  frameBytesOf,
  pixelFormats,
  rowBytesOf,
} from '../../../src/contract/frame.ts';
import { geometryOf } from '../../support/kernel-room.ts';
import { fillPlanes } from '../../support/reference-planes.ts';

const rgb: FrameGeometry = {
  format: 'RGB3',
  width: 64,
  height: 48,
  stride: 64 * 3,
  color: 'bt601',
};
const yuyv: FrameGeometry = {
  format: 'YUYV',
  width: 64,
  height: 48,
  stride: 64 * 2,
  color: 'bt601',
};

const filled = (geometry: FrameGeometry, value: number): Uint8Array =>
  new Uint8Array(frameBytesOf(geometry)).fill(value);

test('the first frame has changed as much as a frame can', () => {
  assert.equal(createChangeMeter().measure(filled(rgb, 0), rgb), 255);
});

test('the same frame again has not changed', () => {
  const meter = createChangeMeter();
  const random = createRandom(1);
  const frame = filled(yuyv, 0).map(() => random() * 256);
  meter.measure(frame, yuyv);
  assert.equal(meter.measure(frame, yuyv), 0);
});

test('the score is the mean difference, either way', () => {
  const meter = createChangeMeter();
  meter.measure(filled(rgb, 100), rgb);
  assert.equal(meter.measure(filled(rgb, 110), rgb), 10);
  assert.equal(meter.measure(filled(rgb, 90), rgb), 20);
  meter.measure(filled(rgb, 0), rgb);
  assert.equal(meter.measure(filled(rgb, 255), rgb), 255);
});

test('half a picture that changes counts half', () => {
  const meter = createChangeMeter();
  const frame = filled(rgb, 50);
  meter.measure(frame, rgb);
  frame.fill(90, frame.length / 2);
  assert.equal(meter.measure(frame, rgb), 20);
});

test('a frame is compared with the one just before it', () => {
  const meter = createChangeMeter();
  for (const value of [0, 200]) meter.measure(filled(rgb, value), rgb);
  assert.equal(meter.measure(filled(rgb, 200), rgb), 0);
});

test('where brightness has bytes of its own, the colour does not count', () => {
  for (const format of pixelFormats) {
    if (format === 'RGB3' || format === 'BGR3') continue;
    const geometry = geometryOf(format, 64, 48, 0);
    const meter = createChangeMeter();
    const frame = filled(geometry, 128);
    meter.measure(frame, geometry);
    fillPlanes(frame, geometry, (_x, _y, channel) => (channel === 0 ? 128 : 10));
    assert.equal(meter.measure(frame, geometry), 0, format);
    fillPlanes(frame, geometry, (_x, _y, channel) => (channel === 0 ? 118 : 10));
    assert.equal(meter.measure(frame, geometry), 10, format);
  }
});

test('what lies between rows is no part of the picture', () => {
  for (const format of ['RGB3', 'YUYV', 'UYVY', 'GREY', 'NV12'] as const) {
    const bytes = rowBytesOf(format, 64);
    const padded: FrameGeometry = {
      format,
      width: 64,
      height: 48,
      stride: bytes + 20,
      color: 'bt601',
    };
    const meter = createChangeMeter();
    const frame = filled(padded, 30);
    meter.measure(frame, padded);
    for (let row = 0; row < 48; row += 1) {
      frame.fill(250, row * padded.stride + bytes, (row + 1) * padded.stride);
    }
    assert.equal(meter.measure(frame, padded), 0, format);
  }
});

test('every size is measured within its bytes, down to the smallest frame', () => {
  for (let width = 2; width <= 70; width += 2) {
    const geometry: FrameGeometry = {
      format: 'RGB3',
      width,
      height: 3,
      stride: width * 3,
      color: 'bt601',
    };
    const meter = createChangeMeter();
    meter.measure(filled(geometry, 10), geometry);
    assert.equal(meter.measure(filled(geometry, 30), geometry), 20, `${width} pixels`);
  }
});
