import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { startDelivery } from '../../../src/mqtt/delivery.ts';
import { type Outbox, openOutbox } from '../../../src/mqtt/outbox.ts';
import type { EntryKind } from '../../../src/mqtt/outbox-entry.ts';
import { createFakeDeliverer } from '../../support/fake-deliverer.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

async function start() {
  const clock = createManualClock();
  const { outbox } = await openOutbox({
    disk: undefined,
    messagesMax: 1000,
    bytesMax: 1_000_000,
    clock,
    wallNow: () => 1,
    onTrouble: () => {},
    onOverflow: () => {},
  });
  const link = createFakeDeliverer();
  const delivery = startDelivery({ outbox, deliverer: link, clock, random: createRandom(1) });
  return { clock, outbox, link, delivery, payloads: () => link.received.map((one) => one.payload) };
}

const offer = (outbox: Outbox, kind: EntryKind, count = 1): void => {
  for (let at = 0; at < count; at += 1) {
    outbox.offer(kind, kind, (id) => `${id}`, kind === 'label');
  }
};

test('messages go in order, ten at once, and are removed in order as they are acknowledged', async () => {
  const { outbox, link, payloads } = await start();
  link.connect();
  offer(outbox, 'event', 30);
  await settled();
  while (link.arrive());
  assert.equal(link.received.length, 10);
  link.acknowledge();
  await settled();
  assert.equal(outbox.figures().waiting, 29);
  while (link.arrive() || link.acknowledge()) await settled();
  assert.deepEqual(
    payloads(),
    Array.from({ length: 30 }, (_, at) => `${at + 1}`),
  );
  assert.equal(outbox.figures().waiting, 0);
});

test('a label is retained and an event is not', async () => {
  const { outbox, link } = await start();
  link.connect();
  offer(outbox, 'event');
  offer(outbox, 'label');
  await settled();
  while (link.arrive());
  assert.deepEqual(
    link.received.map(({ topic, retain }) => [topic, retain]),
    [
      ['event', false],
      ['label', true],
    ],
  );
});

test('after a lost connection all that was not acknowledged is sent again, from the oldest', async () => {
  const { outbox, link, payloads } = await start();
  link.connect();
  offer(outbox, 'event', 5);
  await settled();
  for (let count = 0; count < 3; count += 1) link.arrive();
  link.acknowledge();
  await settled();
  link.cut(0);
  await settled();
  offer(outbox, 'event');
  assert.equal(link.received.length, 3);
  link.connect();
  await settled();
  while (link.arrive() || link.acknowledge()) await settled();
  assert.deepEqual(payloads(), ['1', '2', '3', '2', '3', '4', '5', '6']);
});

test('without a connection nothing is tried until there is one', async () => {
  const { outbox, link } = await start();
  let tries = 0;
  const { deliver } = link;
  link.deliver = (message, signal) => {
    tries += 1;
    return deliver(message, signal);
  };
  offer(outbox, 'event', 3);
  await settled();
  const before = tries;
  offer(outbox, 'event', 3);
  await settled();
  assert.equal(tries, before);
});

test('a broker that takes connections but no messages is asked again with growing pauses', async () => {
  const { clock, outbox, link } = await start();
  link.connect();
  let tries = 0;
  link.deliver = async () => {
    tries += 1;
    return 'lost';
  };
  offer(outbox, 'event');
  for (let tenth = 0; tenth < 600; tenth += 1) {
    await settled();
    clock.advance(100);
  }
  assert.ok(tries > 5 && tries < 40, `${tries} tries in a minute`);
});

test('after a reconnect the newest label comes again, before what is newer', async () => {
  const { outbox, link, delivery, payloads } = await start();
  link.connect();
  offer(outbox, 'label', 2);
  offer(outbox, 'event');
  await settled();
  while (link.arrive() || link.acknowledge()) await settled();
  link.cut(0);
  offer(outbox, 'label');
  await settled();
  link.connect();
  delivery.repeatRetained();
  await settled();
  while (link.arrive() || link.acknowledge()) await settled();
  assert.deepEqual(payloads(), ['1', '2', '3', '2', '4']);
});

test('what was retained and taken away is not repeated, but what came after is', async () => {
  const { outbox, link, delivery, payloads } = await start();
  const deliverAll = async (): Promise<void> => {
    await settled();
    while (link.arrive() || link.acknowledge()) await settled();
  };
  const reconnect = async (): Promise<void> => {
    link.cut(0);
    link.connect();
    delivery.repeatRetained();
    await deliverAll();
  };
  link.connect();
  offer(outbox, 'label');
  await deliverAll();
  delivery.forgetRetained();
  await reconnect();
  assert.deepEqual(payloads(), ['1']);
  offer(outbox, 'label');
  await deliverAll();
  await reconnect();
  assert.deepEqual(payloads(), ['1', '2', '2']);
});

test('emptiness is waited for, but not for longer than wanted', async () => {
  const { outbox, link, delivery } = await start();
  assert.equal(await delivery.untilEmpty(new AbortController().signal), true);
  offer(outbox, 'event', 2);
  const patience = new AbortController();
  const late = delivery.untilEmpty(patience.signal);
  patience.abort();
  assert.equal(await late, false);
  const empty = delivery.untilEmpty(new AbortController().signal);
  link.connect();
  await settled();
  while (link.arrive() || link.acknowledge()) await settled();
  assert.equal(await empty, true);
});

test('a stopped delivery sends nothing more', async () => {
  const { outbox, link, delivery } = await start();
  link.connect();
  delivery.stop();
  offer(outbox, 'event');
  await settled();
  assert.equal(link.arrive(), false);
  assert.equal(outbox.figures().waiting, 1);
});
