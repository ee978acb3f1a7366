import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Micros, micros } from '../../../src/base/time.ts';
import { decideRestart, restartPolicy } from '../../../src/daemon/restart-policy.ts';

const minute = 60_000_000;

/** Decides about deaths at these minutes, one after the other. */
function decideAll(minutes: readonly number[]): (number | 'give-up')[] {
  let history: readonly Micros[] = [];
  return minutes.map((at) => {
    const decision = decideRestart(history, micros(at * minute), restartPolicy);
    if (decision.kind === 'give-up') return 'give-up';
    history = decision.history;
    return decision.attempt;
  });
}

test('a first death is answered by a restart without attempts before it', () => {
  assert.deepEqual(decideRestart([], micros(7), restartPolicy), {
    kind: 'restart',
    attempt: 0,
    history: [7],
  });
});

test('the fifth restart within the window is the last', () => {
  assert.deepEqual(decideAll([0, 1, 2, 3, 4, 5]), [0, 1, 2, 3, 4, 'give-up']);
});

test('a restart counts until the window has passed, and not at its end', () => {
  assert.deepEqual(decideAll([0, 1, 2, 3, 4, 9.999]).at(-1), 'give-up');
  assert.deepEqual(decideAll([0, 1, 2, 3, 4, 10]).at(-1), 4);
});

test('deaths that are rare enough are answered for ever, and the history stays short', () => {
  const minutes = Array.from({ length: 1000 }, (_, index) => index * 2);
  assert.ok(decideAll(minutes).every((decision) => decision !== 'give-up'));
  let history: readonly Micros[] = [];
  for (const at of minutes) {
    const decision = decideRestart(history, micros(at * minute), restartPolicy);
    assert.ok(decision.kind === 'restart');
    history = decision.history;
    assert.ok(history.length <= restartPolicy.restartsMax);
  }
});

test('after a quiet window the backoff begins anew', () => {
  assert.deepEqual(decideAll([0, 1, 2, 60]), [0, 1, 2, 0]);
});

test('the history that is handed in is left as it was', () => {
  const history = [micros(1)];
  decideRestart(history, micros(2), restartPolicy);
  assert.deepEqual(history, [1]);
});
