import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { createOutgoing, type Delivery, type Outgoing } from '../../../src/mqtt/outgoing.ts';
import { Refusal } from '../../../src/mqtt/sender.ts';

type Sent = {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly acknowledge: (error?: Error) => void;
};

/** A connection that keeps what it is given and acknowledges when told to. */
function createConnection() {
  const sent: Sent[] = [];
  const publish = (
    topic: string,
    payload: string,
    options: { qos: number; retain?: boolean },
    done: (error?: Error) => void,
  ): void => {
    sent.push({
      topic,
      payload,
      qos: options.qos,
      retain: options.retain === true,
      acknowledge: done,
    });
  };
  const client = { publish } as unknown as Parameters<Outgoing['attach']>[0];
  return {
    client,
    sent,
    of: (topic: string) => sent.filter((one) => one.topic === topic),
    payloads: () => sent.map((one) => one.payload),
    /** Acknowledges everything, also what follows from it. */
    acknowledgeAll: () => {
      for (let at = 0; at < sent.length; at += 1) sent[at]?.acknowledge();
    },
  };
}

const birth = { topic: 'status', payload: 'online' };
const never = new AbortController().signal;

function attached(offlineMessagesMax = 0) {
  const outgoing = createOutgoing(offlineMessagesMax, () => {});
  const connection = createConnection();
  outgoing.attach(connection.client, birth);
  return { outgoing, connection };
}

/** Whether a promise has settled by now, without waiting for anything else. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  return settled;
}

test('a new connection begins with the birth message, retained and acknowledged', () => {
  const { connection } = attached();
  const [first, ...others] = connection.sent;
  assert.deepEqual(
    [first?.topic, first?.payload, first?.qos, first?.retain],
    ['status', 'online', 1, true],
  );
  assert.deepEqual(others, []);
});

test('a message goes out at once, unacknowledged and not retained', () => {
  const { outgoing, connection } = attached();
  assert.equal(outgoing.send('result', 'a'), true);
  const [result] = connection.of('result');
  assert.deepEqual([result?.payload, result?.qos, result?.retain], ['a', 0, false]);
});

test('without a connection fresh messages are dropped, and that is said', () => {
  const outgoing = createOutgoing(0, () => {});
  assert.equal(outgoing.send('result', 'a'), false);
  const connection = createConnection();
  outgoing.attach(connection.client, birth);
  assert.deepEqual(connection.of('result'), []);
});

test('a connection that does not keep up is given no more than its limit', () => {
  const { outgoing, connection } = attached();
  const accepted = Array.from({ length: 100 }, (_, at) => outgoing.send('result', `${at}`));
  assert.equal(accepted.filter((was) => was).length, 64);
  assert.equal(accepted.lastIndexOf(true), 63, 'the newest are dropped');
  connection.of('result')[0]?.acknowledge();
  assert.equal(outgoing.send('result', 'next'), true);
  assert.equal(outgoing.send('result', 'too many'), false);
});

test('a lossless queue keeps so many messages and refuses those beyond', () => {
  const outgoing = createOutgoing(3, () => {});
  const accepted = ['a', 'b', 'c', 'd'].map((payload) => outgoing.send('result', payload));
  assert.deepEqual(accepted, [true, true, true, false]);
  assert.equal(outgoing.queued() > 0, true);
});

test('what was queued goes out in its order on the first connection, and only there', () => {
  const outgoing = createOutgoing(100, () => {});
  for (const payload of ['a', 'b', 'c']) outgoing.send('result', payload);
  const first = createConnection();
  outgoing.attach(first.client, birth);
  assert.deepEqual(first.payloads(), ['online', 'a', 'b', 'c']);
  assert.equal(outgoing.queued() > 0, false);
  first.acknowledgeAll();
  outgoing.detach();
  const second = createConnection();
  outgoing.attach(second.client, birth);
  assert.deepEqual(second.payloads(), ['online']);
});

test('a message never overtakes those that wait in the queue', () => {
  const outgoing = createOutgoing(1000, () => {});
  const expected = Array.from({ length: 300 }, (_, at) => `${at}`);
  for (const payload of expected.slice(0, 100)) outgoing.send('result', payload);
  const connection = createConnection();
  outgoing.attach(connection.client, birth);
  let acknowledged = 0;
  for (const payload of expected.slice(100)) {
    assert.equal(outgoing.send('result', payload), true);
    const results = connection.of('result');
    assert.ok(results.length - acknowledged <= 64, 'no more than the limit is unwritten');
    results[acknowledged]?.acknowledge();
    acknowledged += 1;
  }
  for (let at = acknowledged; at < 300; at += 1) connection.of('result')[at]?.acknowledge();
  assert.deepEqual(
    connection.of('result').map(({ payload }) => payload),
    expected,
  );
});

test('a retained topic has one publish under way, and its newest payload follows', () => {
  const { outgoing, connection } = attached();
  for (const payload of ['1', '2', '3', '4']) outgoing.retain('label', payload);
  assert.deepEqual(
    connection.of('label').map(({ payload }) => payload),
    ['1'],
  );
  connection.of('label')[0]?.acknowledge();
  assert.deepEqual(
    connection.of('label').map(({ payload }) => payload),
    ['1', '4'],
  );
  connection.of('label')[1]?.acknowledge();
  assert.equal(connection.of('label').length, 2);
});

test('one topic does not hold up another', () => {
  const { outgoing, connection } = attached();
  outgoing.retain('label', 'bird');
  outgoing.retain('health', 'ok');
  assert.deepEqual(connection.payloads(), ['online', 'bird', 'ok']);
});

test('a payload that was acknowledged is sent again when it is set again', () => {
  const { outgoing, connection } = attached();
  outgoing.retain('health', 'ok');
  connection.acknowledgeAll();
  outgoing.retain('health', 'ok');
  assert.equal(connection.of('health').length, 2);
});

test('what was retained without a connection goes out on the next one, the newest only', () => {
  const outgoing = createOutgoing(0, () => {});
  outgoing.retain('label', 'cat');
  outgoing.retain('label', 'dog');
  outgoing.retain('health', 'ok');
  const connection = createConnection();
  outgoing.attach(connection.client, birth);
  assert.deepEqual(connection.payloads().sort(), ['dog', 'ok', 'online']);
});

test('every retained topic is sent again on every connection, acknowledged before or not', () => {
  const { outgoing, connection } = attached();
  outgoing.retain('label', 'cat');
  outgoing.retain('health', 'ok');
  connection.of('label')[0]?.acknowledge();
  outgoing.detach();
  outgoing.retain('health', 'degraded');
  const next = createConnection();
  outgoing.attach(next.client, birth);
  assert.deepEqual(next.payloads().sort(), ['cat', 'degraded', 'online']);
  assert.ok(next.sent.every(({ qos, retain }) => qos === 1 && retain));
});

test('a late acknowledgement of the connection before changes nothing', async () => {
  const { outgoing, connection } = attached();
  outgoing.retain('label', 'cat');
  outgoing.send('result', 'a');
  outgoing.detach();
  const next = createConnection();
  outgoing.attach(next.client, birth);
  connection.acknowledgeAll();
  assert.equal(next.of('label').length, 1);
  const idle = outgoing.untilIdle(never);
  assert.equal(await isSettled(idle), false, 'the new connection has acknowledged nothing');
  next.acknowledgeAll();
  assert.equal(await idle, true);
});

test('a retained publish that fails waits for the next connection', () => {
  const { outgoing, connection } = attached();
  outgoing.retain('label', 'cat');
  connection.of('label')[0]?.acknowledge(new Error('connection closed'));
  assert.equal(connection.of('label').length, 1);
  outgoing.detach();
  const next = createConnection();
  outgoing.attach(next.client, birth);
  assert.equal(next.of('label')[0]?.payload, 'cat');
});

test('what was unwritten on a lost connection does not count against the next', () => {
  const { outgoing } = attached();
  for (let at = 0; at < 64; at += 1) outgoing.send('result', `${at}`);
  assert.equal(outgoing.send('result', 'too many'), false);
  outgoing.detach();
  outgoing.attach(createConnection().client, birth);
  assert.equal(outgoing.send('result', 'fresh'), true);
});

test('it is idle once everything is written and acknowledged', async () => {
  const { outgoing, connection } = attached(10);
  outgoing.send('result', 'a');
  outgoing.retain('label', 'cat');
  outgoing.retain('label', 'dog');
  const idle = outgoing.untilIdle(never);
  for (let at = 0; at < 3; at += 1) {
    assert.equal(await isSettled(idle), false, `before acknowledgement ${at + 1}`);
    connection.sent[at]?.acknowledge();
  }
  assert.equal(await isSettled(idle), false, 'the newer payload is under way');
  connection.sent[3]?.acknowledge();
  assert.equal(await idle, true);
  assert.equal(await outgoing.untilIdle(never), true);
});

test('waiting for idleness ends when the connection is lost', async () => {
  const { outgoing } = attached();
  const idle = outgoing.untilIdle(never);
  outgoing.detach();
  assert.equal(await idle, false);
  assert.equal(await outgoing.untilIdle(never), false);
});

test('waiting for idleness ends when it is aborted, before or meanwhile', async () => {
  const { outgoing } = attached();
  assert.equal(await outgoing.untilIdle(AbortSignal.abort()), false);
  const abort = new AbortController();
  const idle = outgoing.untilIdle(abort.signal);
  assert.equal(await isSettled(idle), false);
  abort.abort();
  assert.equal(await idle, false);
});

const event: Delivery = {
  topic: 'event',
  payload: new Uint8Array([104, 105]),
  retain: true,
  expirySeconds: 5,
  userProperties: {},
};
const refusal = new Refusal(fault('mqtt.message-refused', 'no', 'Ask.'));

test('a delivery goes out acknowledged, in its bytes, and is told when it has arrived', async () => {
  const { outgoing, connection } = attached();
  const delivered = outgoing.deliver(event, never);
  assert.equal(await isSettled(delivered), false);
  const [sent] = connection.of('event');
  assert.deepEqual([String(sent?.payload), sent?.qos, sent?.retain], ['hi', 1, true]);
  sent?.acknowledge();
  assert.equal(await delivered, 'acknowledged');
});

test('a delivery is lost without a connection, with its connection, or when it is given up', async () => {
  const outgoing = createOutgoing(0, () => {});
  assert.equal(await outgoing.deliver(event, never), 'lost');
  const connection = createConnection();
  outgoing.attach(connection.client, birth);
  assert.equal(await outgoing.deliver(event, AbortSignal.abort()), 'lost');
  const abort = new AbortController();
  const [given, cut] = [outgoing.deliver(event, abort.signal), outgoing.deliver(event, never)];
  abort.abort();
  assert.equal(await given, 'lost');
  assert.equal(await isSettled(cut), false);
  outgoing.detach();
  assert.equal(await cut, 'lost');
  connection.acknowledgeAll();
});

test('a delivery that the broker refuses is told and said', async () => {
  const said: unknown[] = [];
  const outgoing = createOutgoing(0, (reason) => said.push(reason));
  const connection = createConnection();
  outgoing.attach(connection.client, birth);
  const delivered = outgoing.deliver(event, never);
  connection.of('event')[0]?.acknowledge(refusal);
  assert.equal(await delivered, 'refused');
  assert.deepEqual(said, [refusal.fault]);
});

test('more deliveries than the limit are lost, not kept', async () => {
  const { outgoing } = attached();
  for (let at = 0; at < 1024; at += 1) void outgoing.deliver(event, never);
  assert.equal(await outgoing.deliver(event, never), 'lost');
});

test('a retained payload that the broker refuses holds up nobody', async () => {
  const { outgoing, connection } = attached();
  connection.acknowledgeAll();
  outgoing.retain('label', 'cat');
  connection.of('label')[0]?.acknowledge(refusal);
  assert.equal(await outgoing.untilIdle(never), true);
  assert.equal(connection.of('label').length, 1);
});

test('it is not idle while a delivery is under way', async () => {
  const { outgoing, connection } = attached();
  connection.acknowledgeAll();
  void outgoing.deliver(event, never);
  const idle = outgoing.untilIdle(never);
  assert.equal(await isSettled(idle), false);
  connection.of('event')[0]?.acknowledge();
  assert.equal(await idle, true);
});

test('a retained topic that was released is not sent again, not even what waited', async () => {
  const { outgoing, connection } = attached();
  outgoing.retain('config', 'a');
  outgoing.retain('config', 'b');
  outgoing.release('config');
  void outgoing.deliver({ ...deletion, topic: 'config' }, never);
  connection.acknowledgeAll();
  assert.deepEqual(
    connection.of('config').map(({ payload }) => payload),
    ['a', ''],
  );
  assert.ok(await outgoing.untilIdle(never));
  const next = createConnection();
  outgoing.detach();
  outgoing.attach(next.client, birth);
  assert.deepEqual(next.of('config'), []);
  outgoing.retain('config', 'c');
  assert.deepEqual(
    next.of('config').map(({ payload, retain }) => [payload, retain]),
    [['c', true]],
  );
});

const deletion: Omit<Delivery, 'topic'> = {
  payload: '',
  retain: true,
  expirySeconds: undefined,
  userProperties: {},
};
test('QoS 0 is over when it is written, and its connection or its broker may not take it', async () => {
  const { outgoing, connection } = attached();
  const picture = { ...event, qos: 0, correlationData: undefined } as const;
  const written = outgoing.publish(picture, never);
  const [sent] = connection.of('event');
  assert.equal(sent?.qos, 0);
  sent?.acknowledge();
  assert.equal(await written, 'acknowledged');
  const large = outgoing.publish(picture, never);
  connection.of('event')[1]?.acknowledge(refusal);
  assert.equal(await large, 'refused');
  const cut = outgoing.publish(picture, never);
  outgoing.detach();
  assert.equal(await cut, 'lost');
});
