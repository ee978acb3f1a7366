import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../../src/base/fault.ts';
import { createSubscriptions, type Incoming } from '../../../src/mqtt/subscriptions.ts';

type Done = (error?: Error | null) => void;

function createClient() {
  const said: string[] = [];
  const done: Done[] = [];
  const client = {
    subscribe: (topic: string, { qos, rap }: { qos: 1; rap?: boolean }, told: Done) => {
      said.push(`+${topic} ${qos}${rap === true ? ' as published' : ''}`);
      done.push(told);
    },
    unsubscribe: (topic: string) => said.push(`-${topic}`),
  };
  return { client, said, done };
}

const message = (topic: string): Incoming => ({
  topic,
  payload: new Uint8Array(),
  retained: false,
  properties: {},
});

test('what a listener returns is handed on, for who reads to wait for', () => {
  const subscriptions = createSubscriptions(() => {});
  const held = Promise.resolve();
  using _one = subscriptions.subscribe('desired', () => held);
  assert.equal(subscriptions.receive(message('desired')), held);
  assert.equal(subscriptions.receive(message('another')), undefined);
});

test('a topic is asked for on every connection, and given up with its disposal', () => {
  const subscriptions = createSubscriptions(() => {});
  const desired = subscriptions.subscribe('desired', () => {});
  const [first, second] = [createClient(), createClient()];
  subscriptions.attach(first.client);
  subscriptions.subscribe('command', () => {}, 'published');
  subscriptions.detach();
  subscriptions.attach(second.client);
  desired[Symbol.dispose]();
  desired[Symbol.dispose]();
  assert.deepEqual(first.said, ['+desired 1', '+command 1 as published']);
  assert.deepEqual(second.said, ['+desired 1', '+command 1 as published', '-desired']);
});

test('a message goes to its topic and to nobody else, and to nobody after the disposal', () => {
  const subscriptions = createSubscriptions(() => {});
  const heard: string[] = [];
  const one = subscriptions.subscribe('one', ({ topic }) => heard.push(topic));
  subscriptions.subscribe('other', ({ topic }) => heard.push(topic));
  for (const topic of ['one', 'other', 'stranger']) subscriptions.receive(message(topic));
  one[Symbol.dispose]();
  subscriptions.receive(message('one'));
  assert.deepEqual(heard, ['one', 'other']);
});

test('an old disposal does not end a new subscription', () => {
  const subscriptions = createSubscriptions(() => {});
  const { client, said } = createClient();
  subscriptions.attach(client);
  const old = subscriptions.subscribe('a', () => {});
  old[Symbol.dispose]();
  subscriptions.subscribe('a', () => {});
  old[Symbol.dispose]();
  assert.deepEqual(said, ['+a 1', '-a', '+a 1']);
});

test('a refusal is said, but not one of a connection that is gone', () => {
  const faults: Fault[] = [];
  const subscriptions = createSubscriptions((reason) => faults.push(reason));
  const { client, done } = createClient();
  subscriptions.attach(client);
  subscriptions.subscribe('desired', () => {});
  // The package's error for a SUBACK has that packet.
  done[0]?.(Object.assign(new Error('Not authorized'), { packet: { granted: [135] } }));
  done[0]?.(new Error('Connection closed'));
  subscriptions.detach();
  done[0]?.(new Error('Connection closed'));
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['mqtt.subscription-refused'],
  );
});

test('wildcards, an empty topic, a second listener and very many topics are mistakes', () => {
  const subscriptions = createSubscriptions(() => {});
  for (const topic of ['a/#', 'a/+/b', '']) {
    assert.throws(() => subscriptions.subscribe(topic, () => {}), topic);
  }
  for (let at = 0; at < 64; at += 1) subscriptions.subscribe(`${at}`, () => {});
  assert.throws(() => subscriptions.subscribe('0', () => {}));
  assert.throws(() => subscriptions.subscribe('64', () => {}));
});
