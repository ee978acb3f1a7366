import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createRandom } from '../../src/base/random.ts';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import { skipWithoutData, temporaryFolder, writeManifest } from '../support/data.ts';
import { finalLedger, type Sightd, startDaemon } from '../support/sightd.ts';

/** The issue of this test is chance: where in its work the signal finds the daemon. */
const signals = 50;
const seed = 20_260_101;

/** The heaviest model there is, and a source that never lets it rest. */
function fullLoad(url: string): object {
  const hasData = skipWithoutData() === false;
  return {
    device: { id: 'stop' },
    camera: { source: 'scene', pace: 'fast' },
    ...(hasData ? { model: { use: writeManifest('mobilenet-uint8', temporaryFolder()) } } : {}),
    inference: { workers: 2 },
    mqtt: { url },
  };
}

test(`under full load ${signals} SIGTERMs in a row end cleanly with a closed ledger`, async () => {
  const broker = await openBroker({ port: 0, webSocketPort: 0 });
  assert.ok(broker.ok);
  await using _ = broker.value;
  const random = createRandom(seed);
  for (let round = 0; round < signals; round += 1) {
    const sightd = startDaemon(fullLoad(`mqtt://127.0.0.1:${broker.value.port}`));
    await sightd.untilLine('"msg":"running"');
    await new Promise((resolve) => setTimeout(resolve, random() * 150));
    sightd.process.kill('SIGTERM');
    assert.deepEqual(await sightd.exited, { code: 0, signal: null }, messageOf(round, sightd));
    const ledger = finalLedger(sightd);
    assert.equal(imbalanceOf(ledger), 0, messageOf(round, sightd));
    assert.equal(ledger.inFlight, 0, messageOf(round, sightd));
  }
});

const messageOf = (round: number, sightd: Sightd): string =>
  `round ${round} of seed ${seed}:\n${sightd.lines.join('\n')}`;

test('a signal before the pipeline runs ends cleanly too', async () => {
  for (const delay of [0, 20, 60]) {
    const sightd = startDaemon(fullLoad('mqtt://127.0.0.1:9'));
    await sightd.untilLine('"msg":"starting"');
    await new Promise((resolve) => setTimeout(resolve, delay));
    sightd.process.kill('SIGINT');
    assert.deepEqual(await sightd.exited, { code: 0, signal: null }, messageOf(delay, sightd));
  }
});

test('past the stop deadline the daemon exits 1 and names what hung', async () => {
  await using broker = await startSilentBroker();
  const sightd = startDaemon({
    camera: { source: 'scene', pace: 'fast' },
    mqtt: { url: broker.url, protocol: '3.1.1' },
    health: { stopSeconds: 1 },
  });
  await sightd.untilLine('connected to the broker');
  await sightd.untilLine('"msg":"running"');
  sightd.process.kill('SIGTERM');
  const { code } = await sightd.exited;
  assert.equal(code, 1, sightd.lines.join('\n'));
  assert.match(sightd.lines.join('\n'), /still waiting for: mqtt/);
});

test('a second interrupt ends the daemon at once', async () => {
  await using broker = await startSilentBroker();
  const sightd = startDaemon({
    camera: { source: 'scene', pace: 'fast' },
    mqtt: { url: broker.url, protocol: '3.1.1' },
    health: { stopSeconds: 60 },
  });
  await sightd.untilLine('connected to the broker');
  await sightd.untilLine('"msg":"running"');
  sightd.process.kill('SIGINT');
  await sightd.untilLine('"msg":"stopping"');
  // npm forwards an interrupt that the terminal has sent already: that is not a second one.
  sightd.process.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(sightd.process.exitCode, null);
  sightd.process.kill('SIGINT');
  assert.deepEqual(await sightd.exited, { code: 130, signal: null });
});

/** Accepts a connection as MQTT 3.1.1 does, and never says another word. */
async function startSilentBroker() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // MQTT 3.1.1, 3.2: CONNACK, no session present, accepted.
    socket.once('data', () => socket.write(Uint8Array.of(0x20, 2, 0, 0)));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
