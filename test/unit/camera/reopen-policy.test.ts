import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FaultCode, fault } from '../../../src/base/fault.ts';
import { createRandom } from '../../../src/base/random.ts';
import { pauseLeast, reopenDelay } from '../../../src/camera/reopen-policy.ts';

const faultOf = (code: FaultCode) => fault(code, 'it fails', 'Mend it.');
const longest = () => 1 - 2 ** -53;
const shortest = () => 0;

/** The longest waits after the first failure, the second and so on, in whole milliseconds. */
const ceilingsOf = (code: FaultCode, failures: readonly number[]): number[] =>
  failures.map((count) => Math.ceil(reopenDelay(faultOf(code), count, longest)));

test('the waits grow with every failure in a row, up to half a minute', () => {
  assert.deepEqual(
    ceilingsOf('camera.unplugged', [1, 2, 3, 4, 5, 6, 7, 8, 100, 1e6]),
    [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000],
  );
});

test('a camera that another program has is tried at least every two seconds', () => {
  assert.deepEqual(ceilingsOf('camera.busy', [1, 2, 3, 4, 100]), [500, 1000, 2000, 2000, 2000]);
});

test('there is always a pause, however the dice fall', () => {
  for (const code of ['camera.busy', 'camera.stalled'] as const) {
    for (const failures of [1, 2, 10]) {
      assert.equal(reopenDelay(faultOf(code), failures, shortest), pauseLeast);
    }
  }
});

test('every wait lies between the shortest and the longest of its failure', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = createRandom(seed);
    const failures = 1 + Math.floor(random() * 12);
    const code = random() < 0.5 ? 'camera.busy' : 'camera.broken';
    const wait = reopenDelay(faultOf(code), failures, random);
    const most = reopenDelay(faultOf(code), failures, longest);
    assert.ok(wait >= pauseLeast && wait <= most, `seed ${seed}: ${wait} of ${most}`);
  }
});
