import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicsOf } from '../../../src/contract/contract.ts';
import { addressOf } from '../../../src/daemon/response-address.ts';

const topics = topicsOf('home/eyes', 'porch');
const own = 'home/eyes/porch/response/doctor';

test('without a response topic the answer goes to the own one, with the correlation data', () => {
  assert.deepEqual(addressOf({}, topics, 'doctor'), {
    address: { topic: own, correlationData: undefined },
    fault: undefined,
  });
  const correlationData = Buffer.from([0, 1, 255]);
  assert.deepEqual(addressOf({ correlationData }, topics, 'doctor').address, {
    topic: own,
    correlationData,
  });
});

for (const responseTopic of [
  'answers',
  'a/b/c',
  'home/eyes',
  'home/eyes/porch',
  'home/eyes/hall/answers',
  'home/eyes/porch/response/anything/at/all',
  'homeassistant/answers',
  'x'.repeat(1024),
]) {
  test(`the answer goes to ${responseTopic.slice(0, 40)}`, () => {
    const addressed = addressOf({ responseTopic }, topics, 'doctor');
    assert.equal(addressed.fault, undefined);
    assert.equal(addressed.address.topic, responseTopic);
  });
}

for (const [responseTopic, says] of [
  ['', /empty/],
  ['a/#', /wildcard/],
  ['a/+/b', /wildcard/],
  ['a\0b', /control/],
  ['a\nb', /control/],
  ['$SYS/broker', /\$/],
  ['$CONTROL/dynamic-security/v1', /\$/],
  ['é'.repeat(513), /1024 bytes/],
  ['home/eyes/porch/config/desired', /topic of a device/],
  ['home/eyes/porch/command/purge', /topic of a device/],
  ['home/eyes/porch/status', /topic of a device/],
  ['home/eyes/porch/label', /topic of a device/],
  ['home/eyes/porch/responses', undefined],
  ['home/eyes/hall/config/desired', /topic of a device/],
  ['home/eyes/hall/command/restart', /topic of a device/],
  ['home/eyes/hall/response/doctor', /topic of a device/],
] as const) {
  test(`an answer ${says === undefined ? 'may' : 'may not'} go to ${JSON.stringify(responseTopic).slice(0, 40)}`, () => {
    const correlationData = Buffer.from('x');
    const { address, fault } = addressOf({ responseTopic, correlationData }, topics, 'doctor');
    if (says === undefined) {
      assert.equal(fault, undefined);
      return;
    }
    assert.equal(fault?.code, 'command.response-topic');
    assert.match(fault.message, says);
    assert.deepEqual(address, { topic: own, correlationData });
  });
}

test('long correlation data is refused, and not sent back', () => {
  const longest = addressOf({ correlationData: Buffer.alloc(1024) }, topics, 'doctor');
  assert.equal(longest.fault, undefined);
  const long = { correlationData: Buffer.alloc(1025), responseTopic: 'answers' };
  const { address, fault } = addressOf(long, topics, 'doctor');
  assert.equal(fault?.code, 'command.too-large');
  assert.deepEqual(address, { topic: own, correlationData: undefined });
});
