import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import '../../../src/mqtt/connection.ts';

test('the mqtt package makes no buffers of all numbers with its first packet', () => {
  const require = createRequire(import.meta.resolve('mqtt'));
  const { cache } = require('mqtt-packet/numbers') as { cache: Record<number, Buffer> };
  const packets = require('mqtt-packet') as {
    writeToStream(packet: object, stream: PassThrough): boolean;
    generate(packet: object): Buffer;
  };
  const packet = { cmd: 'subscribe', messageId: 4242, subscriptions: [{ topic: 'a', qos: 1 }] };
  const stream = new PassThrough();
  packets.writeToStream(packet, stream);
  // It leaves that to the next tick.
  stream.uncork();
  assert.equal(stream.read()?.toString('hex'), packets.generate(packet).toString('hex'));
  assert.deepEqual(Object.keys(cache), []);
});

test('the length of a packet, which the mqtt package keeps, is no part of a larger buffer', () => {
  const require = createRequire(import.meta.resolve('mqtt'));
  const packets = require('mqtt-packet') as {
    writeToStream(packet: object, stream: PassThrough): boolean;
  };
  for (const [payloadBytes, length] of [
    [10, '0d'],
    [300, 'af02'],
  ] as const) {
    const written: Buffer[] = [];
    const stream = new PassThrough();
    stream.write = (chunk: Buffer | string) => {
      if (typeof chunk !== 'string') written.push(chunk);
      return true;
    };
    const payload = Buffer.alloc(payloadBytes);
    packets.writeToStream({ cmd: 'publish', topic: 'a', payload, qos: 0 }, stream);
    const kept = written.find((chunk) => chunk.toString('hex') === length);
    assert.equal(kept?.buffer.byteLength, length.length / 2);
  }
});
