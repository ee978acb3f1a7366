import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { modelsFolder } from '../../src/base/paths.ts';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import {
  type HealthMessage,
  healthMessageSchema,
  type ReportedMessage,
  reportedMessageSchema,
} from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import { type Mosquitto, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { drawPicture } from '../support/pictures.ts';
import { finalLedger, startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** A device with its own broker and state folder; health speaks every second. */
async function createDevice(
  broker: Mosquitto,
  config: { stateDir?: string; remoteConfig?: object } = {},
) {
  const { stateDir = temporaryFolder() } = config;
  const path = join(temporaryFolder(), 'config.yaml');
  const write = (more: object): void =>
    writeFileSync(
      path,
      JSON.stringify({
        device: { id: 'porch' },
        camera: { source: 'scene', width: 320, height: 240 },
        mqtt: { url: broker.url },
        health: { intervalSeconds: 1 },
        remoteConfig: { trialSeconds: 2 },
        stateDir,
        ...more,
      }),
    );
  write(config);
  const subscriber = await broker.subscribe('sightd/porch/#');
  const desire = (document: unknown): void => {
    const payload = document === undefined ? ['-n'] : ['-m', JSON.stringify(document)];
    const where = [
      '-h',
      '127.0.0.1',
      '-p',
      String(broker.port),
      '-t',
      'sightd/porch/config/desired',
    ];
    const { status } = spawnSync('mosquitto_pub', [...where, '-q', '1', '-r', ...payload], { env });
    assert.equal(status, 0);
  };
  let read = 0;
  /** The next report with this version and state; what comes before it is skipped. */
  const reported = async (
    version: number | null,
    state: ReportedMessage['state'],
  ): Promise<ReportedMessage> => {
    const found = await subscriber.until(
      (message) =>
        subscriber.messages.indexOf(message) >= read &&
        message.topic.endsWith('/config/reported') &&
        isIt(JSON.parse(message.payload), version, state),
    );
    read = subscriber.messages.indexOf(found) + 1;
    return reportedMessageSchema.parse(JSON.parse(found.payload));
  };
  const healths = (): HealthMessage[] =>
    subscriber.messages
      .filter(({ topic }) => topic.endsWith('/health'))
      .map(({ payload }) => healthMessageSchema.parse(JSON.parse(payload)));
  /** The next health that is so, and later than now. */
  const healthy = async (condition: (health: HealthMessage) => boolean): Promise<HealthMessage> => {
    const from = subscriber.messages.length;
    const found = await subscriber.until(
      (message) =>
        subscriber.messages.indexOf(message) >= from &&
        message.topic.endsWith('/health') &&
        condition(healthMessageSchema.parse(JSON.parse(message.payload))),
    );
    return healthMessageSchema.parse(JSON.parse(found.payload));
  };
  return {
    stateDir,
    write,
    start: () => startSightd(['run', '--config', path], { SIGHTD_STATE_DIR: stateDir }),
    desire,
    reported,
    healths,
    healthy,
    close: subscriber.close,
  };
}

const isIt = (value: unknown, version: number | null, state: string): boolean => {
  const report = value as ReportedMessage;
  return report.version === version && report.state === state;
};

test('changes are tried, kept, refused and taken away, and each touches only its own part', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await createDevice(broker);
  const sightd = device.start();
  assert.deepEqual((await device.reported(null, 'applied')).errors, []);
  await device.healthy(({ state }) => state === 'ok');

  device.desire({
    version: 1,
    config: { label: { thresholds: { bird: 0.5 } }, publish: { topK: 2 } },
  });
  const trial = await device.reported(1, 'trial');
  assert.equal(trial.lastKnownGood, null);
  assert.ok(existsSync(join(device.stateDir, 'config', 'trial.json')));
  const applied = await device.reported(1, 'applied');
  assert.equal(applied.lastKnownGood, 1);
  assert.deepEqual((applied.config['label'] as { thresholds: object }).thresholds, { bird: 0.5 });
  assert.ok(!existsSync(join(device.stateDir, 'config', 'trial.json')));
  const after = await device.healthy(({ state }) => state === 'ok');
  assert.equal(after.camera.reopens, 0, 'the camera was left alone');
  assert.equal(after.inference.restarts, 0);

  device.desire({
    version: 2,
    config: { mqtt: { url: 'mqtt://elsewhere' }, camera: { widht: 1 } },
  });
  const refused = await device.reported(2, 'rejected');
  assert.deepEqual(refused.errors.map(({ path }) => path).sort(), ['camera.widht', 'mqtt']);
  device.desire({ version: 1, config: {} });
  assert.equal((await device.reported(1, 'rejected')).errors[0]?.path, 'version');

  device.desire({
    version: 2,
    config: { inference: { workers: 2 }, queue: { slots: 4 }, camera: { width: 640, height: 480 } },
  });
  await device.reported(2, 'trial');
  await device.reported(2, 'applied');
  const rebuilt = await device.healthy(({ state }) => state === 'ok');
  assert.equal(rebuilt.inference.workers, 2);
  assert.equal(rebuilt.inference.restarts, 0);
  assert.equal(rebuilt.camera.reopens, 1);
  assert.match(rebuilt.camera.source, /640/);

  device.write({ log: { level: 'debug' } });
  sightd.process.kill('SIGHUP');
  await sightd.untilLine('"applied":["log"]');

  device.desire(undefined);
  await device.reported(null, 'trial');
  const gone = await device.reported(null, 'applied');
  assert.equal(gone.lastKnownGood, null);
  const back = await device.healthy(({ state }) => state === 'ok');
  assert.equal(back.inference.workers, 1);
  assert.equal(back.session, after.session, 'one process all along');
  for (const { ledger } of device.healths()) assert.equal(imbalanceOf(ledger), 0);
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  const ledger = finalLedger(sightd);
  assert.equal(ledger.inFlight, 0);
  assert.equal(imbalanceOf(ledger), 0);
  await device.close();
});

test('a change that would end the daemon ends its trial instead', { skip }, async () => {
  await using broker = await startMosquitto();
  const folder = temporaryFolder();
  const device = await createDevice(broker, {
    remoteConfig: { trialSeconds: 2, folders: [folder] },
  });
  const sightd = device.start();
  await device.healthy(({ state }) => state === 'ok');
  const path = join(folder, 'none');
  device.desire({ version: 5, config: { camera: { source: 'replay', path, loop: true } } });
  const back = await device.reported(5, 'rolled-back');
  assert.match(back.errors[0]?.message ?? '', /it cannot work: .*none.*back to the device's own/);
  assert.equal((back.config['camera'] as { source: string }).source, 'scene');
  const health = await device.healthy(({ state, rates }) => state === 'ok' && rates.classified > 1);
  assert.match(health.camera.source, /scene/);
  // A model whose file is not what its manifest says: only its thread can tell.
  writeFileSync(join(folder, 'broken.onnx'), 'no model');
  const embedded = readFileSync(join(modelsFolder, 'scene-visitors.json'), 'utf8');
  const sha256 = createHash('sha256').update('no model').digest('hex');
  const manifest = { ...JSON.parse(embedded), file: 'broken.onnx', sha256 };
  writeFileSync(join(folder, 'broken.json'), JSON.stringify(manifest));
  device.desire({
    version: 6,
    config: { model: { use: join(folder, 'broken.json') }, inference: { workers: 2 } },
  });
  const small = await device.reported(6, 'rolled-back');
  assert.match(small.errors[0]?.message ?? '', /it cannot work: .*broken.onnx/);
  const whole = await device.healthy(({ state, rates }) => state === 'ok' && rates.classified > 1);
  assert.equal(whole.inference.workers, 1);
  // A whole model that says something else of its golden picture, and one that says what it must.
  const use = join(folder, 'golden.json');
  const writeGolden = (label: string): void => {
    const file = join(modelsFolder, 'scene-visitors.onnx');
    const golden = { image: 'balloon.png', label };
    writeFileSync(use, JSON.stringify({ ...JSON.parse(embedded), file, golden }));
  };
  await drawPicture(join(folder, 'balloon.png'), true);
  writeGolden('bird');
  device.desire({ version: 7, config: { model: { use } } });
  const wrong = await device.reported(7, 'rolled-back');
  assert.match(
    wrong.errors[0]?.message ?? '',
    /it cannot work: the model scene-visitors says balloon .* of its golden picture .*balloon.png; expected bird/,
  );
  writeGolden('balloon');
  device.desire({ version: 8, config: { model: { use }, camera: { fps: 10 } } });
  await device.reported(8, 'applied');
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  await device.close();
});

test('a process that is killed during a trial does not try that version again; a clean stop does', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await createDevice(broker, { remoteConfig: { trialSeconds: 3 } });
  let sightd = device.start();
  await device.healthy(({ state }) => state === 'ok');
  device.desire({ version: 1, config: { camera: { fps: 10 } } });
  await device.reported(1, 'trial');
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);

  sightd = device.start();
  await device.reported(null, 'applied');
  await device.reported(1, 'trial');
  await device.reported(1, 'applied');
  device.desire({ version: 2, config: { camera: { fps: 15 } } });
  await device.reported(2, 'trial');
  sightd.process.kill('SIGKILL');
  await sightd.exited;

  sightd = device.start();
  const back = await device.reported(2, 'rolled-back');
  assert.match(back.errors[0]?.message ?? '', /crash.*back to version 1/);
  assert.equal(back.lastKnownGood, 1);
  assert.equal((back.config['camera'] as { fps: number }).fps, 10);
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  const file = join(device.stateDir, 'config', 'last-known-good.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"fps":10', '"fps":11'));

  sightd = device.start();
  await sightd.untilLine('its checksum is wrong');
  const own = await device.reported(null, 'applied');
  assert.equal((own.config['camera'] as { fps: number }).fps, 30);
  assert.ok(existsSync(`${file}.broken`));
  sightd.process.kill('SIGTERM');
  await sightd.exited;
  await device.close();
});

test('a layer that no longer fits the config below it is left out, and said so, until it fits again', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await createDevice(broker);
  const sightd = device.start();
  await device.healthy(({ state }) => state === 'ok');
  device.desire({ version: 1, config: { label: { enter: 0.5 } } });
  await device.reported(1, 'applied');
  device.write({ label: { enter: 0.9, exit: 0.7 } });
  sightd.process.kill('SIGHUP');
  const left = await device.reported(1, 'rejected');
  assert.equal(left.errors[0]?.path, 'label.exit');
  assert.equal((left.config['label'] as { enter: number }).enter, 0.9);
  device.write({});
  sightd.process.kill('SIGHUP');
  const again = await device.reported(1, 'applied');
  assert.equal((again.config['label'] as { enter: number }).enter, 0.5);

  // What is taken away stays so, though the broker does not keep an empty message.
  device.desire(undefined);
  await device.reported(null, 'trial');
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  const next = device.start();
  const own = await device.reported(null, 'applied');
  assert.equal((own.config['label'] as { enter: number }).enter, 0.6);
  next.process.kill('SIGTERM');
  assert.equal((await next.exited).code, 0);
  await device.close();
});

test('where nothing can be kept, nothing is tried', { skip }, async () => {
  await using broker = await startMosquitto();
  const device = await createDevice(broker, { stateDir: '/proc/sightd' });
  const sightd = device.start();
  await device.healthy(({ components }) => components.outbox.state === 'degraded');
  device.desire({ version: 1, config: { camera: { fps: 10 } } });
  const refused = await device.reported(1, 'rejected');
  assert.match(refused.errors[0]?.message ?? '', /cannot be tried: cannot write to \/proc\/sightd/);
  assert.equal((refused.config['camera'] as { fps: number }).fps, 30);
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  await device.close();
});
