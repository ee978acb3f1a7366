import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDaemon } from '../../../src/cli/doctor/camera.ts';
import { checkDisk, type FolderFacts } from '../../../src/cli/doctor/disk.ts';
import { checkMemory, groupOf } from '../../../src/cli/doctor/memory.ts';
import { checkPower } from '../../../src/cli/doctor/power.ts';
import { checkupText, verdictText } from '../../../src/cli/doctor/text.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { type DeviceDoctor, deviceDoctorSchema } from '../../../src/contract/doctor.ts';
import { type CheckupState, fail, ok, warn, worstOf } from '../../../src/daemon/checkups.ts';
import { parseThrottled } from '../../../src/daemon/throttled.ts';

const powerRows: readonly [
  flags: string | undefined,
  celsius: number | undefined,
  CheckupState,
  says: RegExp,
][] = [
  ['0', 48.3, 'ok', /^the supply is good; 48\.3 °C$/],
  ['50005', 48.3, 'fail', /too weak now: less than 4\.63 V, and the processor is slowed down; 48/],
  ['10001', undefined, 'fail', /too weak now.*the temperature is not known/],
  ['4', 84, 'warn', /^the processor is slowed down now; 84 °C$/],
  ['8', 61, 'warn', /^the processor's clock is lowered now/],
  ['2', 61, 'warn', /clock is lowered now/],
  ['50000', 48, 'warn', /too weak for a while since the start of the machine/],
  ['e0000', 48, 'warn', /was slowed down since the start/],
  ['50000', 82, 'warn', /the processor is hot: 82 °C/],
  [undefined, 48, 'ok', /^48 °C; the supply cannot be looked at here$/],
  [undefined, 80, 'warn', /is hot/],
  [undefined, undefined, 'ok', /the temperature is not known/],
];

for (const [flags, celsius, state, says] of powerRows) {
  test(`power with flags ${flags} at ${celsius} °C: ${state}`, () => {
    const checkup = checkPower(flags === undefined ? undefined : parseThrottled(flags), celsius);
    assert.equal(checkup.state, state);
    assert.match(checkup.message, says);
    assert.equal(checkup.mend === undefined, state === 'ok');
  });
}

test('of a kernel that knows the voltage only, no more is said than it knows', () => {
  const flags = parseThrottled('0');
  assert.ok(flags !== undefined);
  const checkup = checkPower({ ...flags, isComplete: false }, 50);
  assert.equal(checkup.message, 'the supply is good now; 50 °C');
});

const refused = (code: string): FolderFacts => ({ kind: 'refused', code, at: '/a', reason: 'why' });
const diskRows: readonly [FolderFacts, CheckupState, says: RegExp, mend: RegExp][] = [
  [{ kind: 'usable', freeBytes: 2 ** 30, isThere: true }, 'ok', /^1024 MiB free for \/a\/b$/, /^$/],
  [{ kind: 'usable', freeBytes: 2 ** 30, isThere: false }, 'ok', /made at the start$/, /^$/],
  [{ kind: 'usable', freeBytes: undefined, isThere: true }, 'ok', /can be written to/, /^$/],
  [{ kind: 'usable', freeBytes: 2 ** 20, isThere: true }, 'warn', /^only 1 MiB/, /Remove/],
  [{ kind: 'foreign' }, 'warn', /was not tried/, /as root/],
  [refused('EROFS'), 'fail', /file system of \/a is read-only/, /SD card/],
  [refused('ENOSPC'), 'fail', /disk of \/a is full/, /Remove/],
  [refused('ENOTDIR'), 'fail', /\/a is no folder/, /stateDir/],
  [refused('ENOENT'), 'fail', /nothing can be made in \/a/, /stateDir/],
  [refused('EACCES'), 'fail', /this user may not write to \/a/, /chown/],
  [refused('EIO'), 'fail', /\/a: why/, /stateDir/],
];

for (const [facts, state, says, mend] of diskRows) {
  test(`disk is ${state}: ${says.source}`, () => {
    const checkup = checkDisk('/a/b', facts);
    assert.equal(checkup.state, state);
    assert.match(checkup.message, says);
    assert.match(checkup.mend ?? '', mend);
  });
}

const gibibyte = 2 ** 30;

test('memory is what the machine has left, or what a control group allows', () => {
  const machine = { freeBytes: gibibyte, totalBytes: 4 * gibibyte };
  const of = (limit: number, used: number) =>
    checkMemory({ ...machine, group: { limitBytes: limit, usedBytes: used } });
  assert.deepEqual(
    checkMemory({ ...machine, group: undefined }),
    ok('memory', '1024 of 4096 MiB are free'),
  );
  assert.equal(checkMemory({ ...machine, freeBytes: 2 ** 20, group: undefined }).state, 'warn');
  assert.match(of(gibibyte, gibibyte / 2).message, /allows 1024 MiB, of which 512 are left$/);
  assert.equal(of(gibibyte, gibibyte / 2).state, 'ok');
  assert.equal(of(gibibyte, gibibyte - 2 ** 20).state, 'warn');
  assert.equal(of(8 * gibibyte, 0).message, '1024 of 4096 MiB are free');
});

test('the limit of a control group is the least that is left, of it and of those above', () => {
  const files: Readonly<Record<string, string>> = {
    '/proc/self/cgroup': '0::/system.slice/sightd.service\n',
    '/sys/fs/cgroup/system.slice/memory.max': '1000\n',
    '/sys/fs/cgroup/system.slice/memory.current': '900\n',
    '/sys/fs/cgroup/system.slice/sightd.service/memory.max': '400\n',
    '/sys/fs/cgroup/system.slice/sightd.service/memory.current': '200\n',
  };
  const groupIn = (over: Readonly<Record<string, string>>) =>
    groupOf((path) => ({ ...files, ...over })[path]);
  assert.deepEqual(groupIn({}), { limitBytes: 1000, usedBytes: 900 });
  assert.deepEqual(groupIn({ '/sys/fs/cgroup/system.slice/memory.max': 'max\n' }), {
    limitBytes: 400,
    usedBytes: 200,
  });
  assert.equal(groupIn({ '/proc/self/cgroup': '4:memory:/a\n' }), undefined);
  assert.equal(groupIn({ '/proc/self/cgroup': '0::/\n' }), undefined);
  assert.equal(
    groupOf(() => undefined),
    undefined,
  );
});

test('a daemon is known by its command line, however it was started', () => {
  const of = (...command: string[]) => isDaemon({ pid: 7, name: 'node', command });
  assert.ok(of('node', '--max-semi-space-size=1', '/opt/sightd/dist/src/main.js', 'run'));
  assert.ok(of('/usr/bin/sightd', 'run', '--config', '/etc/sightd/config.yaml'));
  assert.ok(of('node', './dist/src/main.js', 'demo'));
  assert.ok(!of('node', '/opt/sightd/dist/src/main.js', 'doctor'));
  assert.ok(!of('node', '/opt/other/index.js', 'run'));
  assert.ok(!of());
});

function terminalOf(columns: number | undefined): Terminal {
  return {
    isTerminal: columns !== undefined,
    hasColour: false,
    columns: () => columns ?? 80,
    rows: () => 24,
    write: () => {},
    complain: () => {},
  };
}

test('a part is a mark, its name and a sentence, with the mend below', () => {
  const pipe = terminalOf(undefined);
  assert.equal(checkupText(ok('camera', 'it\u001b[2J works'), pipe), '✓ camera  it·[2J works\n');
  assert.equal(
    checkupText(fail('broker', 'nobody there', 'Start it.'), pipe),
    '✗ broker  nobody there\n          Start it.\n',
  );
});

test('on a terminal long sentences are broken below their beginning', () => {
  const sentence = 'one two three four five six seven eight nine ten eleven twelve';
  assert.equal(
    checkupText(warn('unit', sentence, sentence), terminalOf(60)),
    `! unit    one two three four five six seven eight nine ten
          eleven twelve
          one two three four five six seven eight nine ten
          eleven twelve
`,
  );
});

test('the last line says which parts to look at', () => {
  const resultOf = (parts: DeviceDoctor['parts']): string =>
    verdictText(deviceDoctorSchema.parse({ state: worstOf(parts), parts }), terminalOf(undefined));
  assert.equal(resultOf([ok('camera', 'a')]), 'all is well\n');
  assert.equal(
    resultOf([warn('clock', 'a', 'b'), fail('broker', 'a', 'b'), fail('unit', 'a', 'b')]),
    'to be mended: broker, unit; worth a look: clock\n',
  );
});
