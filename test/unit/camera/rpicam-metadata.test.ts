import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import {
  captureTimeOf,
  createFrameTally,
  createMetadataReader,
  type FrameMetadata,
  lostBetween,
} from '../../../src/camera/rpicam/metadata.ts';

/** As rpicam-vid writes it with `--metadata-format txt`. */
const textOf = (nanoseconds: number): string =>
  `ExposureTime=29984
AnalogueGain=1.587597
FrameDuration=33327
ColourGains=[ 1.965870, 1.733057 ]
ScalerCrop=(1152, 432)/2304x1728
FrameWallClock=1776423020743381760
SensorTimestamp=${nanoseconds}

`;

const at = (sensorTime: number | undefined, period: number | undefined): FrameMetadata => ({
  sensorTime: sensorTime === undefined ? undefined : micros(sensorTime),
  period: period === undefined ? undefined : micros(period),
});

test('each frame gets its own metadata, in whatever pieces they come', () => {
  const text = textOf(8_303_502_247_000) + textOf(8_303_535_574_000);
  for (const pieces of [1, 7, 100, text.length]) {
    const reader = createMetadataReader();
    const step = Math.ceil(text.length / pieces);
    for (let from = 0; from < text.length; from += step)
      reader.write(text.slice(from, from + step));
    assert.deepEqual(reader.take(0), at(8_303_502_247, 33_327));
    assert.deepEqual(reader.take(1), at(8_303_535_574, 33_327));
    assert.equal(reader.take(2), undefined);
  }
});

test('metadata that come late do not go to the next frame', () => {
  const reader = createMetadataReader();
  assert.equal(reader.take(0), undefined);
  reader.write(textOf(1_000_000));
  assert.equal(reader.take(1), undefined);
  reader.write(textOf(2_000_000));
  assert.deepEqual(reader.take(1), at(2000, 33_327));
});

test('a frame without a sensor time has none, and the next one has its own', () => {
  const reader = createMetadataReader();
  reader.write('Lux=5\nSensorTimestamp=soon\nFrameDuration=0\n\n');
  reader.write(textOf(2_000_000));
  assert.deepEqual(reader.take(0), at(undefined, undefined));
  assert.deepEqual(reader.take(1), at(2000, 33_327));
});

test('metadata that nobody takes are dropped, the oldest first', () => {
  const reader = createMetadataReader();
  for (let frame = 0; frame < 1000; frame += 1) reader.write(textOf(frame * 1000));
  assert.equal(reader.take(0), undefined);
  assert.deepEqual(reader.take(999), at(999, 33_327));
});

test('a time of capture that cannot be true is replaced by that of the arrival', () => {
  const [arrived, now] = [micros(10_000_000), micros(10_010_000)];
  assert.equal(captureTimeOf(at(9_980_000, 33_000), arrived, now), 9_980_000);
  assert.equal(captureTimeOf(at(10_010_000, 33_000), arrived, now), 10_010_000);
  assert.equal(captureTimeOf(at(10_010_001, 33_000), arrived, now), arrived);
  assert.equal(captureTimeOf(at(8_010_000, 33_000), arrived, now), 8_010_000);
  assert.equal(captureTimeOf(at(8_009_999, 33_000), arrived, now), arrived);
  assert.equal(captureTimeOf(at(undefined, 33_000), arrived, now), arrived);
  assert.equal(captureTimeOf(undefined, arrived, now), arrived);
});

for (const [gap, lost] of [
  [33_000, 0],
  [49_000, 0],
  [50_000, 1],
  [66_000, 1],
  [165_000, 4],
  [1_000_001, 0],
  [0, 0],
  [-33_000, 0],
] as const) {
  test(`${gap} µs between frames of 33000 µs: ${lost} lost`, () => {
    assert.equal(lostBetween(at(5_000_000, 33_000), at(5_000_000 + gap, 33_000)), lost);
  });
}

test('nothing counts as lost where the sensor does not say', () => {
  assert.equal(lostBetween(undefined, at(1, 1)), 0);
  assert.equal(lostBetween(at(1, 1), undefined), 0);
  assert.equal(lostBetween(at(1, 1), at(100_000, undefined)), 0);
});

test('the tally numbers frames as the sensor does, and tells each loss once', () => {
  const tally = createFrameTally();
  tally.note(at(1_000_000, 20_000));
  assert.deepEqual(tally.take(), { driverSequence: 0, lost: 0 });
  tally.note(at(1_060_000, 20_000));
  tally.note(at(1_100_000, 20_000));
  assert.deepEqual(tally.take(), { driverSequence: 5, lost: 3 });
  tally.note(undefined);
  tally.note(at(1_180_000, 20_000));
  assert.deepEqual(tally.take(), { driverSequence: 7, lost: 0 });
});
