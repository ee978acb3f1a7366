import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { type Clock, type Micros, micros } from '../../../src/base/time.ts';
import { createPace } from '../../../src/camera/pace.ts';

/** Time that passes only by sleeping and by hand; sleeps may end late, as real ones do. */
function createClock(lateness: () => number = () => 0) {
  let now = 77_000_000;
  const sleeps: number[] = [];
  const clock: Clock = {
    now: (): Micros => micros(now),
    sleep: async (duration, signal) => {
      sleeps.push(duration);
      if (signal?.aborted !== true) now += duration * 1000 + lateness();
    },
  };
  return {
    clock,
    sleeps,
    pass: (microseconds: number) => {
      now += microseconds;
    },
  };
}

const { signal } = new AbortController();

test('the first frame is due at once', async () => {
  const { clock, sleeps } = createClock();
  assert.equal(await createPace(clock, 25).next(signal), 77_000_000);
  assert.deepEqual(sleeps, []);
});

test('frames are due one period after the other', async () => {
  const { clock, sleeps } = createClock();
  const pace = createPace(clock, 25);
  for (let frame = 0; frame < 5; frame += 1) {
    assert.equal(await pace.next(signal), 77_000_000 + frame * 40_000);
    assert.equal(clock.now(), 77_000_000 + frame * 40_000);
  }
  assert.deepEqual(sleeps, [40, 40, 40, 40]);
});

test('the time that a frame takes is no part of the wait', async () => {
  const { clock, sleeps, pass } = createClock();
  const pace = createPace(clock, 25);
  await pace.next(signal);
  pass(30_000);
  await pace.next(signal);
  assert.deepEqual(sleeps, [10]);
});

test('sleeps that end late do not add up to a drift', async () => {
  const random = createRandom(5);
  const { clock, pass } = createClock(() => random() * 2000);
  const pace = createPace(clock, 30);
  for (let frame = 0; frame < 3000; frame += 1) {
    const due = await pace.next(signal);
    assert.ok(Math.abs(due - (77_000_000 + (frame * 1_000_000) / 30)) < 1, `frame ${frame}`);
    pass(random() * 25_000);
  }
});

test('a rate that is no whole number of microseconds does not drift either', async () => {
  const { clock } = createClock();
  const pace = createPace(clock, 29.97);
  for (let frame = 0; frame < 2997; frame += 1) await pace.next(signal);
  assert.ok(Math.abs((await pace.next(signal)) - 77_000_000 - 100_000_000) < 1);
});

test('after a long delay the schedule begins anew: nothing is made up for', async () => {
  const { clock, sleeps, pass } = createClock();
  const pace = createPace(clock, 25);
  await pace.next(signal);
  pass(1_000_000);
  assert.equal(await pace.next(signal), 78_000_000);
  assert.equal(await pace.next(signal), 78_040_000);
  assert.deepEqual(sleeps, [40]);
});

test('a wait hands its signal on, so that an abort ends it', async () => {
  const signals: unknown[] = [];
  const clock: Clock = {
    now: () => micros(0),
    sleep: async (_, given) => {
      signals.push(given);
    },
  };
  const pace = createPace(clock, 1);
  await pace.next(signal);
  await pace.next(signal);
  assert.deepEqual(signals, [signal]);
});
