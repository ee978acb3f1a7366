import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import {
  type HealthMessage,
  healthMessageSchema,
  statusMessageSchema,
} from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import {
  type Message,
  type Mosquitto,
  skipWithoutMosquitto,
  startMosquitto,
} from '../support/mosquitto.ts';
import { finalLedger, type Sightd, startDaemon } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();

const watching = (broker: Mosquitto): Sightd =>
  startDaemon({
    device: { id: 'porch' },
    camera: { source: 'scene', fps: 60, width: 320, height: 240 },
    mqtt: { url: broker.url, reconnectSecondsMax: 1 },
    health: { intervalSeconds: 1 },
  });

const isTopic = (name: string) => (message: Message) => message.topic === `sightd/porch/${name}`;

function healthOf(messages: readonly Message[]): HealthMessage[] {
  return messages
    .filter(isTopic('health'))
    .map(({ payload }) => healthMessageSchema.parse(JSON.parse(payload)));
}

test('a broker that is killed and comes back stops neither capture nor inference', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const before = await broker.subscribe('sightd/porch/#');
  const sightd = watching(broker);
  await before.until(isTopic('result'));
  await broker.kill();
  const lost = await sightd.untilLine('no broker; going on without');
  await before.close();
  // The outage lasts until the daemon has tried in vain.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await broker.start();
  const after = await broker.subscribe('sightd/porch/#');
  const result = await after.until(isTopic('result'));
  const health = await after.until(
    (message) => isTopic('health')(message) && message.payload.includes('"ok"'),
  );
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  await after.until((message) => isTopic('status')(message) && message.payload.includes('stopped'));
  await after.close();

  const sequenceBefore = JSON.parse(
    before.messages.filter(isTopic('result')).at(-1)?.payload ?? '{}',
  ).sequence;
  const sequenceAfter = JSON.parse(result.payload).sequence;
  // At 60 frames a second the 2.5 s of the outage are some 150 frames; half of that allows for a slow machine.
  assert.ok(
    sequenceAfter - sequenceBefore > 75,
    `${sequenceBefore} to ${sequenceAfter} across the outage`,
  );
  const reported = healthMessageSchema.parse(JSON.parse(health.payload));
  assert.ok(reported.results.unsent > 0, 'results of the outage are counted as unsent');
  assert.match(lost, /mqtt\.unreachable/);
  const ledger = finalLedger(sightd);
  assert.equal(imbalanceOf(ledger), 0);
  assert.equal(ledger.inFlight, 0);
});

test('a broker that is missing at start is not waited for', { skip }, async () => {
  await using broker = await startMosquitto();
  await broker.kill();
  const sightd = watching(broker);
  await sightd.untilLine('"msg":"running"');
  await broker.start();
  const subscriber = await broker.subscribe('sightd/porch/#');
  const result = await subscriber.until(isTopic('result'));
  assert.ok(JSON.parse(result.payload).sequence >= 1);
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  await subscriber.close();
});

test('a lossless replay that ends without a broker keeps its results for one that comes', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await broker.kill();
  const sightd = startDaemon({
    device: { id: 'porch' },
    camera: { source: 'replay', path: await threePictures(), pace: 'fast' },
    mqtt: { url: broker.url, reconnectSecondsMax: 1 },
    health: { stopSeconds: 20 },
  });
  await sightd.untilLine('"msg":"stopping"');
  await broker.start();
  const subscriber = await broker.subscribe('sightd/porch/#');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  assert.match(sightd.lines.join('\n'), /"isFlushed":true/);
  await subscriber.close();
});

async function threePictures(): Promise<string> {
  const folder = temporaryFolder();
  const picture = { width: 32, height: 24, channels: 3 as const, background: '#468' };
  for (const name of ['a.png', 'b.png', 'c.png']) {
    await sharp({ create: picture }).png().toFile(join(folder, name));
  }
  return folder;
}

test('every health message balances, and status is told by birth, farewell and will', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const subscriber = await broker.subscribe('sightd/porch/#');
  const first = watching(broker);
  await subscriber.until(
    (message) => isTopic('health')(message) && message.payload.includes('"latencyMs"'),
  );
  first.process.kill('SIGTERM');
  await first.exited;
  await subscriber.until(
    (message) => isTopic('status')(message) && message.payload.includes('stopped'),
  );
  const second = watching(broker);
  const isResultOfSecond = (message: Message): boolean =>
    isTopic('result')(message) &&
    JSON.parse(message.payload).session !== sessionOf(subscriber.messages);
  await subscriber.until(isResultOfSecond);
  second.process.kill('SIGKILL');
  await second.exited;
  await subscriber.until(
    (message) => isTopic('status')(message) && message.payload.includes('offline'),
  );
  await subscriber.close();

  const statuses = subscriber.messages
    .filter(isTopic('status'))
    .map(({ payload }) => statusMessageSchema.parse(JSON.parse(payload)));
  assert.deepEqual(
    statuses.map((status) => status.state),
    ['online', 'stopped', 'online', 'offline'],
  );
  assert.equal(statuses[0]?.session, statuses[1]?.session);
  assert.equal(statuses[2]?.session, statuses[3]?.session);
  assert.notEqual(statuses[0]?.session, statuses[2]?.session);
  for (const health of healthOf(subscriber.messages)) assert.equal(imbalanceOf(health.ledger), 0);
});

/** The session of the first result: the first daemon's. */
function sessionOf(messages: readonly Message[]): string {
  return JSON.parse(messages.find(isTopic('result'))?.payload ?? '{}').session;
}
