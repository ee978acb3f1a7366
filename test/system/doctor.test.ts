import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { otherProcesses } from '../../src/camera/holders.ts';
import { isDaemon } from '../../src/cli/doctor/camera.ts';
import { type DevicePart, deviceDoctorSchema, deviceParts } from '../../src/contract/doctor.ts';
import { temporaryFolder } from '../support/data.ts';
import { freePort, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { type Installation, installRpicam, usual } from '../support/rpicam.ts';
import { runSightd, startDaemon } from '../support/sightd.ts';

/* `sightd doctor` on a machine of which only the camera, the broker and systemd are made up. */

/** What a unit that is well says. */
const runningUnit = `LoadState=loaded
ActiveState=active
SubState=running
Result=success
NRestarts=0
StatusText=30 frames/s
UnitFileState=enabled
NeedDaemonReload=no
`;

/** A PATH on which systemctl answers with this, or fails with that complaint. */
function pathWith(answer: { readonly says?: string; readonly complains?: string }): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'answer'), answer.says ?? '');
  writeFileSync(join(folder, 'complaint'), answer.complains ?? '');
  const script = `#!/bin/sh
echo "$@" >'${folder}/asked'
cat '${folder}/complaint' >&2
cat '${folder}/answer'
test ! -s '${folder}/complaint'
`;
  writeFileSync(join(folder, 'systemctl'), script, { mode: 0o755 });
  return `${folder}:${process.env['PATH']}`;
}

type Options = { readonly args?: readonly string[]; readonly PATH?: string };

/** Runs it on a config, which is written as JSON: YAML too. */
async function runDoctor(config: object, { args = [], PATH }: Options = {}) {
  const folder = temporaryFolder();
  const file = join(folder, 'config.yaml');
  const whole = { camera: { source: 'scene' }, stateDir: join(folder, 'state'), ...config };
  writeFileSync(file, JSON.stringify(whole));
  const environment = { PATH: PATH ?? pathWith({ says: runningUnit }) };
  const run = await runSightd(['doctor', '--config', file, '--json', ...args], environment);
  const result = deviceDoctorSchema.parse(JSON.parse(run.output));
  assert.deepEqual(
    result.parts.map(({ part }) => part),
    deviceParts,
  );
  const partOf = (name: DevicePart) => {
    const found = result.parts.find(({ part }) => part === name);
    assert.ok(found !== undefined);
    assert.equal(found.mend === undefined, found.state === 'ok', JSON.stringify(found));
    return found;
  };
  return { ...run, result, partOf, file };
}

/** A port where nobody listens. */
const nobody = async () => ({ url: `mqtt://127.0.0.1:${await freePort()}` });

/** Lines for a broker that knows one user. */
function loginLines(folder: string): string {
  const file = join(folder, 'passwords');
  writeFileSync(file, '', { mode: 0o644 });
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  const made = spawnSync('mosquitto_passwd', ['-b', file, 'porch', 'right'], { env });
  assert.equal(made.status, 0, String(made.stderr));
  return `user root\nallow_anonymous false\npassword_file ${file}\n`;
}

function loginOf(folder: string, password: string) {
  const passwordFile = join(folder, password);
  writeFileSync(passwordFile, `${password}\n`);
  return { username: 'porch', passwordFile };
}

const skip = skipWithoutMosquitto();

test('a device that is well: every part is, and the exit code is 0', { skip }, async () => {
  await using broker = await startMosquitto();
  const { code, result, partOf } = await runDoctor({ mqtt: { url: broker.url } });
  assert.equal(code, 0);
  // Whether something keeps the clock, and how hot it is, is the machine's business.
  assert.notEqual(result.state, 'fail');
  for (const part of ['config', 'camera', 'model', 'broker', 'disk', 'memory', 'unit'] as const) {
    assert.equal(partOf(part).state, 'ok', partOf(part).message);
  }
  assert.equal(partOf('broker').message, `connected to ${broker.url} with MQTT 5`);
  assert.match(partOf('model').message, /^scene-visitors \S+ loads.*; \d+\.\d ms a run$/);
  assert.equal(partOf('unit').message, 'sightd.service is running: 30 frames/s');
});

test('as text: a line for each part, and the last one says it all', { skip }, async () => {
  await using broker = await startMosquitto();
  const file = join(temporaryFolder(), 'config.yaml');
  const config = { camera: { source: 'scene' }, stateDir: temporaryFolder() };
  writeFileSync(file, JSON.stringify({ ...config, mqtt: { url: broker.url } }));
  const PATH = pathWith({ says: runningUnit });
  const { code, output, errors } = await runSightd(['doctor', '-c', file], { PATH });
  assert.equal(code, 0, output);
  assert.equal(errors, '');
  assert.match(output, /^✓ config {2}.* is right\n✓ camera {2}the built-in scene/);
  assert.match(output, /\n✓ unit {4}sightd\.service is running: 30 frames\/s\n(all is well|worth)/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there.
  assert.doesNotMatch(output, /\u001b/);
});

test('it leaves nothing on the broker, and does not disturb the daemon', { skip }, async () => {
  await using broker = await startMosquitto();
  const config = { device: { id: 'porch' }, mqtt: { url: broker.url } };
  const daemon = startDaemon({ ...config, camera: { source: 'scene' } });
  await daemon.untilLine('"msg":"running"');
  const all = await broker.subscribe('sightd/porch/status');
  await all.until(({ payload }) => payload.includes('online'));
  const { code } = await runDoctor(config);
  assert.equal(code, 0);
  assert.equal(all.messages.filter(({ topic }) => topic.endsWith('/status')).length, 1);
  await all.close();
  daemon.process.kill('SIGTERM');
  assert.equal((await daemon.exited).code, 0);
  assert.ok(!daemon.lines.some((line) => line.includes('mqtt.unreachable')), String(daemon.lines));
  await broker.stop();
});

test('a broker that is away', async () => {
  const { code, partOf } = await runDoctor({ mqtt: await nobody() });
  assert.equal(code, 69);
  assert.equal(partOf('broker').state, 'fail');
  assert.match(partOf('broker').message, /no connection to the broker .*ECONNREFUSED/);
  assert.equal(partOf('camera').state, 'ok');
});

test('a broker whose name nobody knows', async () => {
  const { code, partOf } = await runDoctor({ mqtt: { url: 'mqtt://nobody.invalid' } });
  assert.equal(code, 69);
  assert.match(partOf('broker').message, /nobody\.invalid: (nobody knows its name|no name server)/);
  assert.match(partOf('broker').mend ?? '', /name in mqtt\.url/);
});

test('a broker that takes the connection and is silent is not waited for long', async () => {
  const server = createServer(() => {});
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const begun = performance.now();
  const { code, partOf } = await runDoctor({ mqtt: { url: `mqtt://127.0.0.1:${port}` } });
  server.close();
  assert.equal(code, 69);
  assert.match(partOf('broker').message, /no answer within 7 s/);
  // On a busy machine; the package alone would wait for 20 s and more.
  assert.ok(performance.now() - begun < 20_000);
});

test('a wrong password, the right one, and a password that is not there', { skip }, async () => {
  const folder = temporaryFolder();
  await using broker = await startMosquitto(loginLines(folder));
  const { url } = broker;
  const wrong = await runDoctor({ mqtt: { url, ...loginOf(folder, 'wrong') } });
  assert.equal(wrong.code, 69);
  assert.match(wrong.partOf('broker').message, /refuses the login/);
  assert.match(wrong.partOf('broker').mend ?? '', /mqtt\.passwordFile/);
  const right = await runDoctor({ mqtt: { url, ...loginOf(folder, 'right') } });
  assert.equal(right.code, 0);
  assert.match(right.partOf('broker').message, /^connected to .* as porch with MQTT 5$/);
  const missing = { username: 'porch', passwordFile: join(folder, 'nothing') };
  const without = await runDoctor({ mqtt: { url, ...missing } });
  assert.match(without.partOf('broker').message, /mqtt\.passwordFile: cannot read .*ENOENT/);
  const credential = { username: 'porch', passwordFile: 'credential:mqtt' };
  const withheld = await runDoctor({ mqtt: { url, ...credential } });
  assert.equal(withheld.partOf('broker').state, 'warn');
  assert.match(withheld.partOf('broker').message, /not tried: .*credential:mqtt/);
});

test('a broker that does not let it listen', async () => {
  const broker = await Aedes.createBroker({
    authorizeSubscribe: (_client, _subscription, done) => done(null, null),
  });
  const server = createServer(broker.handle);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const mqtt = { url: `mqtt://127.0.0.1:${port}` };
  const { code, partOf } = await runDoctor({ device: { id: 'porch' }, mqtt });
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  await new Promise<void>((resolve) => server.close(() => resolve()));
  assert.equal(code, 0);
  assert.equal(partOf('broker').state, 'warn');
  const words =
    /with MQTT 3\.1\.1; the broker refuses the subscription to sightd\/porch\/config\/desired/;
  assert.match(partOf('broker').message, words);
});

test('a camera that is not there', async () => {
  const camera = { source: 'v4l2', device: '/dev/video99' };
  const { code, partOf } = await runDoctor({ camera, mqtt: await nobody() });
  assert.equal(code, 69);
  assert.equal(partOf('camera').state, 'fail');
  assert.match(partOf('camera').message, /there is no camera at \/dev\/video99/);
});

/** A daemon of somebody else on this machine: no camera is tried then. */
const otherDaemon = otherProcesses().some(isDaemon) && 'another sightd runs on this machine';

test('a Raspberry Pi camera: one that works, one in use, and none', {
  skip: otherDaemon,
}, async () => {
  const mqtt = await nobody();
  const camera = { source: 'rpicam' };
  const runWith = async (installation: Partial<Installation>) => {
    const before = process.env['PATH'];
    using _installed = installRpicam({ ...usual, ...installation });
    const PATH = `${process.env['PATH']}:${dirname(process.execPath)}`;
    process.env['PATH'] = before;
    return (await runDoctor({ camera, mqtt }, { PATH })).partOf('camera');
  };
  const works = await runWith({});
  assert.equal(works.state, 'ok', works.message);
  assert.match(works.message, /^Raspberry Pi camera \(.*\): a frame came$/);
  const busy = await runWith({ behaviour: 'busy' });
  assert.deepEqual([busy.state, /another program uses/.test(busy.message)], ['fail', true]);
  const none = await runWith({ names: [] });
  assert.equal(none.state, 'fail');
  assert.match(none.mend ?? '', /apt install rpicam-apps/);
});

test('a camera that a daemon has is left to it', { skip }, async () => {
  await using broker = await startMosquitto();
  const before = process.env['PATH'];
  using installed = installRpicam(usual);
  const PATH = `${process.env['PATH']}:${before}`;
  process.env['PATH'] = before;
  const config = { camera: { source: 'rpicam' }, mqtt: { url: broker.url } };
  const daemon = startDaemon(config, { PATH });
  await daemon.untilLine('"msg":"running"');
  const pid = await installed.pid();
  const { partOf } = await runDoctor(config, { PATH });
  assert.equal(partOf('camera').state, 'ok', partOf('camera').message);
  assert.match(partOf('camera').message, /in use by sightd \(pid \d+\)$/);
  assert.equal(await installed.pid(), pid);
  daemon.process.kill('SIGTERM');
  assert.equal((await daemon.exited).code, 0);
});

test('a replay of nothing, and one of pictures', async () => {
  const mqtt = await nobody();
  const nothing = { source: 'replay', path: '/nothing/here' };
  const missing = await runDoctor({ camera: nothing, mqtt });
  assert.match(missing.partOf('camera').message, /there is nothing at \/nothing\/here/);
  const folder = temporaryFolder();
  const { default: sharp } = await import('sharp');
  const blank = { width: 64, height: 48, channels: 3, background: 'red' } as const;
  await sharp({ create: blank }).png().toFile(join(folder, 'one.png'));
  const replay = await runDoctor({ camera: { source: 'replay', path: folder }, mqtt });
  assert.equal(replay.partOf('camera').state, 'ok', replay.partOf('camera').message);
  assert.match(replay.partOf('camera').message, /: a frame came$/);
});

test('a model that is not there, and one that is damaged', async () => {
  const mqtt = await nobody();
  const missing = await runDoctor({ model: { use: 'nothing' }, mqtt });
  assert.equal(missing.code, 69);
  assert.match(missing.partOf('model').message, /no model is named nothing/);
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'm.onnx'), 'nonsense');
  const manifest = {
    ...{ name: 'm', version: '1', file: 'm.onnx', sha256: '0'.repeat(64), labels: ['a', 'b'] },
    input: { layout: 'nhwc', type: 'uint8', color: 'rgb', width: 32, height: 32 },
    ...{ output: { kind: 'probabilities' }, source: 'a test', license: 'MIT' },
  };
  writeFileSync(join(folder, 'm.json'), JSON.stringify(manifest));
  const damaged = await runDoctor({ model: { use: join(folder, 'm.json') }, mqtt });
  assert.match(damaged.partOf('model').message, /is not the file its manifest names/);
});

test('a config with a mistake: the rest goes on, and the exit code is 78', async () => {
  const { code, partOf, file } = await runDoctor({ camrea: {} });
  assert.equal(code, 78);
  assert.ok(partOf('config').message.startsWith(`${file}:1: camrea: unknown key`));
  assert.equal(partOf('model').state, 'ok');
});

test('a state folder that nothing can be written to', async () => {
  const mqtt = await nobody();
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const below = await runDoctor({ stateDir: join(file, 'state'), mqtt });
  assert.equal(below.partOf('disk').state, 'fail');
  assert.match(below.partOf('disk').message, /file is no folder$/);
  const proc = await runDoctor({ stateDir: '/proc/sightd', mqtt });
  assert.equal(proc.partOf('disk').state, 'fail');
  assert.match(proc.partOf('disk').message, /^nothing can be kept in \/proc\/sightd: /);
  const folder = join(temporaryFolder(), 'there');
  mkdirSync(folder);
  const there = await runDoctor({ stateDir: folder, mqtt });
  assert.match(there.partOf('disk').message, /^\d+ MiB free for .*there$/);
});

test('the unit is asked for by its name, and explained', async () => {
  const config = { mqtt: await nobody() };
  const failed = pathWith({
    says: 'LoadState=loaded\nActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=78\n',
  });
  const { code, partOf } = await runDoctor(config, { PATH: failed, args: ['--unit', 'porch'] });
  assert.equal(code, 69);
  assert.match(partOf('unit').message, /^porch\.service has failed: its config is wrong/);
  const missing = await runDoctor(config, { PATH: pathWith({ says: 'LoadState=not-found\n' }) });
  assert.equal(missing.partOf('unit').state, 'warn');
  const complains = 'System has not been booted with systemd as init system (PID 1).\n';
  const elsewhere = await runDoctor(config, { PATH: pathWith({ complains }) });
  assert.match(elsewhere.partOf('unit').message, /systemd does not run here/);
  const broken = await runDoctor(config, { PATH: pathWith({ complains: 'Access denied\n' }) });
  assert.equal(broken.partOf('unit').state, 'warn');
  assert.match(broken.partOf('unit').message, /does not answer: Access denied/);
});

test("a Raspberry Pi's firmware is asked about the supply", async () => {
  const folder = temporaryFolder();
  const script = '#!/bin/sh\ntest "$*" = get_throttled && echo throttled=0x50005\n';
  writeFileSync(join(folder, 'vcgencmd'), script, { mode: 0o755 });
  const PATH = `${folder}:${pathWith({ says: runningUnit })}`;
  const { code, partOf } = await runDoctor({ mqtt: await nobody() }, { PATH });
  assert.equal(code, 69);
  assert.match(partOf('power').message, /^the supply is too weak now: less than 4\.63 V/);
});

test('wrong usage', async () => {
  for (const args of [['--jsno'], ['--unit', 'a b'], ['extra'], ['--unit=-x']]) {
    const { code, output, errors } = await runSightd(['doctor', ...args]);
    assert.equal(code, 64, args.join(' '));
    assert.equal(output, '');
    assert.match(errors, /^sightd: sightd doctor: /);
  }
});
