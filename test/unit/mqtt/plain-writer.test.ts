import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPlainWriter } from '../../../src/mqtt/plain-writer.ts';
import { publishPacketOf } from '../../../src/mqtt/publish-packet.ts';
import type { PublishOptions, Sender } from '../../../src/mqtt/sender.ts';

/** A connection whose socket takes what is written only when `release` is called. */
function createConnection(highWaterMark: number) {
  const written: Buffer[][] = [];
  let release = (): void => {};
  const stream = new Writable({
    highWaterMark,
    writev: (chunks, done) => {
      written.push(chunks.map(({ chunk }) => chunk as Buffer));
      release = done;
    },
  });
  const left: string[] = [];
  const client: Sender = { publish: (topic) => left.push(topic) };
  const connection = { isOpen: true };
  const writer = createPlainWriter(client, 5, () => (connection.isOpen ? stream : undefined));
  return { writer, written, left, connection, release: () => release() };
}

const plain = { qos: 0, properties: { messageExpiryInterval: 10 } } as const;
const packetOf = (topic: string) => publishPacketOf({ topic, payload: '{}', expirySeconds: 10 }, 5);
const ignore = (): void => {};

test('what is published in one turn of the event loop is written at once, in order', async () => {
  const { writer, written, left, release } = createConnection(65_536);
  for (const topic of ['a', 'b', 'c']) writer.publish(topic, '{}', plain, ignore);
  assert.deepEqual(written, []);
  await setImmediate();
  assert.deepEqual(written, [['a', 'b', 'c'].map(packetOf)]);
  release();
  writer.publish('d', '{}', plain, ignore);
  await setImmediate();
  assert.deepEqual(written[1], [packetOf('d')]);
  assert.deepEqual(left, []);
});

test('all but plain messages are left to the client', () => {
  const { writer, written, left, connection } = createConnection(65_536);
  const others: readonly PublishOptions[] = [
    { qos: 1 },
    { qos: 0, retain: true },
    { qos: 0, properties: { userProperties: { a: 'b' } } },
    { qos: 0, properties: { correlationData: Buffer.from('x') } },
  ];
  for (const options of others) writer.publish('other', '{}', options, ignore);
  writer.publish('bytes', Buffer.from('{}'), plain, ignore);
  connection.isOpen = false;
  writer.publish('closed', '{}', plain, ignore);
  assert.deepEqual(left, ['other', 'other', 'other', 'other', 'bytes', 'closed']);
  assert.deepEqual(written, []);
});

test('a message is done at once while the socket keeps up, and else when it does again', async () => {
  const { writer, release } = createConnection(30);
  const done: string[] = [];
  for (const topic of ['a', 'b', 'c']) writer.publish(topic, '{}', plain, () => done.push(topic));
  // Each packet is 13 bytes: the third one fills the buffer.
  assert.deepEqual(done, ['a', 'b']);
  await setImmediate();
  release();
  await setImmediate();
  assert.deepEqual(done, ['a', 'b', 'c']);
});
