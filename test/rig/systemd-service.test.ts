import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { healthMessageSchema } from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { command, skipOutsideSystemd, until } from './support/rig.ts';
import { runInstead } from './support/speaker-unit.ts';
import { openUnit } from './support/unit.ts';

/* The daemon in its unit: as its own user, behind the sandbox, with what it needs. */

const skip = skipOutsideSystemd();

const configOf = (broker: Mosquitto, id: string, mqtt: object = {}): object => ({
  device: { id },
  camera: { source: 'scene', fps: 5, width: 320, height: 240 },
  mqtt: { url: broker.url, ...mqtt },
  health: { intervalSeconds: 1, frameDeadlineSeconds: 30 },
});

const statusOf = (pid: number, key: string): string =>
  new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

test('the daemon classifies and publishes as user sightd, behind the sandbox', {
  skip,
}, async (t) => {
  await using broker = await startMosquitto();
  await using subscriber = await broker.subscribe('sightd/rig/#');
  await using unit = openUnit();
  unit.configure(configOf(broker, 'rig'));
  unit.start();
  await subscriber.until(({ topic }) => topic === 'sightd/rig/result');
  const pid = unit.pid();
  assert.equal(command('ps', '-o', 'user=,group=', '-p', String(pid)).trim(), 'sightd   sightd');
  assert.equal(statusOf(pid, 'CapEff'), '0000000000000000');
  assert.equal(statusOf(pid, 'NoNewPrivs'), '1');
  assert.equal(statusOf(pid, 'Seccomp'), '2');
  const { payload } = await subscriber.until(({ topic }) => topic === 'sightd/rig/health');
  const health = healthMessageSchema.parse(JSON.parse(payload));
  assert.equal(health.outbox.stored, true);
  assert.ok(health.outbox.writtenBytesPerHour !== undefined);
  assert.equal(statSync(join(unit.stateDir, 'outbox')).uid, Number(command('id', '-u', 'sightd')));
  await t.test('and stops cleanly: its last words are heard', async () => {
    const heard = subscriber.messages.length;
    unit.stop();
    assert.equal(unit.show('Result'), 'success');
    assert.equal(unit.show('ExecMainStatus'), '0');
    const isLast = ({ topic, payload: text }: { topic: string; payload: string }): boolean =>
      topic === 'sightd/rig/status' && text.includes('"stopped"');
    await until('the last words', () => subscriber.messages.slice(heard).find(isLast));
  });
  assert.equal(unit.show('NRestarts'), '0');
});

test('what the daemon reads of the machine is to be read in the sandbox', { skip }, async () => {
  await using unit = openUnit();
  // Each line of the program is something that a file of src/ needs; the clock's state is asked for,
  // where the sandbox's filter must let it.
  const program = [
    "const { readFileSync, readdirSync } = require('node:fs');",
    "const koffi = require('/opt/sightd/node_modules/koffi');",
    "const adjtimex = koffi.load(null).func('int adjtimex(void *timex)');",
    'const said = {',
    '  clock: adjtimex(new Uint8Array(208)),',
    "  processor: readFileSync('/proc/cpuinfo', 'utf8').length,",
    "  memory: readFileSync('/proc/meminfo', 'utf8').length,",
    "  written: readFileSync('/proc/self/io', 'utf8').length,",
    "  classes: readdirSync('/sys/class').length,",
    '  shared: new WebAssembly.Memory({ initial: 1, maximum: 9, shared: true }).buffer.byteLength,',
    '};',
    "console.log('said ' + JSON.stringify(said));",
  ];
  const file = '/opt/program.cjs';
  writeFileSync(file, program.join('\n'));
  runInstead(unit, [
    'Type=oneshot',
    'Restart=no',
    'WatchdogSec=0',
    `ExecStart=/usr/bin/node ${file}`,
  ]);
  unit.start();
  const said = JSON.parse((await unit.untilJournal(/^said /)).slice('said '.length)) as object;
  for (const [what, value] of Object.entries(said)) {
    // The clock of a machine without network is not synchronized: 5, TIME_ERROR; -1 is a refusal.
    assert.ok(value > 0 || (what === 'clock' && value === 0), `${what}: ${value}`);
  }
});

test('a password is handed in as a credential, which no other user can read', {
  skip,
}, async () => {
  const folder = temporaryFolder();
  const passwords = join(folder, 'passwords');
  command('mosquitto_passwd', '-b', '-c', passwords, 'porch', 'open sesame');
  await using broker = await startMosquitto(
    `allow_anonymous false\npassword_file ${passwords}\nuser root\n`,
  );
  await using unit = openUnit();
  unit.configure(
    configOf(broker, 'rig', { username: 'porch', passwordFile: 'credential:mqtt-password' }),
  );
  unit.putCredential('mqtt-password', 'open sesame\n');
  unit.start();
  await unit.untilJournal('"msg":"connected to the broker"');
  const credential = `/run/credentials/${unit.name}/mqtt-password`;
  assert.equal(command('stat', '-c', '%a', credential).trim(), '400');
});

test('two cameras run beside each other, each with its own config and state', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using subscriber = await broker.subscribe('sightd/+/result');
  await using single = openUnit();
  await using porch = openUnit('porch');
  await using yard = openUnit('back-yard');
  for (const [unit, id] of [
    [single, 'single'],
    [porch, 'porch'],
    [yard, 'yard'],
  ] as const) {
    unit.configure(configOf(broker, id));
    unit.start();
    await subscriber.until(({ topic }) => topic === `sightd/${id}/result`);
  }
  // What ends takes away nothing of the others.
  single.stop();
  porch.kill('SIGKILL');
  await porch.untilShows('NRestarts', '1');
  await porch.untilJournal(/"previous":{"end":"[a-z-]+","signal":"KILL"/);
  assert.ok(statSync(join(porch.stateDir, 'outbox')).isDirectory());
  assert.ok(statSync(join(yard.stateDir, 'outbox')).isDirectory());
});
