import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { backoff } from '../../src/base/backoff.ts';
import { failure, fault } from '../../src/base/fault.ts';
import { createRandom } from '../../src/base/random.ts';
import { type Clock, micros } from '../../src/base/time.ts';
import { defaultBackoff } from '../../src/mqtt/connection.ts';
import type { LinkOptions } from '../../src/mqtt/link.ts';
import type { Delivery } from '../../src/mqtt/outgoing.ts';
import type { Incoming } from '../../src/mqtt/subscriptions.ts';
import { isOnline, openTestLink } from '../support/link.ts';
import {
  freePort,
  skipWithoutMosquitto,
  startMosquitto,
  startSubscriber,
} from '../support/mosquitto.ts';

const skip = skipWithoutMosquitto();
const never = new AbortController().signal;

const event = (number: number, payload = `${number}`): Delivery => ({
  topic: 'test/event',
  payload,
  retain: false,
  expirySeconds: 60,
  userProperties: { number: `${number}` },
});

/** A clock whose sleeps are over at once, and that ends the sleeping after `minutes`. */
function createFastClock(seconds: number) {
  let now = 0;
  const sleeps: number[] = [];
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const clock: Clock = {
    now: () => micros(now),
    sleep: async (duration, signal) => {
      sleeps.push(duration);
      now += duration * 1000;
      if (now < seconds * 1_000_000) return;
      end();
      await new Promise<void>((resolve) => {
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  };
  return { clock, sleeps, ended };
}

const unhurried = (clock: Clock): Partial<LinkOptions> => ({
  clock,
  random: createRandom(7),
  backoff: defaultBackoff(60),
});

test('a broker that is gone for a minute sees at most ten attempts', async () => {
  const { clock, ended } = createFastClock(60);
  await using one = openTestLink(`mqtt://127.0.0.1:${await freePort()}`, unhurried(clock));
  await ended;
  const attempts = one.states.filter(({ kind }) => kind === 'connecting').length;
  assert.ok(attempts >= 3 && attempts <= 10, `${attempts} attempts`);
  for (const state of one.states) {
    if (state.kind === 'waiting') assert.equal(state.fault.code, 'mqtt.unreachable');
  }
});

test('of a thousand devices whose broker is gone for a minute, 99 % try at most ten times', () => {
  const attemptsOf = (seed: number): number => {
    const random = createRandom(seed);
    let waited = 0;
    let attempts = 1;
    for (;;) {
      waited += backoff(defaultBackoff(60), attempts - 1, random);
      if (waited >= 60_000) return attempts;
      attempts += 1;
    }
  };
  const attempts = Array.from({ length: 1000 }, (_, seed) => attemptsOf(seed));
  const many = attempts.filter((count) => count > 10).length;
  assert.ok(many <= 10, `${many} of 1000`);
});

/** A broker that takes every connection with this answer to CONNECT, and drops it. */
async function startDropping(answer: readonly number[]) {
  const connects: number[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      // Behind the fixed header and the protocol's name stands the version (MQTT 5 3.1.2.2).
      connects.push(bytes[bytes.indexOf('MQTT') + 4] ?? 0);
      if (answer.length === 0) socket.destroy();
      else socket.end(Buffer.from(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return { url: `mqtt://127.0.0.1:${port}`, connects, [Symbol.asyncDispose]: close };
}

test('a broker that takes every connection and drops it is left alone as one that is gone', async () => {
  await using broker = await startDropping([0x20, 3, 0, 0, 0]);
  const { clock, ended, sleeps } = createFastClock(60);
  await using one = openTestLink(broker.url, { ...unhurried(clock), protocol: 5 });
  await ended;
  assert.ok(one.states.some(isOnline), 'it was online');
  assert.ok(sleeps.length <= 10, `${sleeps.length} attempts`);
  assert.ok(Math.max(...sleeps) > 8000, `the waits grow: ${sleeps}`);
});

test('a broker that closes without an answer is tried in both versions, 5 first', async () => {
  await using broker = await startDropping([]);
  const { clock, ended } = createFastClock(60);
  await using one = openTestLink(broker.url, unhurried(clock));
  await ended;
  const { connects } = broker;
  assert.ok(connects.length >= 4 && connects.length <= 10);
  assert.deepEqual(
    connects,
    connects.map((_, at) => (at % 2 === 0 ? 5 : 4)),
  );
  assert.ok(!one.states.some(isOnline));
});

test('a version that was refused is not spoken again', async () => {
  await using broker = await startDropping([0x20, 2, 0, 1]);
  const { clock, ended } = createFastClock(60);
  await using _one = openTestLink(broker.url, unhurried(clock));
  await ended;
  assert.deepEqual(broker.connects.slice(0, 4), [5, 4, 4, 4]);
});

test('a broker may have an IPv6 address, below a WebSocket too', async () => {
  for (const scheme of ['mqtt', 'mqtts', 'ws', 'wss']) {
    await using one = openTestLink(`${scheme}://[::1]:1/mqtt`);
    const state = await one.until(({ kind }) => kind === 'waiting');
    assert.ok(state.kind === 'waiting');
    assert.match(state.fault.message, /(ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT|ENETUNREACH)/);
  }
});

test('a file that cannot be read any more is waited for like a broker', async () => {
  const reason = fault('mqtt.credentials', 'mqtt.ca: cannot read ca.pem', 'Check the path.');
  const { clock, ended } = createFastClock(60);
  await using one = openTestLink('mqtt://127.0.0.1:1', {
    ...unhurried(clock),
    credentials: () => failure(reason),
  });
  await ended;
  const waiting = one.states.find((state) => state.kind === 'waiting');
  assert.deepEqual(waiting?.fault, reason);
});

test('deliveries keep the limits that the broker has set, and all of them arrive in order', {
  skip,
}, async () => {
  await using broker = await startMosquitto(
    'allow_anonymous true\nmax_inflight_messages 3\nmax_packet_size 2000\n',
  );
  await using one = openTestLink(broker.url);
  await one.until(isOnline);
  const subscriber = startSubscriber(broker.port, ['-V', '311', '-t', 'test/#']);
  await subscriber.until(({ topic }) => topic === 'test/status');
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, at) => one.link.deliver(event(at), never)),
  );
  assert.ok(outcomes.every((outcome) => outcome === 'acknowledged'));
  assert.equal(await one.link.deliver(event(200, 'x'.repeat(3000)), never), 'refused');
  assert.equal(await one.link.deliver(event(201, 'y'.repeat(3000)), never), 'refused');
  assert.deepEqual(
    one.refused.map(({ code }) => code),
    ['mqtt.message-too-large'],
    'said once',
  );
  assert.match(one.refused[0]?.message ?? '', /3\d\d\d bytes to test\/event .* 2000 at most/);
  assert.equal(await one.link.deliver(event(202), never), 'acknowledged');
  await subscriber.until(({ payload }) => payload === '202');
  await subscriber.close();
  const numbers = subscriber.messages.filter(({ topic }) => topic === 'test/event');
  assert.deepEqual(
    numbers.map(({ payload }) => payload),
    [...Array.from({ length: 200 }, (_, at) => `${at}`), '202'],
  );
  assert.equal(one.states.filter(isOnline).length, 1, 'the connection was kept');
});

test('expiry and user properties reach a subscriber that speaks MQTT 5', { skip }, async () => {
  await using broker = await startMosquitto();
  await using one = openTestLink(broker.url);
  assert.equal((await one.until(isOnline)).kind, 'online');
  const subscriber = startSubscriber(broker.port, [
    ...['-V', '5', '-t', 'test/event', '-t', 'test/result', '-t', 'test/status'],
    ...['-F', '%t expiry=%E %P %p'],
  ]);
  await subscriber.until(({ topic }) => topic === 'test/status');
  await one.link.deliver(event(7), never);
  one.link.send('test/result', 'news');
  const delivered = await subscriber.until(({ topic }) => topic === 'test/event');
  assert.match(delivered.payload, /^expiry=(60|59) number:7 7$/);
  const sent = await subscriber.until(({ topic }) => topic === 'test/result');
  assert.match(sent.payload, /^expiry=(10|9) {1,2}news$/);
  await subscriber.close();
});

test('a delivery is lost with its connection, and without one at once', { skip }, async () => {
  await using broker = await startMosquitto();
  await using one = openTestLink(broker.url);
  await one.until(isOnline);
  const deliveries = Array.from({ length: 500 }, (_, at) => one.link.deliver(event(at), never));
  await broker.kill();
  const outcomes = await Promise.all(deliveries);
  assert.ok(outcomes.every((outcome) => outcome === 'acknowledged' || outcome === 'lost'));
  await one.until((state) => state.kind === 'waiting');
  assert.equal(await one.link.deliver(event(500), never), 'lost');
});

test('a subscription outlives its connection, tells retained from new, and ends when disposed of', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using one = openTestLink(broker.url);
  await using other = openTestLink(broker.url, {
    will: { topic: 'other/status', payload: 'offline' },
    birth: { topic: 'other/status', payload: 'online' },
  });
  const messages: Incoming[] = [];
  const arrived = async (count: number): Promise<void> => {
    while (messages.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const subscription = one.link.subscribe('test/desired', (message) => messages.push(message));
  await Promise.all([one.until(isOnline), other.until(isOnline)]);
  const desired = { ...event(1, '{"version":1}'), topic: 'test/desired', retain: true };
  const say = (payload: string) => other.link.deliver({ ...desired, payload }, never);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await say('first');
  await arrived(1);
  await broker.kill();
  const states = one.states.length;
  await broker.start();
  await Promise.all([one.until(isOnline, states), other.until(isOnline)]);
  await other.until(isOnline, 2);
  while ((await say('second')) !== 'acknowledged') await new Promise((go) => setTimeout(go, 50));
  await arrived(2);
  subscription[Symbol.dispose]();
  // A new subscription gets what the broker has kept.
  using _again = one.link.subscribe('test/desired', (message) => messages.push(message));
  await arrived(3);
  assert.deepEqual(
    messages.map(({ payload, retained }) => [Buffer.from(payload).toString(), retained]),
    [
      ['first', false],
      ['second', false],
      ['second', true],
    ],
  );
  assert.deepEqual(messages[0]?.properties.userProperties, { number: '1' });
});

test('a listener that is not ready holds back what follows, and the connection lives', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using one = openTestLink(broker.url);
  await using other = openTestLink(broker.url, {
    will: { topic: 'other/status', payload: 'offline' },
    birth: { topic: 'other/status', payload: 'online' },
  });
  await Promise.all([one.until(isOnline), other.until(isOnline)]);
  const seen: string[] = [];
  let release = (): void => {};
  let arrived = (): void => {};
  const first = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const last = new Promise<void>((resolve) => {
    one.link.subscribe('test/command', ({ payload }) => {
      seen.push(Buffer.from(payload).toString());
      if (seen.length === 3) resolve();
      if (seen.length > 1) return undefined;
      arrived();
      return new Promise<void>((ready) => {
        release = ready;
      });
    });
  });
  // The same connection: its answer comes after the subscription is there.
  assert.equal(await one.link.deliver(event(0), never), 'acknowledged');
  const say = (at: number) =>
    other.link.deliver({ ...event(at), topic: 'test/command', retain: false }, never);
  assert.deepEqual(await Promise.all([say(1), say(2), say(3)]), Array(3).fill('acknowledged'));
  await first;
  const written = { ...event(4), qos: 0, correlationData: Buffer.from('x') } as const;
  assert.equal(await one.link.publish(written, never), 'acknowledged', 'writing goes on');
  assert.deepEqual(seen, ['1']);
  release();
  await last;
  assert.deepEqual(seen, ['1', '2', '3']);
  assert.equal(one.states.filter(isOnline).length, 1);
});
