import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createPacedSender,
  packetBytesOf,
  Refusal,
  type Sender,
  unlimited,
} from '../../../src/mqtt/sender.ts';

type Done = (error?: Error | null) => void;

function createClient() {
  const sent: { topic: string; done: Done }[] = [];
  const client: Sender = {
    publish: (topic, _payload, _options, done) => sent.push({ topic, done }),
  };
  return { client, sent, topics: () => sent.map(({ topic }) => topic) };
}

const once = { qos: 1 } as const;
const ignore: Done = () => {};

test('no more messages are under way than the broker takes, and the rest follow in order', () => {
  const { client, sent, topics } = createClient();
  const sender = createPacedSender(client, { ...unlimited, receiveMaximum: 2 });
  for (const topic of ['a', 'b', 'c', 'd']) sender.publish(topic, '', once, ignore);
  assert.deepEqual(topics(), ['a', 'b']);
  sent[1]?.done();
  assert.deepEqual(topics(), ['a', 'b', 'c']);
  sent[0]?.done();
  assert.deepEqual(topics(), ['a', 'b', 'c', 'd']);
});

test('a broker that allows many is still given no more than 256 at a time', () => {
  const { client, sent } = createClient();
  const sender = createPacedSender(client, unlimited);
  for (let at = 0; at < 300; at += 1) sender.publish('a', '', once, ignore);
  assert.equal(sent.length, 256);
});

test('messages that are not acknowledged do not wait for those that are', () => {
  const { client, topics } = createClient();
  const sender = createPacedSender(client, { ...unlimited, receiveMaximum: 1 });
  sender.publish('a', '', once, ignore);
  sender.publish('b', '', once, ignore);
  sender.publish('result', '', { qos: 0 }, ignore);
  assert.deepEqual(topics(), ['a', 'result']);
});

test('a refusal of the broker is told as one and makes room; an end of the connection does not', () => {
  const { client, sent, topics } = createClient();
  const sender = createPacedSender(client, { ...unlimited, receiveMaximum: 1 });
  const errors: unknown[] = [];
  for (const topic of ['a', 'b', 'c'])
    sender.publish(topic, '', once, (error) => errors.push(error));
  sent[0]?.done(Object.assign(new Error('Not authorized'), { code: 0x87 }));
  assert.ok(errors[0] instanceof Refusal);
  assert.equal(errors[0].fault.code, 'mqtt.message-refused');
  assert.match(errors[0].fault.message, /published to a: Not authorized/);
  assert.deepEqual(topics(), ['a', 'b']);
  sent[1]?.done(new Error('Connection closed'));
  assert.ok(!(errors[1] instanceof Refusal));
  assert.deepEqual(topics(), ['a', 'b']);
});

test('a packet as large as the broker takes is sent, and one byte more is refused', () => {
  const { client, topics } = createClient();
  const bytes = packetBytesOf('t', 'x'.repeat(100), once);
  const errors: unknown[] = [];
  const sender = createPacedSender(client, { ...unlimited, packetBytesMax: bytes });
  sender.publish('t', 'x'.repeat(100), once, ignore);
  sender.publish('t', 'x'.repeat(101), once, (error) => errors.push(error));
  sender.publish('t', Buffer.alloc(101), { qos: 0 }, (error) => errors.push(error));
  assert.deepEqual(topics(), ['t']);
  assert.equal(errors.length, 2);
  for (const error of errors) {
    assert.ok(error instanceof Refusal && error.fault.code === 'mqtt.message-too-large');
  }
});

test('the size of a packet is that of MQTT 5, bytes and not characters', () => {
  // Fixed header 2, topic 2 + 1, packet identifier 2, properties 1, payload.
  assert.equal(packetBytesOf('t', 'abc', once), 2 + 3 + 2 + 1 + 3);
  assert.equal(packetBytesOf('t', 'ü€', once), 2 + 3 + 2 + 1 + 5);
  // Expiry is 5 bytes; a user property 1 + 2 + name + 2 + value.
  const properties = { messageExpiryInterval: 9, userProperties: { ab: 'c' } };
  assert.equal(packetBytesOf('t', '', { qos: 1, properties }), 2 + 3 + 2 + 1 + 5 + 8);
  assert.equal(packetBytesOf('t', 'x'.repeat(200), once), 3 + 3 + 2 + 1 + 200);
  // Correlation data are 1 + 2 + their bytes.
  const correlated = { correlationData: Buffer.alloc(4) };
  assert.equal(packetBytesOf('t', '', { qos: 1, properties: correlated }), 2 + 3 + 2 + 1 + 7);
});
