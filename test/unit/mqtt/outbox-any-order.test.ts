import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { type Delivery, startDelivery } from '../../../src/mqtt/delivery.ts';
import { type Outbox, openOutbox } from '../../../src/mqtt/outbox.ts';
import { createFakeDeliverer } from '../../support/fake-deliverer.ts';
import { createFakeDisk } from '../../support/fake-disk.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

/*
 * Outbox and delivery with a disk and a broker that do one step at a time, in whatever order a seed
 * says: messages recorded, commits done, messages arriving, acknowledgements, lost connections,
 * crashes, power cuts and restarts.
 */

const seeds = 150;
const stepsMax = 250;

test('every recorded message arrives, in order, duplicates with the same id', async () => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      await run(createRandom(seed));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

async function run(random: Random): Promise<void> {
  const disk = createFakeDisk();
  const link = createFakeDeliverer();
  const clock = createManualClock();
  /** Payload of each message that must arrive, by its id. */
  const expected = new Map<number, string>();
  /** Of this run of the process; a crash takes what had not reached the disk. */
  let recorded = new Map<number, string>();
  let count = 0;

  const open = async (): Promise<{ outbox: Outbox; delivery: Delivery }> => {
    const { outbox } = await openOutbox({
      disk,
      messagesMax: 10_000,
      bytesMax: 10_000_000,
      clock,
      wallNow: () => 1,
      onTrouble: (trouble) => assert.fail(trouble.message),
      onOverflow: () => assert.fail('nothing overflows'),
    });
    return { outbox, delivery: startDelivery({ outbox, deliverer: link, clock, random }) };
  };
  let { outbox, delivery } = await open();

  const record = (): void => {
    count += 1;
    const kind = random() < 0.5 ? 'label' : 'event';
    const payloadOf = (id: number): string => JSON.stringify({ id, kind, count });
    const id = outbox.offer(kind, kind, payloadOf, kind === 'label');
    assert.ok(!expected.has(id) && !recorded.has(id), `id ${id} is new`);
    recorded.set(id, payloadOf(id));
  };

  /** Whatever the disk holds when the process is gone was recorded, and so was what it sent. */
  const survive = (): void => {
    for (const { id, payload } of disk.contents().entries) expected.set(id, payload);
    for (const { payload } of link.received) expected.set(idOf(payload), String(payload));
    recorded = new Map();
  };

  const restart = async (): Promise<void> => {
    delivery.stop();
    link.cut(Math.floor(random() * 4));
    if (random() < 0.3) {
      const closing = outbox.close();
      for (let turn = 0; turn < 5; turn += 1) {
        await settled();
        disk.complete();
      }
      await closing;
      for (const [id, payload] of recorded) expected.set(id, payload);
    } else {
      disk.crash(Math.floor(random() * 3));
      if (random() < 0.5) disk.losePower(Math.floor(random() * 4));
    }
    survive();
    ({ outbox, delivery } = await open());
  };

  const steps: readonly [weight: number, step: () => unknown][] = [
    [6, record],
    [6, () => disk.complete()],
    [5, () => link.arrive()],
    [5, () => link.acknowledge()],
    [3, () => clock.advance(random() * 700)],
    [
      2,
      () => {
        link.connect();
        delivery.repeatRetained();
      },
    ],
    [1, () => link.cut(Math.floor(random() * 4))],
    [0.5, restart],
  ];
  const total = steps.reduce((sum, [weight]) => sum + weight, 0);

  for (let step = 0; step < stepsMax; step += 1) {
    let at = random() * total;
    const chosen = steps.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    await chosen?.[1]();
    if (random() < 0.7) await settled();
  }
  const isWaiting = (): boolean => outbox.figures().waiting > 0;
  for (let turn = 0; turn < 10 || (turn < 2000 && isWaiting()); turn += 1) {
    if (turn % 5 === 0) link.connect();
    clock.advance(500);
    disk.complete();
    link.arrive();
    link.acknowledge();
    await settled();
  }
  for (const [id, payload] of recorded) expected.set(id, payload);
  check(
    link.received.map(({ payload }) => String(payload)),
    expected,
  );
  const lastLabel = [...expected].filter(([, payload]) => payload.includes('label')).at(-1)?.[1];
  const retained = link.received.filter(({ retain }) => retain).at(-1)?.payload;
  assert.equal(retained, lastLabel, 'the retained label is the newest');
}

function check(received: readonly string[], expected: ReadonlyMap<number, string>): void {
  const seen = new Map<number, string>();
  let highest = 0;
  for (const payload of received) {
    const id = idOf(payload);
    assert.equal(seen.get(id) ?? payload, payload, `duplicates of ${id} are the same`);
    if (!seen.has(id)) assert.ok(id > highest, `${id} comes for the first time after ${highest}`);
    highest = Math.max(highest, id);
    seen.set(id, payload);
  }
  assert.deepEqual(
    [...seen].sort(([a], [b]) => a - b),
    [...expected].sort(([a], [b]) => a - b),
  );
}

const idOf = (payload: string | Uint8Array): number =>
  (JSON.parse(String(payload)) as { id: number }).id;
