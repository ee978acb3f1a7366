import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros } from '../../../src/base/time.ts';
import { noOutboxLosses, outboxFaultOf, stepLosses } from '../../../src/daemon/outbox-state.ts';

const well = { waiting: 0, bytes: 0, lost: 0, stored: true };
const at = (seconds: number) => micros(seconds * 1_000_000);
const full = fault('outbox.disk-full', 'no space is left', 'Free some space.');

test('an outbox that is stored, or need not be, is well', () => {
  assert.equal(outboxFaultOf(well, noOutboxLosses, at(5), undefined), undefined);
  const inMemory = { ...well, stored: false };
  assert.equal(outboxFaultOf(inMemory, noOutboxLosses, at(5), undefined), undefined);
});

test('one that should be stored and is not says why', () => {
  const unstored = { ...well, stored: false };
  assert.equal(outboxFaultOf(unstored, noOutboxLosses, at(5), full), full);
});

test('losses are said for ten minutes after the last', () => {
  let losses = stepLosses(noOutboxLosses, well, at(5));
  losses = stepLosses(losses, { ...well, lost: 3 }, at(10));
  losses = stepLosses(losses, { ...well, lost: 3 }, at(400));
  const figures = { ...well, lost: 3 };
  const said = outboxFaultOf(figures, losses, at(609), undefined);
  assert.equal(said?.code, 'outbox.full');
  assert.match(said.message, /^3 messages were given up/);
  assert.equal(outboxFaultOf(figures, losses, at(610), undefined), undefined);
  losses = stepLosses(losses, { ...well, lost: 4 }, at(700));
  const again = outboxFaultOf({ ...well, lost: 4 }, losses, at(701), undefined);
  assert.equal(again?.code, 'outbox.full');
});
