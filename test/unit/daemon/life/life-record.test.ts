import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../../../src/base/fault.ts';
import { parseLife } from '../../../../src/daemon/life/life.ts';
import { type LifeRecord, openLife } from '../../../../src/daemon/life/life-record.ts';
import {
  createFakeLifeFiles,
  type FakeLifeFiles,
  procOf,
  statLine,
} from '../../../support/fake-life-files.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

const invocation = 'a'.repeat(32);
const underSystemd = { RUNTIME_DIRECTORY: '/run/sightd:/run/other', INVOCATION_ID: invocation };
const quickPath = '/run/sightd/life.json';
const keptPath = '/state/life.json';

/** A machine on which one run follows the other. */
function machine(environment: NodeJS.ProcessEnv = underSystemd) {
  const clock = createManualClock();
  const files = createFakeLifeFiles(procOf('boot', { self: 1, 100: 1 }));
  const troubles: Fault[] = [];
  let pid = 99;
  const start = (more: NodeJS.ProcessEnv = {}): LifeRecord => {
    files.texts.delete(`/proc/${pid}/stat`);
    pid += 1;
    files.texts.set('/proc/self/stat', statLine('R', pid * 10));
    files.texts.set(`/proc/${pid}/stat`, statLine('R', pid * 10));
    return openLife({
      stateDir: '/state',
      environment: { ...environment, ...more },
      clock,
      wallNow: () => Date.UTC(2026, 0, 1) + clock.now() / 1000,
      isClockSynced: () => true,
      session: `session ${pid}`,
      pid,
      files,
      onTrouble: (reason) => troubles.push(reason),
    });
  };
  return { clock, files, troubles, start };
}

const recordAt = (files: FakeLifeFiles, path: string) => parseLife(files.texts.get(path));

test('the first run on a machine knows of none before it', () => {
  const { start, files, troubles } = machine();
  assert.equal(start().previous, undefined);
  const life = recordAt(files, quickPath);
  assert.deepEqual(
    [life?.session, life?.pid, life?.bootId, life?.startTicks, life?.invocation, life?.ended],
    ['session 100', 100, 'boot', 1000, invocation, null],
  );
  assert.deepEqual(troubles, []);
});

test('a run that was killed is told with how long nobody looked since', () => {
  const { start, clock } = machine();
  const life = start();
  for (let second = 0; second < 5; second += 1) {
    clock.advance(1000);
    life.beat({ classifiedAt: clock.now() });
  }
  clock.advance(4200);
  const { previous } = start();
  assert.equal(previous?.end, 'unknown');
  assert.equal(previous?.blind, 4200);
  assert.ok(previous?.isUnplanned);
});

test('a crash loop is blind since the last frame of any of its runs', () => {
  const { start, clock } = machine();
  const life = start();
  clock.advance(1000);
  life.beat({ classifiedAt: clock.now() });
  for (let loop = 1; loop <= 3; loop += 1) {
    clock.advance(2000);
    assert.equal(start().previous?.blind, loop * 2000);
  }
});

test('after an end as asked no time counts as blind', () => {
  const { start, clock } = machine();
  const life = start();
  life.beat({ classifiedAt: clock.now() });
  clock.advance(1000);
  life.ending({ how: 'asked', fault: undefined });
  clock.advance(86_400_000);
  assert.equal(start().previous?.end, 'asked');
  clock.advance(1000);
  const { previous } = start();
  assert.equal(previous?.end, 'unknown');
  assert.equal(previous?.blind, undefined);
});

test("what systemd said is read once, and only of the recorded run's end", () => {
  const { start, files } = machine();
  start();
  files.texts.set('/run/sightd/exit', `core-dump dumped SEGV ${invocation}\n`);
  const { previous } = start();
  assert.deepEqual([previous?.end, previous?.signal], ['crashed', 'SEGV']);
  assert.ok(!files.texts.has('/run/sightd/exit'));
  assert.equal(start().previous?.end, 'unknown');
  files.texts.set('/run/sightd/exit', `exit-code exited 78 ${'b'.repeat(32)}\n`);
  assert.equal(start().previous?.end, 'unknown');
  // A stale word that cannot be taken away is known by its run.
  files.texts.set('/run/sightd/exit', `core-dump dumped SEGV ${invocation}\n`);
  files.readOnly.add('/run/sightd/exit');
  assert.equal(start().previous?.end, 'crashed');
  start({ INVOCATION_ID: 'c'.repeat(32) });
  assert.equal(start().previous?.end, 'unknown');
});

test('an ending is written when the call returns, to memory and to the disk', () => {
  const { start, files, clock } = machine();
  const life = start();
  clock.advance(10);
  const reason = { code: 'inference.hung', message: 'it hangs' };
  life.ending({ how: 'planned', fault: reason });
  for (const path of [quickPath, keptPath]) {
    assert.deepEqual(recordAt(files, path)?.ended, { how: 'planned', fault: reason });
  }
  // systemd takes the folder in memory away when the unit is not started again by itself.
  files.texts.delete(quickPath);
  const { previous } = start();
  assert.deepEqual([previous?.end, previous?.fault], ['planned', reason]);
});

test('a boot in between is a loss of power, or the end that the run had left', () => {
  for (const [how, end] of [
    [undefined, 'power'],
    ['asked', 'asked'],
    ['planned', 'planned'],
  ] as const) {
    const { start, files, clock } = machine();
    const life = start();
    if (how !== undefined) life.ending({ how, fault: undefined });
    clock.advance(60_000);
    files.texts.delete(quickPath);
    files.texts.set('/proc/sys/kernel/random/boot_id', 'another\n');
    assert.equal(start().previous?.end, end);
  }
});

test('memory is written to every second, the disk every hour', () => {
  const { start, files, clock } = machine();
  const life = start();
  for (let beat = 0; beat < 4 * 7200; beat += 1) {
    clock.advance(250);
    life.beat({ classifiedAt: undefined });
  }
  const writes = (path: string): number => files.written.filter((one) => one === path).length;
  assert.equal(writes(quickPath), 1 + 7200);
  assert.equal(writes(keptPath), 1 + 2);
});

test('without a folder in memory the disk is written to once a minute, and at the end', () => {
  const { start, files, clock } = machine({});
  const life = start();
  for (let second = 0; second < 3600; second += 1) {
    clock.advance(1000);
    life.beat({ classifiedAt: clock.now() });
  }
  life.ending({ how: 'asked', fault: undefined });
  assert.deepEqual(new Set(files.written), new Set([keptPath]));
  assert.equal(files.written.length, 1 + 60 + 1);
  assert.equal(start().previous?.end, 'asked');
});

test("a user's session has a folder in memory for each state folder", () => {
  const { start, files } = machine({ XDG_RUNTIME_DIR: '/run/user/1000' });
  start();
  const [quick] = files.written;
  assert.match(quick ?? '', /^\/run\/user\/1000\/sightd\/[0-9a-f]{16}\/life\.json$/);
  assert.equal(start().previous?.end, 'unknown');
});

test('a folder in memory that another state folder is recorded in says nothing of this one', () => {
  const { start, files } = machine();
  start();
  const life = recordAt(files, quickPath);
  files.texts.set(quickPath, JSON.stringify({ ...life, stateDir: '/elsewhere' }));
  files.texts.delete(keptPath);
  assert.equal(start().previous, undefined);
});

test('folders that cannot be written to are said once each, and the run goes on', () => {
  const { start, files, clock, troubles } = machine();
  files.readOnly.add('/run/sightd').add('/state');
  const life = start();
  for (let second = 0; second < 200; second += 1) {
    clock.advance(1000);
    life.beat({ classifiedAt: clock.now() });
  }
  life.ending({ how: 'fault', fault: undefined });
  assert.equal(start().previous, undefined);
  assert.deepEqual(
    troubles.slice(0, 2).map(({ code, message }) => [code, message]),
    [
      ['state.unwritable', `cannot write ${quickPath}`],
      ['state.unwritable', `cannot write ${keptPath}`],
    ],
  );
  assert.equal(troubles.length, 4, 'twice a run');
});

test('a disk takes over from a folder in memory that cannot be written to', () => {
  const { start, files, clock } = machine();
  files.readOnly.add('/run/sightd');
  const life = start();
  for (let second = 0; second < 600; second += 1) {
    clock.advance(1000);
    life.beat({ classifiedAt: clock.now() });
  }
  assert.equal(files.written.length, 1 + 10);
});

test('a torn record is none', () => {
  const { start, files } = machine();
  start();
  for (const path of [quickPath, keptPath]) {
    files.texts.set(path, (files.texts.get(path) ?? '').slice(0, 100));
  }
  assert.equal(start().previous, undefined);
});

test('a daemon that still runs has not crashed, and its record is left to it', () => {
  const { start, files, troubles } = machine();
  start();
  files.texts.set('/proc/100/stat', statLine('S', 1000));
  const text = files.texts.get(quickPath);
  const second = openLife({
    stateDir: '/state',
    environment: underSystemd,
    clock: createManualClock(),
    wallNow: () => 0,
    isClockSynced: () => false,
    session: 'second',
    pid: 555,
    files,
    onTrouble: (reason) => troubles.push(reason),
  });
  second.beat({ classifiedAt: undefined });
  second.ending({ how: 'asked', fault: undefined });
  assert.equal(second.previous, undefined);
  assert.equal(files.texts.get(quickPath), text);
  assert.match(troubles[0]?.message ?? '', /process 100/);
});

test('who has its number, or waits to be buried, is not the daemon that left the record', () => {
  for (const stat of [statLine('S', 4242), statLine('Z', 1000), 'nonsense', '']) {
    const { start, files } = machine();
    start();
    const record = files.texts.get(quickPath) ?? '';
    // The second run has another number; the first one's is somebody else's.
    start();
    files.texts.set(quickPath, record);
    files.texts.set(keptPath, record);
    files.texts.set('/proc/100/stat', stat);
    assert.equal(start().previous?.end, 'unknown', stat);
  }
});

test('memory that ran out is known by what the kernel has killed since the last beat', () => {
  const { start, files, clock } = machine();
  const life = start();
  files.texts.set('/proc/vmstat', 'oom_kill 1\n');
  clock.advance(1000);
  life.beat({ classifiedAt: undefined });
  assert.equal(start().previous?.end, 'unknown', 'another process, before');
  files.texts.set('/proc/vmstat', 'oom_kill 2\n');
  assert.equal(start().previous?.end, 'out-of-memory');
});
