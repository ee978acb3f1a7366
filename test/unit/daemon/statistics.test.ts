import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '../../../src/base/time.ts';
import { createDurations, createRate } from '../../../src/daemon/statistics.ts';

/** The histogram keeps three figures. */
const isNear = (actual: number, expected: number): boolean =>
  Math.abs(actual - expected) <= expected / 500;

test('without a duration there are no percentiles', () => {
  assert.equal(createDurations().take(), undefined);
});

test('one duration is its own median, percentile and maximum', () => {
  const durations = createDurations();
  durations.record(millis(12.5));
  const { p50, p99, max } = durations.take() ?? assert.fail();
  for (const value of [p50, p99, max]) assert.ok(isNear(value, 12.5), `${value}`);
});

test('the percentiles of 1 to 1000 ms are 500, 990 and 1000', () => {
  const durations = createDurations();
  for (let ms = 1000; ms >= 1; ms -= 1) durations.record(millis(ms));
  const { p50, p99, max } = durations.take() ?? assert.fail();
  assert.ok(isNear(p50, 500) && isNear(p99, 990) && isNear(max, 1000), `${p50} ${p99} ${max}`);
});

test('taking begins anew', () => {
  const durations = createDurations();
  durations.record(millis(1000));
  durations.take();
  assert.equal(durations.take(), undefined);
  durations.record(millis(1));
  assert.ok(isNear(durations.take()?.max ?? 0, 1));
});

test('a duration of nothing, or below it, counts as the smallest', () => {
  const durations = createDurations();
  for (const value of [0, -5, 0.0001]) durations.record(millis(value));
  assert.equal(durations.take()?.max, 0.001);
});

test('a duration of an hour is kept', () => {
  const durations = createDurations();
  durations.record(millis(3_600_000));
  assert.ok(isNear(durations.take()?.max ?? 0, 3_600_000));
});

test('a rate is what came since it was asked last, per second', () => {
  const rate = createRate();
  assert.equal(rate(100, 10), 0);
  assert.equal(rate(160, 12), 30);
  assert.equal(rate(160, 13), 0);
  assert.equal(rate(161, 16), 0.33);
});

test('a rate over no time, or time that went back, is 0', () => {
  const rate = createRate();
  rate(0, 5);
  assert.equal(rate(50, 5), 0);
  assert.equal(rate(60, 4), 0);
  assert.equal(rate(70, 5), 10);
});
