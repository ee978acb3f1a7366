import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../../src/base/time.ts';
import { endedOf, type Life, newerLife, parseLife } from '../../../../src/daemon/life/life.ts';

const life: Life = {
  session: 'one',
  stateDir: '/state',
  pid: 7,
  startTicks: 10_000,
  bootId: 'boot',
  invocation: null,
  started: { at: micros(1), wall: null },
  beat: { at: micros(2), wall: 1.5 },
  classified: { bootId: 'boot', at: micros(2), wall: null },
  oomKills: null,
  ended: null,
};

test('a record is read as it was written, also with what a later version adds', () => {
  assert.deepEqual(parseLife(JSON.stringify(life)), life);
  assert.deepEqual(parseLife(JSON.stringify({ ...life, mood: 'good' })), life);
  const ended = { how: 'planned', fault: { code: 'inference.hung', message: 'it hangs' } } as const;
  assert.deepEqual(parseLife(JSON.stringify({ ...life, ended })), { ...life, ended });
});

test('a record that is torn at any place, or of another sort, is none', () => {
  const text = JSON.stringify(life);
  for (let length = 0; length < text.length; length += 1) {
    assert.equal(parseLife(text.slice(0, length)), undefined);
  }
  const broken = ['\0'.repeat(400), 'null', '[]', '{}', '1'];
  for (const one of broken) assert.equal(parseLife(one), undefined);
  for (const change of [
    { pid: -1 },
    { beat: { at: 0.5, wall: null } },
    { ended: { how: 'odd' } },
  ]) {
    assert.equal(parseLife(JSON.stringify({ ...life, ...change })), undefined);
  }
  assert.equal(parseLife(undefined), undefined);
});

test('of two records of a run the later one counts, and its end is not lost', () => {
  const later = { ...life, beat: { at: micros(9), wall: null } };
  const ended = { ...life, ended: { how: 'asked', fault: null } } as const;
  for (const [one, other] of [
    [later, ended],
    [ended, later],
  ]) {
    const newer = newerLife(one, other, 'boot');
    assert.deepEqual([newer?.beat.at, newer?.ended?.how], [9, 'asked']);
  }
});

test('of the records of two runs the one of this boot counts, or the one that started later', () => {
  const second = { ...life, session: 'two', started: { at: micros(5), wall: null } };
  const old = {
    ...second,
    session: 'old',
    bootId: 'before',
    started: { at: micros(99), wall: null },
  };
  const pick = (one: Life | undefined, other: Life | undefined): string | undefined =>
    newerLife(one, other, 'boot')?.session;
  assert.equal(pick(life, second), 'two');
  assert.equal(pick(second, life), 'two');
  assert.equal(pick(old, life), 'one');
  assert.equal(pick(life, old), 'one');
  assert.equal(pick(undefined, old), 'old');
  assert.equal(pick(life, undefined), 'one');
  assert.equal(pick(undefined, undefined), undefined);
});

test('an ending gives way only to one that tells as much or more, and keeps its reason', () => {
  const reason = { code: 'inference.hung', message: 'it hangs' };
  const asked = endedOf(null, 'asked', undefined);
  assert.deepEqual(asked, { how: 'asked', fault: null });
  assert.equal(endedOf(asked, 'restart', undefined).how, 'restart');
  assert.equal(endedOf(endedOf(null, 'restart', undefined), 'asked', undefined).how, 'asked');
  assert.deepEqual(endedOf(asked, 'hung', undefined), { how: 'hung', fault: null });

  const planned = endedOf(asked, 'planned', reason);
  for (const how of ['asked', 'restart', 'source-ended', 'fault', 'hung', 'crashed'] as const) {
    assert.deepEqual(endedOf(planned, how, { code: 'a.b', message: 'later' }), planned);
  }
  const failed = endedOf(null, 'fault', reason);
  assert.deepEqual(endedOf(failed, 'hung', undefined), { how: 'hung', fault: reason });
  assert.deepEqual(endedOf(failed, 'asked', undefined), failed);
});

test('a reason is kept as far as a sentence goes', () => {
  const { fault } = endedOf(null, 'crashed', {
    code: 'daemon.internal',
    message: 'x'.repeat(9000),
  });
  assert.equal(fault?.message.length, 500);
});
