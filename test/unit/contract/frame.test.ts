import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type FrameGeometry,
  frameBytesOf,
  isSameGeometry,
  isSameView,
  rowBytesOf,
  wholeFrame,
} from '../../../src/contract/frame.ts';

const nv12: FrameGeometry = {
  format: 'NV12',
  width: 640,
  height: 480,
  stride: 704,
  color: 'bt601',
};

test('a row is as long as its pixels', () => {
  assert.equal(rowBytesOf('UYVY', 640), 1280);
  assert.equal(rowBytesOf('BGR3', 641), 1923);
  assert.equal(rowBytesOf('GREY', 641), 641);
  assert.equal(rowBytesOf('YV12', 640), 640);
});

test('a frame is as long as all of its planes with their strides', () => {
  assert.equal(frameBytesOf(nv12), 704 * 480 + 704 * 240);
  assert.equal(frameBytesOf({ ...nv12, format: 'YU12' }), 704 * 480 + 2 * 352 * 240);
  assert.equal(frameBytesOf({ ...nv12, format: 'GREY' }), 704 * 480);
  assert.equal(frameBytesOf({ ...nv12, format: 'YVYU', stride: 1300 }), 1300 * 480);
});

test('half a sample of chroma is a bug', () => {
  assert.throws(() => rowBytesOf('YVYU', 641));
  assert.throws(() => rowBytesOf('NV21', 641));
  assert.throws(() => frameBytesOf({ ...nv12, height: 481 }));
  assert.throws(() => frameBytesOf({ ...nv12, format: 'YV12', stride: 705 }));
});

test('geometries are the same when every part of them is', () => {
  assert.ok(isSameGeometry(nv12, { ...nv12 }));
  const others = [
    { format: 'NV21' },
    { width: 638 },
    { height: 478 },
    { stride: 640 },
    { color: 'bt709' },
  ] as const;
  for (const other of others) assert.ok(!isSameGeometry(nv12, { ...nv12, ...other }));
});

test('views are the same when they show the same', () => {
  const { region } = wholeFrame;
  assert.ok(isSameView(wholeFrame, { region: { ...region }, rotate: 0 }));
  assert.ok(!isSameView(wholeFrame, { region, rotate: 90 }));
  for (const side of ['x', 'y', 'width', 'height'] as const) {
    assert.ok(!isSameView(wholeFrame, { region: { ...region, [side]: 0.5 }, rotate: 0 }));
  }
});
