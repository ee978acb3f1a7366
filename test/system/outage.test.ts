import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusMessageSchema } from '../../src/contract/messages.ts';
import { createLabelDevice } from '../support/label-device.ts';
import { type Message, skipWithoutMosquitto, startSubscriber } from '../support/mosquitto.ts';
import { openNetwork, skipWithoutNamespaces, startBrokerIn } from '../support/network.ts';
import { checkLabels, checkOrder, numberedOf } from '../support/numbered.ts';

const skip = skipWithoutMosquitto() || skipWithoutNamespaces();

/** `npm run stress` asks for 60 s. It has to outlast the keepalive on both sides. */
const outageSeconds = Number(process.env['OUTAGE_SECONDS'] ?? 12);
const keepaliveSeconds = 5;
/** Of attempts to connect, in a minute: what no broker would call a storm. */
const attemptsPerMinuteMax = 10;

const isStatus = ({ topic }: Message): boolean => topic.endsWith('/status');

test(`packets that are lost for ${outageSeconds} s: noticed on both sides, nothing lost, no storm`, {
  skip,
}, async (t) => {
  await using network = openNetwork();
  await using broker = await startBrokerIn(network);
  // A subscriber beside the broker, whom the outage does not concern.
  const topics = ['-V', '5', '-t', 'sightd/porch/#'];
  const subscriber = startSubscriber(broker.port, topics, network.onBroker);
  const device = await createLabelDevice({
    id: 'porch',
    url: `mqtt://${network.address}:${broker.port}`,
    changesPerSecond: 10,
    config: { mqtt: { keepaliveSeconds, reconnectSecondsMax: 60 }, log: { level: 'debug' } },
    wrapper: network.onDevice,
  });
  await until(() => broker.log.some((line) => /Received SUBSCRIBE from/.test(line)));
  const sightd = device.start();
  await subscriber.until(({ topic }) => topic.endsWith('/label'));

  const cutAt = Date.now();
  network.cut();
  const offline = subscriber.until((message) => isStatus(message) && isState(message, 'offline'));
  await sightd.untilLine('no broker; going on without');
  const noticedSeconds = (Date.now() - cutAt) / 1000;
  await offline;
  await new Promise((resolve) => setTimeout(resolve, cutAt + outageSeconds * 1000 - Date.now()));
  const outageLines = sightd.lines.length;
  const before = subscriber.messages.length;
  network.mend();
  await subscriber.until(({ payload }) => payload.includes('"mqtt.reconnected"'));
  const backSeconds = (Date.now() - cutAt) / 1000 - outageSeconds;
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  await subscriber.until((message) => isStatus(message) && isState(message, 'stopped'));
  await subscriber.close();

  const { once, duplicates } = checkOrder(numberedOf(subscriber.messages));
  const labels = checkLabels(once);
  assert.ok(subscriber.messages.length - before > outageSeconds * 5, 'what was kept has come');
  const codes = once.flatMap(({ payload }) => /"code":"([^"]+)"/.exec(payload)?.[1] ?? []);
  assert.deepEqual(codes, ['daemon.started', 'mqtt.reconnected', 'daemon.stopping']);

  const statuses = subscriber.messages
    .filter(isStatus)
    .map(({ payload }) => statusMessageSchema.parse(JSON.parse(payload)));
  assert.deepEqual(
    statuses.map(({ state }) => state),
    ['online', 'offline', 'online', 'stopped'],
  );
  assert.equal(new Set(statuses.map(({ session }) => session)).size, 1, 'one session all along');

  // Every failed attempt is a line; none can have reached the broker.
  const failed = sightd.lines.slice(0, outageLines).filter((line) => /"msg":"no broker/.test(line));
  const attempts = failed.length;
  t.diagnostic(
    `noticed after ${noticedSeconds.toFixed(1)} s, ${attempts} attempts, back ${backSeconds.toFixed(1)} s after the end; ${labels} labels, ${duplicates} duplicates`,
  );
  assert.ok(attempts <= (attemptsPerMinuteMax * Math.max(60, outageSeconds)) / 60, `${attempts}`);
  const connects = (): readonly string[] =>
    broker.log.filter((line) => /New client connected .* as sightd-porch/.test(line));
  // The broker's log comes by another pipe than its messages.
  await until(() => connects().length >= 2);
  assert.equal(connects().length, 2, connects().join('\n'));
});

const isState = ({ payload }: Message, state: string): boolean =>
  payload.includes(`"state":"${state}"`);

async function until(condition: () => boolean): Promise<void> {
  const late = AbortSignal.timeout(60_000);
  while (!condition() && !late.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
}
