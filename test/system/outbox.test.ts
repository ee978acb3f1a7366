import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../../src/base/random.ts';
import {
  eventMessageSchema,
  labelMessageSchema,
  reportedMessageSchema,
} from '../../src/contract/messages.ts';
import type { Entry } from '../../src/mqtt/outbox-entry.ts';
import { diskOf } from '../../src/mqtt/outbox-store.ts';
import { temporaryFolder } from '../support/data.ts';
import {
  type Message,
  type Mosquitto,
  type Subscriber,
  skipWithoutMosquitto,
  startMosquitto,
} from '../support/mosquitto.ts';
import { drawPicture } from '../support/pictures.ts';
import { type Sightd, startDaemon } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();

/** `npm run stress` asks for 100 kills and an outage of 60 s. */
const kills = Number(process.env['OUTBOX_KILLS'] ?? 25);
const outageSeconds = Number(process.env['OUTBOX_OUTAGE_SECONDS'] ?? 8);
const seed = Number(process.env['STRESS_SEED'] ?? 7);

type Device = { readonly stateDir: string; start(): Sightd };

/** A device that sees something else in every picture: so many changes of the label a second. */
async function createDevice(broker: Mosquitto, changesPerSecond: number): Promise<Device> {
  const folder = temporaryFolder();
  await drawPicture(join(folder, 'balloon.png'), true);
  await drawPicture(join(folder, 'none.png'), false);
  const stateDir = temporaryFolder();
  const config = {
    device: { id: 'porch' },
    camera: { source: 'replay', path: folder, loop: true, fps: changesPerSecond },
    label: { smoothing: 0, holdSeconds: 0, enter: 0.3, exit: 0.3 },
    publish: { results: false },
    mqtt: { url: broker.url, reconnectSecondsMax: 1 },
    stateDir,
  };
  return { stateDir, start: () => startDaemon(config, { SIGHTD_STATE_DIR: stateDir }) };
}

/** What a device that was killed has stored and not yet removed. */
async function storedIn({ stateDir }: Device): Promise<readonly Entry[]> {
  const opened = await diskOf(join(stateDir, 'outbox')).open();
  assert.ok(opened.ok, opened.ok ? '' : opened.fault.message);
  assert.equal(opened.value.damage, undefined);
  await opened.value.store.close();
  return opened.value.entries;
}

type Numbered = { readonly id: number; readonly session: string; readonly payload: string };

const numbered = {
  '/label': labelMessageSchema,
  '/event': eventMessageSchema,
  '/config/reported': reportedMessageSchema,
};

function numberedOf(messages: readonly Message[]): Numbered[] {
  return messages.flatMap(({ topic, payload }) => {
    const schema = Object.entries(numbered).find(([name]) => topic.endsWith(name))?.[1];
    if (schema === undefined) return [];
    const { id, session } = schema.parse(JSON.parse(payload));
    return [{ id, session, payload }];
  });
}

/** Holds what came against the promise; returns each message once, in order. */
function checkOrder(received: readonly Numbered[]): { once: Numbered[]; duplicates: number } {
  const seen = new Map<number, Numbered>();
  let highest = 0;
  for (const message of received) {
    const before = seen.get(message.id);
    if (before === undefined) {
      assert.ok(message.id > highest, `${message.id} comes for the first time after ${highest}`);
      highest = message.id;
      seen.set(message.id, message);
    } else {
      assert.equal(message.payload, before.payload, 'a duplicate says the same');
    }
  }
  const once = [...seen.values()];
  for (const [at, { id, session }] of once.entries()) {
    const next = once[at + 1];
    if (next?.session === session) assert.equal(next.id, id + 1, 'no gap within a session');
  }
  return { once, duplicates: received.length - once.length };
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
  const labels = once.filter(({ payload }) => payload.includes('"previous"'));
  t.diagnostic(`${labels.length} labels, ${duplicates} duplicates`);
  assert.ok(subscriber.messages.length - before > outageSeconds * 5);
  assert.ok(labels.length > outageSeconds * 8, `${labels.length} labels`);
  const sequences = labels.map(({ payload }) => labelMessageSchema.parse(JSON.parse(payload)));
  for (const [at, { previous }] of sequences.entries()) {
    if (at > 0)
      assert.equal(previous, sequences[at - 1]?.label, 'each change follows the one before');
  }
  const codes = once.flatMap(({ payload }) => /"code":"([^"]+)"/.exec(payload)?.[1] ?? []);
  assert.deepEqual(codes, ['daemon.started', 'mqtt.reconnected', 'daemon.stopping']);
  const gone = /"goneSeconds":([\d.]+)/.exec(once.map(({ payload }) => payload).join())?.[1];
  assert.ok(Number(gone) >= outageSeconds, `${gone} s`);
});
