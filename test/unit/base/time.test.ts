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

const hour = 3_600_000;

/** What a wall clock with a listener for each says. */
function listen(times: ReturnType<typeof createTimes>, isSynced: () => boolean = () => true) {
  const told: (readonly ['synced' | 'stepped', number])[] = [];
  const wall = createWallClock(times.clock, times.wallNow, isSynced);
  wall.onSynced((step) => told.push(['synced', Math.round(step)]));
  wall.onStepped((step) => told.push(['stepped', Math.round(step)]));
  return { wall, told };
}

const steps: readonly [what: string, step: number, isTold: boolean][] = [
  ['a year ahead', 365 * 24 * hour, true],
  ['an hour back', -hour, true],
  ['back to before the start of the machine', -50 * 365 * 24 * hour, true],
  ['a leap second', -1000, true],
  ['the least that counts', 500, true],
  ['the least that counts, back', -500, true],
  ['less than that', 499, false],
  ['less than that, back', -499, false],
  ['nothing', 0, false],
];
for (const [what, step, isTold] of steps) {
  test(`the wall clock is moved: ${what}`, () => {
    const times = createTimes();
    const { wall, told } = listen(times);
    times.pass(5000);
    times.stepWall(step);
    wall.look();
    wall.look();
    assert.deepEqual(told, isTold ? [['stepped', step]] : []);
    const moved = isTold ? step : 0;
    assert.equal(wall.isoOf(times.clock.now()), new Date(noon + 5000 + moved).toISOString());
    // An instant from before has its time by the clock as it was set, too.
    assert.equal(wall.isoOf(micros(5_000_000)), new Date(noon + moved).toISOString());
    times.pass(60_000);
    wall.look();
    assert.equal(told.length, isTold ? 1 : 0, 'it is told once');
  });
}

test('many small steps are one, once they add up to it', () => {
  const times = createTimes();
  const { wall, told } = listen(times);
  for (let count = 0; count < 5; count += 1) {
    times.pass(1000);
    times.stepWall(120);
    wall.look();
  }
  assert.deepEqual(told, [['stepped', 600]]);
});

test('a step that nobody looked for is noticed by who asks for a time', () => {
  const times = createTimes();
  const { wall, told } = listen(times);
  times.stepWall(-hour);
  times.pass(999);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T12:00:00.999Z', 'not all the time');
  times.pass(1);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T11:00:01.000Z');
  assert.deepEqual(told, [['stepped', -hour]]);
});

test('a time and whether it is right are of the same look', () => {
  const times = createTimes();
  let isSynced = false;
  const { wall } = listen(times, () => isSynced);
  times.pass(999);
  const before = wall.isoOf(times.clock.now());
  times.stepWall(hour);
  isSynced = true;
  times.pass(2);
  assert.deepEqual([before, wall.isSynced()], ['2026-03-04T12:00:00.999Z', false]);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T13:00:01.001Z');
  assert.equal(wall.isSynced(), true);
});

test('whoever is told of a step has the right time already', () => {
  const times = createTimes();
  const wall = createWallClock(times.clock, times.wallNow);
  let heard = '';
  wall.onStepped(() => {
    heard = wall.isoOf(times.clock.now());
  });
  times.stepWall(hour);
  wall.look();
  assert.equal(heard, '2026-03-04T13:00:00.000Z');
});

test('a thread that is held up between reading the clocks has seen no step', () => {
  const times = createTimes();
  let holdUp = 0;
  const wallNow = (): number => {
    const wall = times.wallNow();
    times.pass(holdUp);
    return wall;
  };
  const wall = createWallClock(times.clock, wallNow);
  let told = 0;
  wall.onStepped(() => {
    told += 1;
  });
  holdUp = 2000;
  wall.look();
  times.stepWall(hour);
  wall.look();
  assert.equal(told, 0, 'nothing is certain');
  holdUp = 0;
  wall.look();
  assert.equal(told, 1);
});

test('a clock that is set by hand is not synchronized, and is right again when it is', () => {
  const times = createTimes();
  let isSynced = true;
  const { wall, told } = listen(times, () => isSynced);
  times.stepWall(365 * 24 * hour);
  isSynced = false;
  wall.look();
  assert.equal(wall.isSynced(), false);
  times.pass(1000);
  times.stepWall(-365 * 24 * hour);
  isSynced = true;
  wall.look();
  assert.equal(wall.isSynced(), true);
  assert.deepEqual(told, [
    ['stepped', 365 * 24 * hour],
    ['synced', -365 * 24 * hour],
  ]);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-04T12:00:01.000Z');
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
  times.pass(2000);
  assert.equal(wall.isSynced(), true);
  assert.equal(wall.isoOf(times.clock.now()), '2026-03-05T12:00:02.000Z');
  isSynced = false;
  times.pass(2000);
  assert.equal(wall.isSynced(), false);
  assert.deepEqual(steps, [86_400_000]);
});
