import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Clock,
  createWallClock,
  type Micros,
  micros,
  millisOf,
  seconds,
} from '../../../src/base/time.ts';

const noon = Date.UTC(2026, 2, 4, 12);

/** A clock and a wall that are moved by hand; the wall can be stepped on its own. */
function createTimes() {
  const times = { monotonic: 5_000_000, wall: noon };
  const clock: Clock = { now: (): Micros => micros(times.monotonic), sleep: async () => {} };
  return {
    clock,
    wallNow: () => times.wall,
    pass: (ms: number) => {
      times.monotonic += ms * 1000;
      times.wall += ms;
    },
    stepWall: (ms: number) => {
      times.wall += ms;
    },
  };
}

test('seconds and micros become milliseconds', () => {
  assert.equal(seconds(1.5), 1500);
  assert.equal(millisOf(micros(2500)), 2.5);
});

test('an instant becomes its UTC time with milliseconds', () => {
  const times = createTimes();
  const wall = createWallClock(times.clock, times.wallNow);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T12:00:00.000Z');
  assert.equal(wall.isoOf(micros(times.clock.now() + 1_234_000)), '2026-03-04T12:00:01.234Z');
});

test('an instant before the wall clock was made has its time too', () => {
  const times = createTimes();
  const wall = createWallClock(times.clock, times.wallNow);
  assert.equal(wall.isoOf(micros(4_000_000)), '2026-03-04T11:59:59.000Z');
});

test('a step of the wall clock moves no timestamp, backwards or forwards', () => {
  for (const step of [-3_600_000, 3_600_000]) {
    const times = createTimes();
    const wall = createWallClock(times.clock, times.wallNow);
    const before = wall.isoOf(times.clock.now());
    times.stepWall(step);
    assert.equal(wall.isoOf(times.clock.now()), before);
    times.pass(10);
    assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T12:00:00.010Z');
  }
});

test('when the wall clock becomes right, times are too, and the step is told', () => {
  const times = createTimes();
  const steps: number[] = [];
  let isSynced = false;
  const wall = createWallClock(times.clock, times.wallNow, () => isSynced);
  wall.onSynced((step) => steps.push(step));
  assert.equal(wall.isSynced(), false);
  times.stepWall(86_400_000);
  isSynced = true;
  assert.equal(wall.isSynced(), false, 'it is not looked at all the time');
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T12:00:00.000Z');
  times.pass(1000);
  assert.equal(wall.isSynced(), true);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-05T12:00:01.000Z');
  isSynced = false;
  times.pass(1000);
  assert.equal(wall.isSynced(), false);
  assert.deepEqual(steps, [86_400_000]);
});
