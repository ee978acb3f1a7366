import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '../../../../src/base/time.ts';
import { version } from '../../../../src/base/version.ts';
import type { PreviousRun } from '../../../../src/daemon/life/previous-run.ts';
import { startedOf } from '../../../../src/daemon/life/started-event.ts';

const planned: PreviousRun = {
  end: 'planned',
  fault: { code: 'inference.hung', message: 'it hangs' },
  signal: 'KILL',
  blind: millis(4230),
  isUnplanned: true,
  sentence: 'it ended itself: inference.hung (it hangs)',
};

test('a first start, and one after an end as asked, tell the version alone', () => {
  const plain = { message: `sightd ${version} started`, data: { version } };
  assert.deepEqual(startedOf(undefined), plain);
  for (const end of ['asked', 'restart', 'source-ended'] as const) {
    assert.deepEqual(startedOf({ ...planned, end, isUnplanned: false }), plain);
  }
});

test('a start after an end that nobody asked for tells of it', () => {
  assert.deepEqual(startedOf(planned), {
    message: `sightd ${version} started after it ended itself: inference.hung (it hangs); blind for 4.2 s`,
    data: {
      version,
      previousEnd: 'planned',
      previousFault: 'inference.hung',
      previousSignal: 'KILL',
      blindSeconds: 4.2,
    },
  });
});

test('what is not known is left out', () => {
  const power = {
    ...planned,
    end: 'power',
    isUnplanned: false,
    sentence: 'the power was lost',
  } as const;
  const unknown = { fault: undefined, signal: undefined, blind: undefined };
  assert.deepEqual(startedOf({ ...power, ...unknown }), {
    message: `sightd ${version} started after the power was lost`,
    data: { version, previousEnd: 'power' },
  });
});

test('a time is said in the unit that suits it', () => {
  const said = (blind: number): string =>
    /blind for (.*)$/.exec(startedOf({ ...planned, blind: millis(blind) }).message)?.[1] ?? '';
  assert.deepEqual([0, 940, 119_000, 130_000, 7_300_000, 300_000_000].map(said), [
    '0 s',
    '0.9 s',
    '119 s',
    '2 min',
    '2 h',
    '3 days',
  ]);
});
