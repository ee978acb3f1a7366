import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from '../../../src/base/backoff.ts';
import { createRandom } from '../../../src/base/random.ts';
import { millis } from '../../../src/base/time.ts';

const policy = { first: millis(500), cap: millis(60_000) };
const almostOne = () => 1 - 2 ** -53;

test('the ceiling of the wait starts at the first one and doubles with every attempt', () => {
  for (const [attempt, ceiling] of [500, 1000, 2000, 4000, 8000, 16_000, 32_000].entries()) {
    assert.equal(
      backoff(policy, attempt, () => 0.5),
      ceiling / 2,
    );
  }
});

test('the ceiling of the wait stays at the cap, however many attempts there were', () => {
  for (const attempt of [7, 8, 30, 31, 1000, 1e9]) {
    const longest = backoff(policy, attempt, almostOne);
    assert.ok(longest <= 60_000 && longest > 59_999, `attempt ${attempt}: ${longest}`);
  }
});

test('a cap below the first wait caps the first wait too', () => {
  const short = backoff({ first: millis(500), cap: millis(100) }, 0, almostOne);
  assert.ok(short <= 100);
});

test('the jitter is full: waits are spread evenly over zero to the ceiling', () => {
  const random = createRandom(3);
  const tenths = new Array<number>(10).fill(0);
  const rounds = 20_000;
  for (let round = 0; round < rounds; round += 1) {
    const wait = backoff(policy, 3, random);
    assert.ok(wait >= 0 && wait < 4000);
    const tenth = Math.floor(wait / 400);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // Five standard deviations of a binomial count around its mean of 2000.
  for (const count of tenths) assert.ok(Math.abs(count - rounds / 10) < 213, tenths.join(', '));
});
