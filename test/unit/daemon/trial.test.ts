import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros, millis } from '../../../src/base/time.ts';
import {
  beginTrial,
  type Kept,
  nothingKept,
  stepTrial,
  type TrialAction,
  type TrialEvent,
  type TrialState,
  trialPolicyOf,
  type Versioned,
} from '../../../src/daemon/trial.ts';

const policy = trialPolicyOf(millis(30_000));
const layerOf = (version: number, fps = version): Versioned => ({
  version,
  layer: { camera: { fps } },
});
const empty: Versioned = { version: null, layer: {} };

/** A trial whose time is set by hand and whose disk does as it is told. */
function createBench(kept: Kept = nothingKept, marked?: Versioned) {
  let seconds = 100;
  let isFull = false;
  const begun = beginTrial(kept, marked);
  let state: TrialState = begun.state;
  const log: string[] = [];
  const perform = (actions: readonly TrialAction[]): void => {
    for (const action of actions) {
      log.push(textOf(action));
      if (action.kind === 'keep' && !isFull) send({ kind: 'kept' });
      if ((action.kind === 'keep' || action.kind === 'mark') && isFull) {
        send({ kind: 'unwritable', by: action.kind, sentence: 'the disk is full' });
        return;
      }
    }
  };
  const send = (event: TrialEvent): void => {
    const step = stepTrial(state, event, micros(seconds * 1_000_000), policy);
    state = step.state;
    perform(step.actions);
  };
  perform(begun.actions);
  return {
    state: () => state,
    /** What was done since the last call. */
    done: () => log.splice(0),
    send,
    desire: (wanted: Versioned, isChange = true) => send({ kind: 'desired', wanted, isChange }),
    /** Lets time go by, a second at a time, with this health. */
    pass: (duration: number, isOk: boolean) => {
      for (let second = 0; second < duration; second += 1) {
        seconds += 1;
        send({ kind: 'health', isOk, sentence: isOk ? 'ok' : 'degraded' });
      }
    },
    fill: (value: boolean) => {
      isFull = value;
    },
  };
}

function textOf(action: TrialAction): string {
  switch (action.kind) {
    case 'mark':
    case 'apply':
      return `${action.kind} ${action.target.version}`;
    case 'keep':
    case 'note':
      return `${action.kind} ${action.kept.good.version}/${action.kept.highest}`;
    case 'clear':
      return 'clear';
    case 'report':
      return `report ${action.report.version} ${action.report.state}`;
  }
}

const begin = ['mark 1', 'apply 1', 'report 1 trial'];
const back = ['note null/1', 'clear', 'apply null', 'report 1 rolled-back'];
const keep = ['keep 1/1', 'clear', 'report 1 applied'];

test('a change is marked on disk before it is applied, and kept after health was ok for long enough', () => {
  const bench = createBench();
  assert.deepEqual(bench.done(), ['report null applied']);
  bench.desire(layerOf(1));
  assert.deepEqual(bench.done(), begin);
  bench.pass(30, true);
  assert.deepEqual(bench.done(), []);
  bench.pass(1, true);
  assert.deepEqual(bench.done(), keep);
  assert.deepEqual(bench.state().kept.good, layerOf(1));
  bench.pass(200, false);
  assert.deepEqual(bench.done(), [], 'what was kept stays');
});

test('health must be ok in a row: each break begins the time anew', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.pass(10, true);
  bench.pass(1, false);
  bench.pass(30, true);
  assert.deepEqual(bench.done(), begin);
  bench.pass(1, true);
  assert.deepEqual(bench.done(), keep);
});

test('a change after which health is not ok in time is rolled back and never tried again', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.pass(29, false);
  assert.deepEqual(bench.done(), begin);
  bench.pass(1, false);
  assert.deepEqual(bench.done(), back);
  const { failed } = bench.state().kept;
  assert.match(
    failed?.errors[0]?.message ?? '',
    /health is degraded, not ok, 30 s after the change; back to/,
  );
  bench.desire(layerOf(1));
  bench.desire(layerOf(1, 9));
  assert.deepEqual(bench.done(), ['report 1 rolled-back', 'report 1 rolled-back']);
  bench.desire(layerOf(2));
  assert.deepEqual(bench.done(), ['mark 2', 'apply 2', 'report 2 trial']);
});

test('health that becomes ok in time has its whole trial, and no second chance after that', () => {
  for (const [second, actions] of [
    [true, keep],
    [false, back],
  ] as const) {
    const bench = createBench();
    bench.done();
    bench.desire(layerOf(1));
    bench.pass(28, false);
    bench.pass(29, true);
    assert.deepEqual(bench.done(), begin);
    bench.pass(2, second);
    assert.deepEqual(bench.done(), actions);
  }
});

test('health that flickers does not prolong a trial', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  for (let round = 0; round < 4; round += 1) {
    bench.pass(9, true);
    bench.pass(1, false);
  }
  assert.deepEqual(bench.done(), [...begin, ...back]);
});

test('health has as long as the trial to become ok, and ten seconds at least', () => {
  assert.equal(trialPolicyOf(millis(1000)).patience, 10_000);
  assert.equal(trialPolicyOf(millis(30_000)).patience, 30_000);
});

test('a fault that would end the daemon ends the trial, and none afterwards does', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.send({ kind: 'fault', sentence: 'no such model' });
  bench.send({ kind: 'fault', sentence: 'again' });
  assert.deepEqual(bench.done(), [...begin, ...back]);
  assert.match(bench.state().kept.failed?.errors[0]?.message ?? '', /no such model; back to/);
});

test('a retained document that comes again is reported again, and nothing is done', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.desire(layerOf(1));
  bench.pass(31, true);
  bench.desire(layerOf(1), false);
  assert.deepEqual(bench.done(), [...begin, 'report 1 trial', ...keep, 'report 1 applied']);
});

test('a version that is not newer, or another document of the same version, is refused', () => {
  const bench = createBench({ ...nothingKept, good: layerOf(7), highest: 9 });
  bench.done();
  for (const wanted of [layerOf(1), layerOf(7, 3), layerOf(9)]) bench.desire(wanted);
  assert.deepEqual(bench.done(), ['report 1 rejected', 'report 7 rejected', 'report 9 rejected']);
  bench.desire(layerOf(10));
  bench.done();
  bench.desire(layerOf(10, 3));
  bench.desire(layerOf(8));
  assert.deepEqual(bench.done(), ['report 10 rejected', 'report 8 rejected']);
});

test('a document with errors is reported and disturbs neither a trial nor what is applied', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  const errors = [{ path: 'camera.widht', message: 'unknown key' }];
  bench.send({ kind: 'refused', version: 2, errors });
  bench.send({ kind: 'refused', version: null, errors });
  bench.pass(31, true);
  const refused = ['report 2 rejected', 'report null rejected'];
  assert.deepEqual(bench.done(), [...begin, ...refused, ...keep]);
  bench.desire(layerOf(2));
  assert.equal(bench.done()[0], 'mark 2', 'a mended document may keep its version');
});

test('a newer document overtakes a trial; the overtaken version is not tried again', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.desire(layerOf(2));
  bench.desire(layerOf(1));
  bench.send({ kind: 'fault', sentence: 'broken' });
  bench.desire(layerOf(1));
  assert.deepEqual(bench.done(), [
    ...begin,
    ...['note null/1', 'mark 2', 'apply 2', 'report 2 trial'],
    'report 1 rejected',
    ...['note null/2', 'clear', 'apply null', 'report 2 rolled-back'],
    'report 1 rejected',
  ]);
});

test('an empty message takes the layer away, on trial like any other change', () => {
  const bench = createBench({ ...nothingKept, good: layerOf(3), highest: 3 });
  bench.done();
  bench.desire(empty);
  bench.pass(31, true);
  assert.deepEqual(bench.done(), [
    ...['mark null', 'apply null', 'report null trial'],
    ...['keep null/3', 'clear', 'report null applied'],
  ]);
  bench.desire(layerOf(3));
  assert.deepEqual(bench.done(), ['report 3 rejected'], 'replayed');
  bench.desire(empty);
  assert.deepEqual(bench.done(), ['report null applied']);
});

test('taking the layer away can fail too, and may be tried again', () => {
  const bench = createBench({ ...nothingKept, good: layerOf(3), highest: 3 });
  bench.done();
  bench.desire(empty);
  bench.send({ kind: 'fault', sentence: 'broken' });
  bench.desire(empty);
  assert.deepEqual(bench.done(), [
    ...['mark null', 'apply null', 'report null trial'],
    ...['note 3/3', 'clear', 'apply 3', 'report null rolled-back'],
    ...['mark null', 'apply null', 'report null trial'],
  ]);
});

test('a layer that changes nothing needs no trial', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(4), false);
  assert.deepEqual(bench.done(), ['note 4/4', 'report 4 applied']);
});

test('a mark that is found at the start is a trial that was not survived', () => {
  const kept = { ...nothingKept, good: layerOf(3), highest: 3 };
  const bench = createBench(kept, layerOf(4));
  assert.deepEqual(bench.done(), ['note 3/4', 'clear', 'report 4 rolled-back']);
  bench.desire(layerOf(4));
  assert.deepEqual(bench.done(), ['report 4 rolled-back']);
  assert.match(bench.state().kept.failed?.errors[0]?.message ?? '', /crash.*back to version 3/);
});

test('a mark that outlived its verdict is taken away, and the verdict stands', () => {
  const accepted = createBench({ ...nothingKept, good: layerOf(4), highest: 4 }, layerOf(4));
  assert.deepEqual(accepted.done(), ['clear', 'report 4 applied']);
  const errors = [{ path: '', message: 'broken' }];
  const kept = { good: layerOf(3), highest: 4, failed: { version: 4, errors } };
  const failed = createBench(kept, layerOf(4));
  assert.deepEqual(failed.done(), ['clear', 'report 3 applied']);
  failed.desire(layerOf(4));
  assert.deepEqual(failed.done(), ['report 4 rolled-back']);
});

test('a daemon that is asked to stop leaves the trial open: the document may come again', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.send({ kind: 'stopped' });
  assert.deepEqual(bench.done(), [...begin, 'clear']);
  const next = createBench(bench.state().kept);
  next.done();
  next.desire(layerOf(1));
  assert.deepEqual(next.done(), begin);
});

test('what cannot be marked is not applied, and is not the fault of its version', () => {
  const bench = createBench();
  bench.done();
  bench.fill(true);
  bench.desire(layerOf(1));
  assert.deepEqual(bench.done(), ['mark 1', 'clear', 'apply null', 'report 1 rejected']);
  bench.fill(false);
  bench.desire(layerOf(1));
  assert.deepEqual(bench.done(), begin);
});

test('what cannot be kept is rolled back: after a restart it would be gone', () => {
  const bench = createBench();
  bench.done();
  bench.desire(layerOf(1));
  bench.pass(30, true);
  bench.fill(true);
  bench.pass(1, true);
  assert.deepEqual(bench.done(), [...begin, 'keep 1/1', ...back]);
});
