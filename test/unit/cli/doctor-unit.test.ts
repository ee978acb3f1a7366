import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUnit } from '../../../src/cli/doctor/unit.ts';
import {
  parseUnitFacts,
  type UnitFacts,
  unitNameOf,
  unitProperties,
} from '../../../src/cli/doctor/unit-facts.ts';
import type { CheckupState } from '../../../src/daemon/checkups.ts';

/** A unit that is well, as `systemctl show` tells of it. */
const well: UnitFacts = {
  LoadState: 'loaded',
  ActiveState: 'active',
  SubState: 'running',
  Result: 'success',
  NRestarts: '0',
  ExecMainCode: '0',
  ExecMainStatus: '0',
  StatusText: '30 frames/s, ok',
  WatchdogUSec: '30s',
  TimeoutStartUSec: '1min 30s',
  TimeoutStopUSec: '20s',
  ActiveEnterTimestampMonotonic: '1000000',
  UnitFileState: 'enabled',
  NeedDaemonReload: 'no',
  User: 'sightd',
  MemoryCurrent: '104857600',
  MemoryMax: 'infinity',
};
/** Two hours after it became active. */
const now = 7_201_000_000;

const ended = { ActiveState: 'failed', SubState: 'failed' };
const exited = (status: number, more: UnitFacts = {}): UnitFacts => ({
  ...ended,
  Result: 'exit-code',
  ExecMainCode: '1',
  ExecMainStatus: String(status),
  ...more,
});

const rows: readonly [
  what: string,
  facts: UnitFacts,
  CheckupState,
  says: RegExp,
  mend: RegExp | undefined,
][] = [
  ['running', {}, 'ok', /^u\.service is running for 2 h as sightd: 30 frames\/s, ok$/, undefined],
  ['without a status', { StatusText: '', User: '' }, 'ok', /running for 2 h$/, undefined],
  ['reloading', { ActiveState: 'reloading' }, 'ok', /is running/, undefined],
  ['a unit that another one starts', { UnitFileState: 'static' }, 'ok', /running/, undefined],
  ['restarted long ago', { NRestarts: '4' }, 'ok', /, started again 4 times/, undefined],
  [
    'restarted again and again',
    { NRestarts: '4', ActiveEnterTimestampMonotonic: String(now - 5_000_000) },
    'warn',
    /running for 5 s .*; it does not stay up$/,
    /journalctl -u u\.service/,
  ],
  [
    'nearly at its limit of memory',
    { MemoryCurrent: '408944640', MemoryMax: '419430400' },
    'warn',
    /uses 390 of the 400 MiB/,
    /MemoryMax=/,
  ],
  ['no account of memory', { MemoryCurrent: '[not set]', MemoryMax: '1' }, 'ok', /./, undefined],
  ['not at boot', { UnitFileState: 'disabled' }, 'warn', /not started with the/, /enable u\.serv/],
  [
    'changed and not read',
    { NeedDaemonReload: 'yes' },
    'warn',
    /was changed since/,
    /daemon-reload && sudo systemctl restart/,
  ],
  ['not installed', { LoadState: 'not-found' }, 'warn', /^there is no u\.service/, /--unit/],
  ['masked', { LoadState: 'masked' }, 'warn', /is masked/, /unmask/],
  ['broken file', { LoadState: 'bad-setting' }, 'fail', /cannot read .*bad-setting/, /verify/],
  ['starting', { ActiveState: 'activating', SubState: 'start' }, 'warn', /is starting: 30/, /Ask/],
  ['stopping', { ActiveState: 'deactivating' }, 'warn', /being stopped/, /Ask again/],
  ['stopped', { ActiveState: 'inactive' }, 'warn', /is not running$/, /systemctl start u\.service/],
  [
    'stopped and not at boot',
    { ActiveState: 'inactive', UnitFileState: 'disabled' },
    'warn',
    /not running; it is not started with the machine/,
    /start u\.service; sudo systemctl enable/,
  ],
  ['an unknown state', { ActiveState: 'maintenance' }, 'warn', /maintenance/, /systemctl status/],
  [
    'a condition',
    { ActiveState: 'inactive', Result: 'exec-condition' },
    'warn',
    /ExecCondition= said no/,
    /journalctl/,
  ],
  ['exit code 1', exited(1), 'fail', /has failed: stopping took too long \(exit code 1\)/, /log/],
  ['exit code 64', exited(64), 'fail', /command line is wrong \(exit code 64\)/, /ExecStart=/],
  ['exit code 69', exited(69), 'fail', /camera or the model .*69/, /camera and model above/],
  ['exit code 70', exited(70), 'fail', /an internal error \(exit code 70\)/, /Report/],
  ['exit code 78', exited(78), 'fail', /its config is wrong \(exit code 78\)/, /config check/],
  ['exit code 127', exited(127), 'fail', /Node\.js is not found/, /Install Node/],
  ['exit code 203', exited(203), 'fail', /program cannot be run/, /ExecStart=/],
  ['exit code 217', exited(217), 'fail', /user does not exist/, /User=/],
  ['exit code 243', exited(243), 'fail', /credential cannot/, /LoadCredential=/],
  ['another exit code', exited(3), 'fail', /no exit code of sightd \(exit code 3\)/, /ExecStart=/],
  [
    'a signal',
    { ...ended, Result: 'signal', ExecMainCode: '2', ExecMainStatus: '9' },
    'fail',
    /SIGKILL ended it/,
    /journalctl/,
  ],
  [
    'a crash',
    { ...ended, Result: 'core-dump', ExecMainCode: '3', ExecMainStatus: '11' },
    'fail',
    /it crashed \(SIGSEGV\)/,
    /coredumpctl info u\.service/,
  ],
  ['the watchdog', { ...ended, Result: 'watchdog' }, 'fail', /no sign of progress for 30s/, /hang/],
  ['a timeout', { ...ended, Result: 'timeout' }, 'fail', /\(1min 30s, 20s\)/, /TimeoutStartSec=/],
  [
    'too little memory',
    { ...ended, Result: 'oom-kill', MemoryMax: '419430400' },
    'fail',
    /want of memory \(MemoryMax= 400 MiB\)/,
    /camera size/,
  ],
  ['too little memory of all', { ...ended, Result: 'oom-kill' }, 'fail', /want of memory$/, /./],
  [
    'too many starts',
    exited(78, { Result: 'start-limit-hit' }),
    'fail',
    /too often .*because its config is wrong \(exit code 78\), and systemd gave up/,
    /reset-failed u\.service && sudo systemctl start/,
  ],
  [
    'too many starts, by a signal',
    { ...ended, Result: 'start-limit-hit', ExecMainCode: '2', ExecMainStatus: '6' },
    'fail',
    /ended by SIGABRT/,
    /reset-failed/,
  ],
  [
    'too many starts, of nothing',
    { ...ended, Result: 'start-limit-hit' },
    'fail',
    /in a short time, and systemd gave up/,
    /reset-failed/,
  ],
  [
    'started again until systemd gave up',
    exited(69, { NRestarts: '5' }),
    'fail',
    /has failed, after it was started again 5 times: the camera or the model .* \(exit code 69\)$/,
    /Then: sudo systemctl reset-failed u\.service && sudo systemctl start u\.service$/,
  ],
  [
    'the watchdog, of a unit without a limit',
    { ...ended, Result: 'watchdog', WatchdogUSec: 'infinity' },
    'fail',
    /no sign of progress and was ended/,
    /hang/,
  ],
  ['resources', { ...ended, Result: 'resources' }, 'fail', /could not prepare it/, /journalctl/],
  ['protocol', { ...ended, Result: 'protocol' }, 'fail', /did not tell systemd/, /NotifyAccess=/],
  ['a result of later versions', { ...ended, Result: 'moon' }, 'fail', /systemd says moon/, /./],
  [
    'inactive after a crash',
    { ActiveState: 'inactive', Result: 'core-dump', ExecMainStatus: '6' },
    'fail',
    /is not running: it crashed \(SIGABRT\)/,
    /./,
  ],
  [
    'about to be started again',
    exited(70, { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: '1' }),
    'fail',
    /about to be started again \(so far once\): an internal error/,
    /./,
  ],
  [
    'queued to be started again',
    exited(70, { ActiveState: 'activating', SubState: 'auto-restart-queued' }),
    'fail',
    /about to be started again: an internal error/,
    /./,
  ],
  [
    'asked to be started again',
    exited(75, { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: '1' }),
    'warn',
    /it was asked to over MQTT/,
    /Ask again/,
  ],
  ['an answer without properties', { LoadState: '' }, 'fail', /cannot read/, /verify/],
];

for (const [what, facts, state, says, mend] of rows) {
  test(`${what}: ${state}`, () => {
    const checkup = checkUnit('u.service', { ...well, ...facts }, now);
    assert.equal(checkup.state, state, checkup.message);
    assert.match(checkup.message, says);
    if (mend === undefined) assert.equal(checkup.mend, undefined);
    else assert.match(checkup.mend ?? '', mend);
  });
}

test('what systemctl writes is read line by line', () => {
  const facts = parseUnitFacts('StatusText=a=b, c\nNRestarts=2\n\nnonsense\nUser=\n=x\n');
  assert.deepEqual(facts, { StatusText: 'a=b, c', NRestarts: '2', User: '' });
});

test('every property that is asked for is one that is looked at', () => {
  assert.deepEqual(Object.keys(well).sort(), [...unitProperties].sort());
});

test('names of units are those that systemd takes', () => {
  assert.equal(unitNameOf('sightd'), 'sightd.service');
  assert.equal(unitNameOf('sightd@porch.service'), 'sightd@porch.service');
  assert.equal(unitNameOf('sightd-porch'), 'sightd-porch.service');
  for (const name of ['', '-x', '--now', 'a b', 'a/b', 'a;b', 'x'.repeat(300)]) {
    assert.equal(unitNameOf(name), undefined, name);
  }
});
