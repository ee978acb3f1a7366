import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { chromaStepOf, pixelFormats, wholeFrame } from '../../../src/contract/frame.ts';
import { pixelRegionOf } from '../../../src/inference/pixel-region.ts';
import { anyView, geometryOf } from '../../support/kernel-room.ts';

test('the whole frame is all of its pixels', () => {
  for (const format of pixelFormats) {
    const geometry = geometryOf(format, 63, 47, 3);
    const { width, height } = geometry;
    assert.deepEqual(pixelRegionOf(geometry, wholeFrame.region), { x: 0, y: 0, width, height });
  }
});

test('edges are rounded to the nearest pixel, and to whole samples of chroma', () => {
  // From 10.5 to 24.5 across, and to 25.25 down.
  const region = { x: 21 / 128, y: 21 / 128, width: 28 / 128, height: 59 / 256 };
  const of = (format: 'BGR3' | 'UYVY' | 'YV12') =>
    pixelRegionOf(geometryOf(format, 64, 64, 0), region);
  assert.deepEqual(of('BGR3'), { x: 11, y: 11, width: 14, height: 14 });
  assert.deepEqual(of('UYVY'), { x: 10, y: 11, width: 14, height: 14 });
  assert.deepEqual(of('YV12'), { x: 10, y: 10, width: 14, height: 16 });
});

test('two pixels are the least, at the far edge too', () => {
  for (const format of pixelFormats) {
    for (const at of [0, 0.5, 0.999]) {
      const geometry = geometryOf(format, 100, 80, 0);
      const region = pixelRegionOf(geometry, { x: at, y: at, width: 0.001, height: 0.001 });
      assert.deepEqual([region.width, region.height], [2, 2]);
      assert.ok(region.x + 2 <= 100 && region.y + 2 <= 80);
    }
  }
});

test('a frame of a single pixel is looked at whole', () => {
  const geometry = geometryOf('RGB3', 1, 1, 0);
  const all = { x: 0, y: 0, width: 1, height: 1 };
  assert.deepEqual(pixelRegionOf(geometry, { x: 0.5, y: 0.2, width: 0.1, height: 0.1 }), all);
});

test('every region lies within the frame, on whole samples', () => {
  for (let seed = 1; seed <= 2000; seed += 1) {
    const random = createRandom(seed);
    const format = pixelFormats[seed % pixelFormats.length] ?? 'YUYV';
    const side = (): number => 2 + Math.floor(random() * 60);
    const geometry = geometryOf(format, side(), side(), 0);
    const { x, y, width, height } = pixelRegionOf(geometry, anyView(random).region);
    const step = chromaStepOf(format);
    assert.ok(x >= 0 && y >= 0 && width >= 2 && height >= 2, `seed ${seed}`);
    assert.ok(x + width <= geometry.width && y + height <= geometry.height, `seed ${seed}`);
    assert.deepEqual([x % step.x, width % step.x, y % step.y, height % step.y], [0, 0, 0, 0]);
  }
});
