import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { type Fault, success } from '../../src/base/fault.ts';
import { createRandom } from '../../src/base/random.ts';
import { millis, systemClock } from '../../src/base/time.ts';
import { openBroker } from '../../src/mqtt/broker.ts';
import type { LinkState } from '../../src/mqtt/connection.ts';
import { openListener } from '../../src/mqtt/listener.ts';
import type { Incoming } from '../../src/mqtt/subscriptions.ts';
import { openTestLink } from '../support/link.ts';
import { freePort, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';

const skip = skipWithoutMosquitto();

function openTestListener(url: string, filters: readonly string[]) {
  const states: LinkState[] = [];
  const heard: Incoming[] = [];
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const resume of waiting) resume();
    waiting = [];
  };
  const unreached: Fault[] = [];
  const listener = openListener({
    url,
    clientId: `sightd-watch-test-${process.pid}`,
    protocol: 'auto',
    credentials: () =>
      success({
        username: undefined,
        password: undefined,
        tls: { ca: undefined, cert: undefined, key: undefined },
      }),
    keepaliveSeconds: 20,
    backoff: { first: millis(50), cap: millis(200) },
    clock: systemClock,
    wallNow: Date.now,
    random: createRandom(1),
    filters,
    onState: (state) => {
      states.push(state);
      wake();
    },
    onIncoming: (message) => {
      heard.push(message);
      wake();
    },
    onUnreached: (reason) => {
      unreached.push(reason);
      wake();
    },
    onRefused: () => {},
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const close = (): Promise<void> => listener.close();
  return { states, heard, unreached, until, [Symbol.asyncDispose]: close };
}

test('a listener hears what fits its filters, retained or not, and again after an outage', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using speaker = openTestLink(broker.url);
  speaker.link.retain('base/one/label', 'kept');
  await speaker.link.untilOnline(AbortSignal.timeout(20_000));
  await using listener = openTestListener(broker.url, ['base/+/label', 'base/+/event']);
  await listener.until(() => listener.heard.length === 1);
  assert.equal(listener.heard[0]?.retained, true);
  speaker.link.retain('base/two/label', 'news');
  await listener.until(() => listener.heard.length === 2);
  assert.deepEqual(
    listener.heard.map(({ topic, retained }) => [topic, retained]),
    [
      ['base/one/label', true],
      ['base/two/label', false],
    ],
  );
  await broker.stop();
  await listener.until(() => listener.states.at(-1)?.kind === 'waiting');
  await broker.start();
  await listener.until(() => listener.heard.filter(({ retained }) => retained).length >= 3);
  assert.deepEqual(listener.unreached, []);
});

test('a broker that is not there at first is not waited for', async () => {
  await using listener = openTestListener(`mqtt://127.0.0.1:${await freePort()}`, ['a']);
  await listener.until(() => listener.unreached.length > 0);
  assert.deepEqual(
    listener.states.map(({ kind }) => kind),
    ['connecting', 'closed'],
  );
  assert.equal(listener.unreached[0]?.code, 'mqtt.unreachable');
  assert.doesNotMatch(listener.unreached[0]?.mend ?? '', /keeps trying/);
});

test('a broker that speaks 3.1.1 only is reached in the first attempt', async () => {
  const broker = await openBroker({ port: 0, webSocketPort: 0 });
  assert.ok(broker.ok);
  await using _broker = broker.value;
  await using listener = openTestListener(`mqtt://127.0.0.1:${broker.value.port}`, ['a']);
  await listener.until(() => listener.states.some(({ kind }) => kind === 'online'));
  assert.deepEqual(listener.unreached, []);
});

test('a broker that only closes is tried in both versions, and then no more', async () => {
  const versions: number[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      versions.push(bytes[bytes.indexOf('MQTT') + 4] ?? 0);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using listener = openTestListener(`mqtt://127.0.0.1:${port}`, ['a']);
  await listener.until(() => listener.unreached.length > 0);
  assert.deepEqual(versions, [5, 4]);
  await new Promise((resolve) => server.close(resolve));
});
