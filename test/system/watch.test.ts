import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { packageRoot } from '../../src/base/paths.ts';
import { labelMessageSchema } from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import {
  freePort,
  type Mosquitto,
  skipWithoutMosquitto,
  startMosquitto,
} from '../support/mosquitto.ts';
import { runSightd, type Sightd, startDaemon, startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

const startDevice = (broker: Mosquitto, id: string, camera: object): Sightd =>
  startDaemon({
    device: { id },
    camera,
    mqtt: { url: broker.url },
    health: { intervalSeconds: 1 },
  });

const patienceMs = 60_000;
const scene = { source: 'scene', width: 320, height: 240 };

function publish(broker: Mosquitto, topic: string, payload: string): void {
  const where = ['-h', '127.0.0.1', '-p', `${broker.port}`, '-t', topic];
  const { status } = spawnSync('mosquitto_pub', [...where, '-q', '1', '-r', '-m', payload], {
    env,
  });
  assert.equal(status, 0);
}

/** Waits for what a process writes; one that ends or takes for ever without it is a failure. */
async function untilOutput(sightd: Sightd, condition: (text: string) => boolean): Promise<void> {
  const { process: child } = sightd;
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  while (!condition(sightd.output())) {
    const isRunning = child.exitCode === null && child.signalCode === null;
    assert.ok(isRunning, `${sightd.output()}${sightd.lines.join('\n')}`);
    await new Promise<void>((resolve) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', () => resolve());
    });
  }
  clearTimeout(timer);
}

/** Without a connection of its own the device would leave without a word. */
async function untilConnected(sightd: Sightd, times: number): Promise<void> {
  const late = AbortSignal.timeout(patienceMs);
  const isConnected = (line: string): boolean => line.includes('connected to the broker');
  while (sightd.lines.filter(isConnected).length < times) {
    assert.ok(!late.aborted, sightd.lines.join('\n'));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type JsonLine = {
  readonly at: string;
  readonly device: string;
  readonly topic: string;
  readonly retained: boolean;
  readonly message: unknown;
  readonly problem?: string;
};

const jsonLines = (sightd: Sightd): JsonLine[] =>
  sightd
    .output()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonLine);

test('two devices are watched as lines of JSON, then as changes, across a restart of the broker', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const porch = startDevice(broker, 'porch', scene);
  const garden = startDevice(broker, 'garden', { source: 'v4l2', device: '/dev/nothing' });
  await Promise.all([porch, garden].map((device) => device.untilLine('connected to the broker')));
  publish(broker, 'sightd/odd/health', '{"mood":"good"}');

  const json = startSightd(['watch', '--url', broker.url, '--json']);
  const wanted = ['status', 'health', 'result', 'label', 'config/reported'];
  await untilOutput(json, (text) => {
    const isComplete = text.endsWith('\n');
    return (
      isComplete &&
      wanted.every((name) => text.includes(`"sightd/porch/${name}"`)) &&
      text.includes('"sightd/garden/health"') &&
      text.includes('"sightd/odd/health"')
    );
  });
  json.process.kill('SIGINT');
  assert.deepEqual(await json.exited, { code: 0, signal: null });
  const lines = jsonLines(json);
  for (const { at, device, topic } of lines) {
    assert.ok(!Number.isNaN(Date.parse(at)));
    assert.ok(topic.startsWith(`sightd/${device}/`));
    assert.ok(!topic.endsWith('/desired'));
  }
  const label = lines.find(({ topic }) => topic === 'sightd/porch/label');
  labelMessageSchema.parse(label?.message);
  const odd = lines.find(({ device }) => device === 'odd');
  assert.deepEqual([odd?.retained, odd?.message], [true, { mood: 'good' }]);
  assert.match(odd?.problem ?? '', /session/);

  const changes = startSightd(['watch', '--url', broker.url, '--device', 'garden']);
  await untilOutput(changes, (text) => text.includes('garden health degraded: '));
  await broker.stop();
  await changes.untilLine('no connection to the broker');
  await broker.start();
  await changes.untilLine('connected to the broker again');
  await untilConnected(garden, 2);
  garden.process.kill('SIGTERM');
  assert.deepEqual(await garden.exited, { code: 0, signal: null });
  await untilOutput(changes, (text) => text.includes('garden event daemon.stopping: '));
  await untilOutput(changes, (text) => text.includes('garden status stopped'));
  changes.process.kill('SIGINT');
  assert.deepEqual(await changes.exited, { code: 0, signal: null });
  assert.doesNotMatch(changes.output(), /porch| result /);
  porch.process.kill('SIGTERM');
  assert.deepEqual(await porch.exited, { code: 0, signal: null });
});

test('what is wrong with the broker, the login or the options ends it with its code', {
  skip,
}, async () => {
  const nobody = `mqtt://127.0.0.1:${await freePort()}`;
  const missing = await runSightd(['watch', '--url', nobody]);
  assert.equal(missing.code, 69);
  assert.match(missing.errors, /no connection to the broker at mqtt:\/\/127.*--url/s);
  assert.doesNotMatch(missing.errors, /keeps trying/);

  const passwords = join(temporaryFolder(), 'passwords');
  writeFileSync(passwords, '');
  await using broker = await startMosquitto(
    `allow_anonymous false\npassword_file ${passwords}\nuser root\n`,
  );
  const refused = await runSightd(['watch', '--url', broker.url]);
  assert.equal(refused.code, 69);
  assert.match(refused.errors, /refuses the login.*--username/s);

  for (const args of [
    ['--url', 'nowhere'],
    ['--base', 'a/#'],
    ['--device', 'a/b'],
    ['--seconds', 'few'],
    ['--password-file', '/nothing'],
    ['--ca', '/nothing'],
    ['more'],
  ]) {
    const { code, errors } = await runSightd(['watch', ...args]);
    assert.equal(code, 64, `${args.join(' ')}: ${errors}`);
  }
});

test('the config names the broker and the base', { skip }, async () => {
  await using broker = await startMosquitto();
  publish(broker, 'house/floor/porch/status', '{"state":"online","session":"a","version":"9.9.9"}');
  const path = join(temporaryFolder(), 'config.yaml');
  writeFileSync(path, `mqtt: { url: "${broker.url}", base: house/floor }\n`);
  const watch = startSightd(['watch', '--config', path]);
  await untilOutput(watch, (text) => text.endsWith('\n'));
  watch.process.kill('SIGTERM');
  assert.deepEqual(await watch.exited, { code: 0, signal: null });
  assert.match(watch.output(), /^\S+Z porch status online sightd 9\.9\.9 session a\n$/);
  assert.equal((await runSightd(['watch', '--config', path, '--seconds', '1'])).code, 0);
});

test('on a terminal it draws a picture of its size, in colours', { skip }, async () => {
  await using broker = await startMosquitto();
  publish(broker, 'sightd/porch/status', '{"state":"online","session":"a","version":"9.9.9"}');
  const main = join(packageRoot, 'dist', 'src', 'main.js');
  const command = `stty cols 60 rows 10; exec ${main} watch --url ${broker.url} --seconds 3`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { PATH: env.PATH, TERM: 'xterm' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0);
  const picture = output.slice(output.lastIndexOf('\x1b[H') + 3);
  const lines = stripVTControlCharacters(picture).split('\r\n');
  assert.match(lines[0] ?? '', /^sightd watch {2}1 device, 1 online/);
  assert.match(lines[2] ?? '', /^● porch {3}online/);
  assert.ok(lines.every((line) => line.length < 60));
  assert.ok(picture.includes('\x1b[32monline'), 'in green');
});
