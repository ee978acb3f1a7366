import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../../../src/base/fault.ts';
import { micros } from '../../../../src/base/time.ts';
import {
  type BudgetStore,
  memoryBudgets,
  openBudgetStore,
} from '../../../../src/daemon/life/budget-store.ts';
import { createFakeLifeFiles, procOf } from '../../../support/fake-life-files.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

const diskPath = '/state/recovery.json';
const quickPath = '/run/sightd/recovery.json';

function machine(environment: NodeJS.ProcessEnv = { RUNTIME_DIRECTORY: '/run/sightd' }) {
  const clock = createManualClock();
  const files = createFakeLifeFiles(procOf('boot 1', {}));
  const troubles: Fault[] = [];
  const open = (): BudgetStore =>
    openBudgetStore({
      ...{ stateDir: '/state', environment, clock, files },
      onTrouble: (reason) => troubles.push(reason),
    });
  let boot = 1;
  const reboot = (): BudgetStore => {
    boot += 1;
    files.texts.set('/proc/sys/kernel/random/boot_id', `boot ${boot}\n`);
    files.texts.delete(quickPath);
    return open();
  };
  /** As many runs, each of which charges the one before. */
  const restarts = (count: number): BudgetStore => {
    let store = open();
    for (let run = 0; run < count; run += 1) {
      clock.advance(60_000);
      store = open();
      const { process = [] } = store.read();
      store.write({ process: [...process, clock.now()] });
    }
    return store;
  };
  return { clock, files, troubles, open, reboot, restarts };
}

const at = (...instants: number[]) => instants.map(micros);

test('what was spent is there after a restart of the process', () => {
  const { open, clock, troubles } = machine();
  const store = open();
  assert.deepEqual(store.read(), {});
  clock.advance(5000);
  const spent = { 'camera.device': at(2_000_000, 4_000_000), process: at(5_000_000) };
  store.write(spent);
  assert.deepEqual(store.read(), spent);
  assert.deepEqual(open().read(), spent);
  assert.deepEqual(troubles, []);
});

test('only what has changed is written', () => {
  const { open, files } = machine();
  const store = open();
  store.write({});
  store.settle();
  assert.deepEqual(files.written, []);
  store.write({ process: at(1) });
  store.write({ process: at(1) });
  assert.deepEqual(files.written, [diskPath, quickPath]);
});

test('another boot is a fresh try', () => {
  const { reboot, restarts } = machine();
  restarts(4);
  const store = reboot();
  assert.deepEqual(store.read(), {});
  assert.equal(store.processMax(5), 5);
});

test('boots that were used up in vain are counted, and from the third on one restart is granted', () => {
  const { reboot, restarts } = machine();
  const granted = [1, 2, 3].map(() => {
    restarts(5);
    return reboot().processMax(5);
  });
  assert.deepEqual(granted, [5, 5, 1]);
  restarts(1);
  assert.equal(reboot().processMax(5), 1);
  // A boot in which the restart was not needed does not yet prove anything.
  assert.equal(reboot().processMax(5), 1);
});

test('a boot that was used up is counted once, however often the process starts in the next', () => {
  const { reboot, restarts, open, clock } = machine();
  restarts(5);
  reboot();
  for (let run = 0; run < 10; run += 1) open();
  open().write({ 'camera.stream': [clock.now()] });
  for (let run = 0; run < 10; run += 1) open();
  reboot();
  restarts(5);
  assert.equal(reboot().processMax(5), 5, 'two of three');
  restarts(5);
  assert.equal(reboot().processMax(5), 1);
});

test('restarts that lie more than an hour back do not use a boot up', () => {
  const { reboot, restarts, clock } = machine();
  for (let boot = 0; boot < 5; boot += 1) {
    restarts(2);
    clock.advance(3_600_000);
    restarts(2);
    assert.equal(reboot().processMax(5), 5);
  }
});

test('a daemon that was well for long is forgiven', () => {
  const { reboot, restarts } = machine();
  for (let boot = 0; boot < 3; boot += 1) {
    restarts(5);
    reboot();
  }
  const store = reboot();
  assert.equal(store.processMax(5), 1);
  store.settle();
  assert.equal(store.processMax(5), 5);
  assert.equal(reboot().processMax(5), 5);
});

test('a file that is broken is set aside and said, and what was spent is taken from the other one', () => {
  const broken = [
    '',
    '{',
    'null',
    '{"bootId":"boot 1"}',
    JSON.stringify({ bootId: 'boot 1', writtenAt: 0, spent: { process: [-1] }, exhaustedBoots: 0 }),
    JSON.stringify({
      bootId: 'boot 1',
      writtenAt: 0,
      spent: { process: ['1'] },
      exhaustedBoots: 0,
    }),
    // Still to come.
    JSON.stringify({ bootId: 'boot 1', writtenAt: 0, spent: { a: [9e15] }, exhaustedBoots: 0 }),
    JSON.stringify({ bootId: 'boot 1', writtenAt: 9e15, spent: {}, exhaustedBoots: 0 }),
  ];
  for (const text of broken) {
    const { open, files, troubles } = machine();
    const spent = { process: at(1000) };
    open().write(spent);
    files.texts.set(diskPath, text);
    assert.deepEqual(open().read(), spent, text);
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ['state.broken'],
    );
    assert.match(troubles[0]?.message ?? '', /is now \/state\/recovery\.json\.broken$/);
    assert.equal(files.texts.get(`${diskPath}.broken`), text);
    files.texts.set(quickPath, text);
    assert.deepEqual(open().read(), {}, text);
  }
});

test('a disk that cannot be written to is said once, and a crash loop is bounded all the same', () => {
  const { open, files, restarts, troubles } = machine();
  files.readOnly.add('/state');
  const store = restarts(3);
  assert.equal(store.read()['process']?.length, 3);
  assert.equal(open().read()['process']?.length, 3);
  assert.equal(troubles.length, 3, 'once a run');
  store.write({});
  assert.equal(troubles.length, 3, 'and no oftener');
});

test('an old book on a disk that cannot be written to does not hide the new one', () => {
  const { files, restarts, open } = machine();
  restarts(1);
  files.readOnly.add('/state');
  restarts(3);
  assert.equal(open().read()['process']?.length, 4);
});

test('without any folder it holds for the run', () => {
  const { open, files, troubles } = machine({});
  files.readOnly.add('/state');
  const store = open();
  store.write({ process: at(1) });
  assert.deepEqual(store.read(), { process: at(1) });
  assert.deepEqual(open().read(), {});
  assert.equal(troubles.length, 1);
  const memory = memoryBudgets();
  memory.write({ process: at(1) });
  assert.deepEqual([memory.read(), memory.processMax(5)], [{ process: at(1) }, 0]);
});

test('what is kept has a limit', () => {
  const { open } = machine();
  open().write({ process: Array.from({ length: 500 }, (_, index) => micros(index)) });
  assert.deepEqual(open().read()['process']?.slice(0, 1), at(400));
});
