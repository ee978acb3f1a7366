import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusMessageSchema } from '../../src/contract/messages.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import { type Broker, skipWithout, startNats, startRabbit } from '../support/brokers.ts';
import { isOnline, openTestLink } from '../support/link.ts';
import {
  type Message,
  skipWithoutMosquitto,
  startMosquitto,
  startSubscriber,
} from '../support/mosquitto.ts';
import { startDaemon } from '../support/sightd.ts';

const isTopic = (name: string) => (message: Message) => message.topic === `sightd/porch/${name}`;
const isStatus = (state: string) => (message: Message) =>
  isTopic('status')(message) &&
  statusMessageSchema.parse(JSON.parse(message.payload)).state === state;

type Any = AsyncDisposable & Pick<Broker, 'port' | 'url'>;

async function startAedes(): Promise<Any> {
  const broker = await openBroker({ port: 0, webSocketPort: 0 });
  assert.ok(broker.ok);
  return Object.assign(broker.value, { url: `mqtt://127.0.0.1:${broker.value.port}` });
}

/** Each with its program, and the MQTT version that `auto` finds out. */
const brokers: readonly [string, string | false, () => Promise<Any>, '5' | '3.1.1'][] = [
  ['Mosquitto', skipWithoutMosquitto(), () => startMosquitto(), '5'],
  ['aedes', skipWithoutMosquitto(), startAedes, '3.1.1'],
  ['NATS', skipWithoutMosquitto() || skipWithout('nats-server'), startNats, '3.1.1'],
  ['RabbitMQ', skipWithoutMosquitto() || skipWithout('rabbitmq-server'), startRabbit, '3.1.1'],
];

for (const [name, skip, start, protocol] of brokers) {
  test(`${name}: retained status and health for who comes late, results, and a farewell`, {
    skip,
  }, async () => {
    await using broker = await start();
    const sightd = startDaemon({
      device: { id: 'porch' },
      camera: { source: 'scene', fps: 30, width: 320, height: 240 },
      mqtt: { url: broker.url, reconnectSecondsMax: 1 },
      health: { intervalSeconds: 1 },
    });
    const online = await sightd.untilLine('connected to the broker');
    assert.equal(String(JSON.parse(online).protocol), protocol);
    // What is there already is retained; the topics are exact: not every broker keeps it for wildcards.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const topics = ['status', 'health', 'result'].flatMap((topic) => [
      '-t',
      `sightd/porch/${topic}`,
    ]);
    const subscriber = startSubscriber(broker.port, ['-V', '311', ...topics]);
    await subscriber.until(isStatus('online'));
    await subscriber.until(isTopic('health'));
    await subscriber.until(isTopic('result'));
    sightd.process.kill('SIGTERM');
    assert.deepEqual(await sightd.exited, { code: 0, signal: null });
    await subscriber.until(isStatus('stopped'));
    await subscriber.close();
    const late = startSubscriber(broker.port, ['-V', '311', '-t', 'sightd/porch/status']);
    await late.until(isStatus('stopped'));
    await late.close();
    assert.equal(late.messages.length, 1, 'one retained message a topic');
    await talksBothWays(broker);
  });
}

/** What config and commands come by: a retained message for who asks later, then news. */
async function talksBothWays(broker: Any): Promise<void> {
  await using one = openTestLink(broker.url);
  await one.until(isOnline);
  const never = new AbortController().signal;
  const say = (payload: string, retain: boolean) =>
    one.link.deliver(
      { topic: 'test/desired', payload, retain, expirySeconds: undefined, userProperties: {} },
      never,
    );
  assert.equal(await say('kept', true), 'acknowledged');
  const messages: (readonly [string, boolean])[] = [];
  let heard = (): void => {};
  using _subscription = one.link.subscribe('test/desired', ({ payload, retained }) => {
    messages.push([Buffer.from(payload).toString(), retained]);
    heard();
  });
  const hears = async (count: number): Promise<void> => {
    while (messages.length < count) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  await hears(1);
  assert.equal(await say('news', false), 'acknowledged');
  await hears(2);
  assert.deepEqual(messages, [
    ['kept', true],
    ['news', false],
  ]);
}
