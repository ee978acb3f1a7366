import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../../src/base/random.ts';
import type { Entry } from '../../src/mqtt/outbox-entry.ts';
import { diskOf } from '../../src/mqtt/outbox-store.ts';
import { createLabelDevice, type LabelDevice } from '../support/label-device.ts';
import {
  type Mosquitto,
  type Subscriber,
  skipWithoutMosquitto,
  startMosquitto,
} from '../support/mosquitto.ts';
import { checkLabels, checkOrder, numberedOf } from '../support/numbered.ts';
import type { Sightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();

/** `npm run stress` asks for 100 kills and an outage of 60 s. */
const kills = Number(process.env['OUTBOX_KILLS'] ?? 15);
const outageSeconds = Number(process.env['OUTBOX_OUTAGE_SECONDS'] ?? 8);
const seed = Number(process.env['STRESS_SEED'] ?? 7);

const createDevice = (broker: Mosquitto, changesPerSecond: number): Promise<LabelDevice> =>
  createLabelDevice({ id: 'porch', url: broker.url, changesPerSecond, config: {}, wrapper: [] });

/** What a device that was killed has stored and not yet removed. */
async function storedIn({ stateDir }: LabelDevice): Promise<readonly Entry[]> {
  const opened = await diskOf(join(stateDir, 'outbox')).open();
  assert.ok(opened.ok, opened.ok ? '' : opened.fault.message);
  assert.equal(opened.value.damage, undefined);
  await opened.value.store.close();
  return opened.value.entries;
}

async function untilStopped(sightd: Sightd, subscriber: Subscriber): Promise<void> {
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  await subscriber.until(
    ({ topic, payload }) => topic.endsWith('/status') && payload.includes('"stopped"'),
  );
}

test(`a daemon that is killed ${kills} times: every recorded label arrives, in order, duplicates with the same id`, {
  skip,
}, async (t) => {
  const random = createRandom(seed);
  await using broker = await startMosquitto();
  const subscriber = await broker.subscribeForGood('sightd/porch/#');
  const device = await createDevice(broker, 40);
  const recorded = new Map<number, string>();
  let waited = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    // In some of its lives it has no broker, and the store grows.
    const isAlone = random() < 0.25;
    if (isAlone) await broker.stop();
    const sightd = device.start();
    // One in four from before it has opened its store on; the others after up to 1.5 s of labels.
    const isEarly = random() < 0.25;
    if (!isEarly) await sightd.untilLine('"msg":"running"');
    await new Promise((resolve) => setTimeout(resolve, random() * (isEarly ? 800 : 1500)));
    sightd.process.kill('SIGKILL');
    await sightd.exited;
    const entries = await storedIn(device);
    for (const { id, payload } of entries) recorded.set(id, payload);
    if (entries.length > 0) waited += 1;
    if (isAlone) await broker.start();
  }
  const last = device.start();
  await last.untilLine('"msg":"running"');
  await untilStopped(last, subscriber);
  await subscriber.close();

  const { once, duplicates } = checkOrder(numberedOf(subscriber.messages));
  const received = new Map(once.map(({ id, payload }) => [id, payload]));
  for (const [id, payload] of recorded) assert.equal(received.get(id), payload, `${id} arrived`);
  const sessions = new Set(once.map(({ session }) => session)).size;
  t.diagnostic(
    `${once.length} messages of ${sessions} sessions, ${duplicates} duplicates; ${recorded.size} were in the store at ${waited} of the kills; seed ${seed}`,
  );
  assert.ok(once.length > kills * 5, `${once.length} messages`);
  assert.ok(sessions > kills / 2);
  assert.ok(waited > kills / 4, `${waited} kills found something in the store`);
  assert.deepEqual(await storedIn(device), [], 'nothing is left after a clean stop');
});

test(`a broker that is gone for ${outageSeconds} s: no label or event is lost, and the order kept`, {
  skip,
}, async (t) => {
  await using broker = await startMosquitto();
  const subscriber = await broker.subscribeForGood('sightd/porch/#');
  const device = await createDevice(broker, 10);
  const sightd = device.start();
  await subscriber.until(({ topic }) => topic.endsWith('/label'));
  await broker.stop();
  await sightd.untilLine('no broker; going on without');
  await new Promise((resolve) => setTimeout(resolve, outageSeconds * 1000));
  const before = subscriber.messages.length;
  await broker.start();
  await subscriber.until(({ payload }) => payload.includes('"mqtt.reconnected"'));
  await untilStopped(sightd, subscriber);
  await subscriber.close();

  const { once, duplicates } = checkOrder(numberedOf(subscriber.messages));
  const labels = checkLabels(once);
  t.diagnostic(`${labels} labels, ${duplicates} duplicates`);
  assert.ok(subscriber.messages.length - before > outageSeconds * 5);
  assert.ok(labels > outageSeconds * 8, `${labels} labels`);
  const codes = once.flatMap(({ payload }) => /"code":"([^"]+)"/.exec(payload)?.[1] ?? []);
  assert.deepEqual(codes, ['daemon.started', 'mqtt.reconnected', 'daemon.stopping']);
  const gone = /"goneSeconds":([\d.]+)/.exec(once.map(({ payload }) => payload).join())?.[1];
  assert.ok(Number(gone) >= outageSeconds, `${gone} s`);
});
