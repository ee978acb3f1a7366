import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import { createDiskWrites, writtenBytes } from '../../../src/daemon/disk-writes.ts';

const minute = 60_000_000;

test('the bytes of the last hour are counted, and before that those since the start', () => {
  let total = 5000;
  const diskWrites = createDiskWrites(() => total);
  assert.equal(diskWrites(micros(0)), 0);
  for (let at = 1; at <= 60; at += 1) {
    total += 100;
    assert.equal(diskWrites(micros(at * minute)), at * 100);
  }
  for (let at = 61; at <= 300; at += 1) {
    total += 10;
    const expected = Math.max(0, 120 - at) * 100 + Math.min(60, at - 60) * 10;
    assert.equal(diskWrites(micros(at * minute)), expected, `minute ${at}`);
  }
});

test('frequent reports make it no less right', () => {
  let total = 0;
  const diskWrites = createDiskWrites(() => total);
  for (let second = 0; second <= 3 * 3600; second += 1) {
    total += 7;
    const bytes = diskWrites(micros(second * 1_000_000)) ?? 0;
    if (second > 3700) assert.ok(Math.abs(bytes - 7 * 3600) <= 7 * 61, `${second} s: ${bytes}`);
  }
});

test('where the system does not count, there is no figure', () => {
  assert.equal(createDiskWrites(() => undefined)(micros(1)), undefined);
  const own = writtenBytes();
  assert.ok(own === undefined || own >= 0);
});
