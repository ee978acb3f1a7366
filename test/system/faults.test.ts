import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultCodes } from '../../src/base/fault.ts';
import { runSightd } from '../support/sightd.ts';

test('sightd faults lists every fault, and says all of one', async () => {
  const list = await runSightd(['faults']);
  assert.equal(list.code, 0);
  for (const code of faultCodes) assert.ok(list.output.includes(`  ${code} `), code);
  const one = await runSightd(['faults', 'inference.hung']);
  assert.match(one.output, /^inference\.hung\n {2}component {5}inference; it may pass by itself/);
  assert.match(one.output, /what to do {4}If the model is only slow/);
});

test('the same as JSON', async () => {
  const all = await runSightd(['faults', '--json']);
  const codes = (JSON.parse(all.output) as { code: string }[]).map(({ code }) => code);
  assert.deepEqual(codes, faultCodes);
  const one = await runSightd(['faults', 'camera.none', '--json']);
  const { code, component, retryable, exit } = JSON.parse(one.output) as Record<string, unknown>;
  assert.deepEqual([code, component, retryable, exit], ['camera.none', 'camera', true, 69]);
});

test('a code that there is not ends with 64, and the nearest one', async () => {
  const near = await runSightd(['faults', 'camera.stall']);
  assert.equal(near.code, 64);
  assert.match(near.errors, /there is no fault "camera\.stall"; did you mean camera\.stalled\?/);
  const far = await runSightd(['faults', 'weather']);
  assert.equal(far.code, 64);
  assert.doesNotMatch(far.errors, /did you mean/);
});
