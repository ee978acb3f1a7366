import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import {
  dropReasons,
  emptyLedger,
  imbalanceOf,
  type Ledger,
  sumOf,
} from '../../../src/contract/ledger.ts';
import { ledgerSchema } from '../../../src/contract/messages.ts';

function randomLedger(seed: number): Ledger {
  const random = createRandom(seed);
  const some = () => Math.floor(random() * 1_000_000);
  const parts = { classified: some(), gated: some(), failed: some(), inFlight: some() };
  const dropped = {
    superseded: some(),
    full: some(),
    driver: some(),
    throttled: some(),
    stopped: some(),
  };
  const captured = [...Object.values(parts), ...Object.values(dropped)].reduce((a, b) => a + b, 0);
  return { captured, ...parts, dropped };
}

test('a ledger in which every frame has one place balances', () => {
  assert.equal(imbalanceOf(emptyLedger), 0);
  for (let seed = 1; seed <= 50; seed += 1) assert.equal(imbalanceOf(randomLedger(seed)), 0);
});

test('a frame without a place shows as one missing, whichever place it is missing from', () => {
  const ledger = randomLedger(9);
  for (const place of ['classified', 'gated', 'failed', 'inFlight'] as const) {
    assert.equal(imbalanceOf({ ...ledger, [place]: ledger[place] - 1 }), 1, place);
  }
  for (const reason of dropReasons) {
    const dropped = { ...ledger.dropped, [reason]: ledger.dropped[reason] - 1 };
    assert.equal(imbalanceOf({ ...ledger, dropped }), 1, reason);
  }
});

test('a frame with two places shows as one too many', () => {
  assert.equal(imbalanceOf({ ...emptyLedger, captured: 1, classified: 1, inFlight: 1 }), -1);
});

test('what is published as a ledger has every place and no negative count', () => {
  assert.ok(ledgerSchema.safeParse(randomLedger(4)).success);
  assert.ok(!ledgerSchema.safeParse({ ...emptyLedger, inFlight: -1 }).success);
  const { full: _, ...withoutFull } = emptyLedger.dropped;
  assert.ok(!ledgerSchema.safeParse({ ...emptyLedger, dropped: withoutFull }).success);
});

test('two parts of a session add up place by place, and balance if both do', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const [a, b] = [randomLedger(seed), randomLedger(seed + 1000)];
    const sum = sumOf(a, b);
    for (const place of ['captured', 'classified', 'gated', 'failed', 'inFlight'] as const) {
      assert.equal(sum[place], a[place] + b[place], place);
    }
    for (const reason of dropReasons) {
      assert.equal(sum.dropped[reason], a.dropped[reason] + b.dropped[reason], reason);
    }
    assert.equal(imbalanceOf(sum), 0);
  }
  const ledger = randomLedger(7);
  assert.deepEqual(sumOf(ledger, emptyLedger), ledger);
});
