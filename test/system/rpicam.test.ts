import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import { type HealthMessage, healthMessageSchema } from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import { skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { isRunning, until } from '../support/rpicam.ts';
import { finalLedger, startDaemon, startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();
const program = fileURLToPath(new URL('../support/rpicam-vid.js', import.meta.url));

/** A folder for the PATH with a stand-in for rpicam-vid whose next start behaves as it is told. */
function installChangeable() {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'bin'));
  const tool = join(folder, 'bin', 'rpicam-vid');
  const away = join(folder, 'rpicam-vid');
  const pidFile = join(folder, 'pid');
  const behaviour = join(folder, 'behaviour');
  const shim = `#!/bin/sh
RPICAM_BEHAVIOUR=$(cat '${behaviour}')
export RPICAM_BEHAVIOUR RPICAM_PID_FILE='${pidFile}'
exec '${process.execPath}' '${program}' "$@"
`;
  writeFileSync(tool, shim, { mode: 0o755 });
  writeFileSync(behaviour, '');
  return {
    path: `${join(folder, 'bin')}:${process.env['PATH']}`,
    pid: () => Number(readFileSync(pidFile, 'utf8')),
    behave: (words: string) => writeFileSync(behaviour, words),
    remove: () => renameSync(tool, away),
    install: () => renameSync(away, tool),
  };
}

test('a CSI camera that crashes, stalls, breaks off or is not installed comes back by itself', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const rpicam = installChangeable();
  const subscriber = await broker.subscribe('sightd/csi/#');
  const sightd = startDaemon(
    {
      device: { id: 'csi' },
      camera: { source: 'rpicam' },
      mqtt: { url: broker.url },
      health: { intervalSeconds: 1, frameDeadlineSeconds: 1 },
    },
    { PATH: rpicam.path },
  );
  const healths = (): HealthMessage[] =>
    subscriber.messages
      .filter(({ topic }) => topic === 'sightd/csi/health')
      .map(({ payload }) => healthMessageSchema.parse(JSON.parse(payload)));
  const untilHealth = async (condition: (health: HealthMessage) => boolean) => {
    const after = healths().length;
    await until(() => healths().slice(after).some(condition));
    return healths().slice(after).find(condition) as HealthMessage;
  };
  /** Frames of this very opening are classified. */
  const untilSeeing = async (): Promise<HealthMessage> => {
    const opened = await untilHealth(({ camera }) => camera.state === 'streaming');
    return untilHealth(
      ({ camera, ledger }) =>
        camera.state === 'streaming' && ledger.classified > opened.ledger.classified + 10,
    );
  };
  const untilFault = (code: string) =>
    untilHealth(({ camera }) => camera.state !== 'streaming' && camera.fault?.code === code);

  assert.match((await untilSeeing()).camera.source, /^Raspberry Pi camera/);
  rpicam.behave('stall-after:20');
  process.kill(rpicam.pid(), 'SIGKILL');
  const crashed = await untilFault('camera.broken');
  assert.match(crashed.camera.fault?.message ?? '', /SIGKILL/);
  assert.equal(crashed.state, 'degraded');
  await untilFault('camera.stalled');
  rpicam.behave('half-frame-after:20');
  await untilHealth(({ camera, ledger }) => camera.reopens >= 2 && ledger.failed >= 1);
  rpicam.behave('');
  const before = await untilSeeing();
  rpicam.remove();
  process.kill(rpicam.pid(), 'SIGKILL');
  await untilFault('camera.tool-missing');
  rpicam.install();
  const after = await untilSeeing();

  assert.equal(after.session, before.session);
  assert.ok(after.ledger.captured > before.ledger.captured);
  assert.equal(after.state, 'ok');
  for (const { ledger } of healths()) assert.equal(imbalanceOf(ledger), 0);
  const child = rpicam.pid();
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  assert.equal(finalLedger(sightd).inFlight, 0);
  assert.ok(!isRunning(child));
  await subscriber.close();
});

test('a CSI camera goes on at another rate and size after SIGHUP', { skip }, async () => {
  await using broker = await startMosquitto();
  const rpicam = installChangeable();
  const subscriber = await broker.subscribe('sightd/csi/#');
  const file = join(temporaryFolder(), 'config.yaml');
  const configure = (camera: object): void =>
    writeFileSync(
      file,
      JSON.stringify({
        device: { id: 'csi' },
        camera: { source: 'rpicam', ...camera },
        mqtt: { url: broker.url },
        health: { intervalSeconds: 1 },
      }),
    );
  configure({ fps: 30 });
  const sightd = startSightd(['run', '--config', file], { PATH: rpicam.path });
  await sightd.untilLine('"msg":"running"');
  // Again and again, since it must not matter where in a frame it happens.
  for (const [width, height] of [
    [640, 480],
    [320, 240],
    [640, 480],
    [320, 240],
    [1280, 960],
  ] as const) {
    const from = subscriber.messages.length;
    configure({ fps: 25, width, height });
    sightd.process.kill('SIGHUP');
    const isOpen = (text: string): boolean => text.includes(`${width}×${height}, 25 fps`);
    await until(() =>
      subscriber.messages.slice(from).some(({ topic, payload }) => {
        return topic.endsWith('/health') && isOpen(payload) && payload.includes('"streaming"');
      }),
    );
    const opened = subscriber.messages.length;
    await until(() =>
      subscriber.messages.slice(opened).some(({ topic }) => topic.endsWith('/result')),
    );
  }
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  assert.equal(finalLedger(sightd).inFlight, 0);
  await subscriber.close();
});

test('a daemon that is killed leaves no rpicam-vid behind', async () => {
  const rpicam = installChangeable();
  const sightd = startDaemon(
    { camera: { source: 'rpicam' }, mqtt: { url: 'mqtt://127.0.0.1:9' } },
    { PATH: rpicam.path },
  );
  await sightd.untilLine('"msg":"running"');
  const child = rpicam.pid();
  assert.ok(isRunning(child));
  sightd.process.kill('SIGKILL');
  await sightd.exited;
  await until(() => !isRunning(child));
});
