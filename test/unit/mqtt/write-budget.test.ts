import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import { commitWait, fullBudget, spendCommit } from '../../../src/mqtt/write-budget.ts';

/** Commits as fast as the budget allows, for so many seconds; returns their instants in seconds. */
function commits(seconds: number): number[] {
  let now = 5_000_000;
  let budget = fullBudget(micros(now));
  const times: number[] = [];
  for (;;) {
    now += commitWait(budget, micros(now)) * 1000;
    if (now > (5 + seconds) * 1e6) return times;
    times.push(now / 1e6 - 5);
    budget = spendCommit(budget, micros(now));
  }
}

test('the first commit waits for nothing, the next for a tenth of a second', () => {
  const [first, second] = commits(1);
  assert.deepEqual([first, second?.toFixed(3)], [0, '0.100']);
});

test('a burst is followed by one commit a second', () => {
  const times = commits(60);
  assert.ok(times.filter((time) => time < 3.2).length >= 30);
  const late = times.filter((time) => time >= 10);
  for (const [at, time] of late.slice(1).entries()) {
    assert.ok(Math.abs(time - (late[at] ?? 0) - 1) < 0.001);
  }
  assert.ok(commits(3600).length <= 3631);
});

test('what was not used comes back, up to a burst', () => {
  let budget = fullBudget(micros(1));
  for (let count = 0; count < 100; count += 1) budget = spendCommit(budget, micros(1000));
  assert.ok(commitWait(budget, micros(200_000)) > 700);
  assert.equal(commitWait(budget, micros(1_200_000)), 0);
  const rested = spendCommit(budget, micros(3_600_000_000));
  assert.ok(rested.commits < 30);
});
