import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipOutsideSystemd, slowness, until } from './support/rig.ts';
import { openSpeaker, runInstead } from './support/speaker-unit.ts';

/* How a run may end, what systemd makes of it, and what it leaves for the next run. */

const skip = skipOutsideSystemd();

test('how a run ended is left for the next one, however it ended', { skip }, async (t) => {
  await using unit = openSpeaker(['StartLimitIntervalSec=0']);
  unit.start();
  const endings: readonly (readonly [NodeJS.Signals, string])[] = [
    ['SIGKILL', 'signal killed KILL'],
    ['SIGSEGV', 'core-dump dumped SEGV'],
    ['SIGABRT', 'core-dump dumped ABRT'],
  ];
  for (const [index, [signal, line]] of endings.entries()) {
    await t.test(`${signal}`, async () => {
      unit.kill(signal);
      await unit.untilShows('NRestarts', String(index + 1));
      await unit.untilShows('ActiveState', 'active');
      // Without core dumps, as here, the kernel does not call it one.
      const found = unit.exitLine();
      assert.ok(
        found === line || found === line.replace('core-dump dumped', 'signal killed'),
        found ?? 'nothing',
      );
    });
  }
  await t.test('a clean stop that nobody asked systemd for', async () => {
    unit.kill('SIGTERM');
    await unit.untilShows('NRestarts', '4');
    assert.equal(unit.exitLine(), 'success exited 0');
  });
  await t.test('after systemctl stop there is no next one, and nothing is left', async () => {
    await unit.untilShows('ActiveState', 'active');
    unit.stop();
    assert.equal(unit.exitLine(), undefined);
  });
});

test('who falls silent is ended and started again', { skip }, async () => {
  await using unit = openSpeaker([`WatchdogSec=${2 * slowness}`]);
  unit.start();
  assert.match(unit.show('StatusText'), new RegExp(`every ${2000 * slowness} ms`));
  const pid = unit.pid();
  unit.kill('SIGUSR1');
  await unit.untilShows('NRestarts', '1');
  assert.match(unit.exitLine() ?? '', /^watchdog (killed|dumped) ABRT$/);
  await until('another process', () => (unit.pid() > 1 && unit.pid() !== pid ? true : undefined));
});

test('wrong config is not tried again, and an end for any other reason is', { skip }, async () => {
  await using unit = openSpeaker();
  const exitWith = (code: number): void =>
    runInstead(unit, ['Type=exec', `ExecStart=/bin/sh -c 'exit ${code}'`]);
  for (const code of [64, 78]) {
    exitWith(code);
    unit.begin();
    await unit.untilShows('ExecMainStatus', String(code));
    await unit.untilShows('ActiveState', 'failed');
    assert.equal(unit.show('NRestarts'), '0');
  }
  exitWith(75);
  unit.begin();
  await unit.untilShows('NRestarts', (text) => Number(text) >= 1);
});
