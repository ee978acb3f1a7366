import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { micros } from '../../../src/base/time.ts';
import { createThrottle } from '../../../src/camera/throttle.ts';

/** A throttle whose clock stands where it is put. */
function throttleOf(fps: number | undefined) {
  let now = 0;
  const throttle = createThrottle({ now: () => micros(now), sleep: async () => {} });
  throttle.limit(fps);
  return {
    limit: throttle.limit,
    /** Of frames that are due at these times, in milliseconds, those that are taken. */
    taken: (times: readonly number[]): readonly number[] =>
      times.filter((time) => {
        now = time * 1000;
        return throttle.admits();
      }),
  };
}

/** A camera's frames for so long, each a little early or late. */
function framesOf(fps: number, forMs: number, jitterMs: number): readonly number[] {
  const random = createRandom(7);
  return Array.from(
    { length: Math.floor((forMs * fps) / 1000) },
    (_, index) => 10_000 + (index * 1000) / fps + (random() - 0.5) * 2 * jitterMs,
  );
}

const forMs = 60_000;

for (const [camera, limit, jitter, least] of [
  // What is taken at least, of the limit; a camera's frames may not fit into its periods.
  [30, 10, 0, 0.99],
  [30, 10, 5, 0.99],
  [30, 20, 0, 0.99],
  [30, 7, 3, 0.99],
  [30, 1, 5, 0.99],
  [30, 29, 3, 0.95],
  [30, 30, 3, 0.99],
  [29.97, 30, 3, 0.99],
  [60, 0.5, 2, 0.99],
  [240, 100, 1, 0.95],
] as const) {
  test(`of ${camera} frames a second, ±${jitter} ms, ${limit} are taken, evenly`, () => {
    const times = framesOf(camera, forMs, jitter);
    const taken = throttleOf(limit).taken(times);
    const wanted = (Math.min(limit, camera) * forMs) / 1000;
    assert.ok(taken.length >= least * wanted - 1, `${taken.length} of ${wanted}`);
    for (let index = 1; index < taken.length; index += 1) {
      const gap = (taken[index] ?? 0) - (taken[index - 1] ?? 0);
      assert.ok(gap >= 500 / limit, `${gap} ms apart`);
    }
    // In no second, wherever it begins, are there more; but for one that came early.
    for (const begin of taken) {
      const count = taken.filter((time) => time >= begin && time < begin + 1000).length;
      assert.ok(count <= Math.ceil(limit) + 1, `${count} in a second`);
    }
    assert.ok(taken.length <= (limit * forMs) / 1000 + 1, `${taken.length} in all`);
  });
}

test('a camera that is slower than the limit loses nothing, also when it stumbles', () => {
  const times = framesOf(5, forMs, 20).filter((_, index) => index % 17 !== 0);
  assert.deepEqual(throttleOf(10).taken(times), times);
});

test('what a camera did not give is not made up for', () => {
  const throttle = throttleOf(10);
  throttle.taken([0, 100, 200]);
  // Nothing for two seconds, then twenty at once.
  const burst = Array.from({ length: 20 }, (_, index) => 2200 + index);
  assert.deepEqual(throttle.taken(burst), [2200]);
});

test('without a limit all are taken; one can be set, changed and lifted as frames come', () => {
  const throttle = throttleOf(undefined);
  const from = (begin: number) => Array.from({ length: 30 }, (_, index) => begin + index * 33);
  assert.equal(throttle.taken(from(0)).length, 30);
  throttle.limit(5);
  assert.deepEqual(throttle.taken(from(1000)), [1000, 1165, 1363, 1561, 1759, 1957]);
  throttle.limit(10);
  assert.equal(throttle.taken(from(2000)).length, 10);
  throttle.limit(undefined);
  assert.equal(throttle.taken(from(3000)).length, 30);
});
