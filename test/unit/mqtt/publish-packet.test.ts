import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlainMessage, publishPacketOf } from '../../../src/mqtt/publish-packet.ts';
import { packetBytesOf } from '../../../src/mqtt/sender.ts';

const message = (payload: string, expirySeconds?: number): PlainMessage => ({
  topic: 'a/b',
  payload,
  expirySeconds,
});

test('a message of MQTT 3.1.1 is its topic and its payload, and never expires', () => {
  const bytes = [0x30, 7, 0, 3, ...Buffer.from('a/b'), ...Buffer.from('hi')];
  assert.deepEqual([...publishPacketOf(message('hi'), '3.1.1')], bytes);
  assert.deepEqual([...publishPacketOf(message('hi', 10), '3.1.1')], bytes);
});

test('a message of MQTT 5 has properties, if only none', () => {
  const topic = [0, 3, ...Buffer.from('a/b')];
  assert.deepEqual(
    [...publishPacketOf(message('hi'), 5)],
    [0x30, 8, ...topic, 0, ...Buffer.from('hi')],
  );
  assert.deepEqual(
    [...publishPacketOf(message('hi', 0x01020304), 5)],
    [0x30, 13, ...topic, 5, 2, 1, 2, 3, 4, ...Buffer.from('hi')],
  );
});

test('lengths count bytes, not characters, and take as many bytes as they need', () => {
  for (const count of [0, 120, 121, 122, 16_376, 16_377, 16_378, 2_097_144, 2_097_145, 2_097_146]) {
    const packet = publishPacketOf({ topic: 'ä', payload: 'x'.repeat(count), expirySeconds: 1 }, 5);
    const lengthBytes = packet.findIndex((byte, at) => at > 0 && byte < 128);
    let rest = 0;
    for (let at = lengthBytes; at > 0; at -= 1) rest = rest * 128 + ((packet[at] ?? 0) & 127);
    assert.equal(packet.length, 1 + lengthBytes + rest, `${count} characters`);
    assert.equal(packet.readUInt16BE(1 + lengthBytes), 2);
    assert.equal(packet.toString('utf8', packet.length - count), 'x'.repeat(count));
  }
});

test('a packet is no larger than it is held to be, and hardly smaller', () => {
  const properties = { messageExpiryInterval: 10 };
  const packet = publishPacketOf({ topic: 'a/ü', payload: '"é"', expirySeconds: 10 }, 5);
  const spare = packetBytesOf('a/ü', '"é"', { qos: 0, properties }) - packet.length;
  assert.ok(spare >= 0 && spare <= 2, `${spare} bytes`);
});
