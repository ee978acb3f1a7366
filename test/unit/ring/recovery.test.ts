import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import { imbalanceOf, type Ledger } from '../../../src/contract/ledger.ts';
import { type RingHandle, type RingOrder, ringOrders } from '../../../src/contract/ring.ts';
import { openConsumer } from '../../../src/ring/consumer.ts';
import { openCustodian } from '../../../src/ring/custodian.ts';
import * as at from '../../../src/ring/layout.ts';
import { openProducer } from '../../../src/ring/producer.ts';
import { type FrameStamp, openSlots, type Slots } from '../../../src/ring/slots.ts';

/*
 * A thread can be killed between any two instructions. Each state that this leaves behind is built
 * here by hand, in a ring whose slots have lived through frames before; then the dead thread's slots
 * are reclaimed.
 */

const cameraOwner = 1;
const readerOwner = 2;
const otherOwner = 3;
const slotCount = 4;

const stamp: FrameStamp = {
  capturedAt: micros(1),
  driverSequence: 0,
  changeScore: 1,
  geometry: { format: 'RGB3', width: 2, height: 2, stride: 6, color: 'bt601' },
  bytesUsed: 12,
};

function capture(ring: RingHandle, frames: number): void {
  const producer = openProducer(ring, cameraOwner);
  for (let frame = 0; frame < frames; frame += 1) {
    const slot = producer.claim() ?? assert.fail('a slot is free');
    producer.publish(slot, stamp);
  }
}

/** A ring with a past: every slot has held frames with each outcome; all are free again. */
function usedRing(order: RingOrder): RingHandle {
  const ring = at.createRing({
    slots: slotCount,
    slotBytes: 16,
    order,
    readers: 2,
    workspaceBytes: 1,
  });
  const consumer = openConsumer(ring, otherOwner, 0);
  for (const outcome of ['classified', 'failed', 'stopped', 'classified'] as const) {
    capture(ring, slotCount);
    for (let frame = consumer.claim(); frame !== undefined; frame = consumer.claim()) {
      consumer.settle(frame, outcome);
    }
  }
  openProducer(ring, cameraOwner).count('driver', 3);
  return ring;
}

/** Brings slot `slot` from free into the hands of `owner`. */
function take(slots: Slots, slot: number, owner: number): void {
  const word = slots.load(slot);
  assert.equal(at.stateOf(word), at.stateFree);
  slots.move(slot, word, at.wordOf(at.stateFilling, owner, at.generationOf(word) + 1));
}

function countCaptured(slots: Slots, slot: number): void {
  slots.setCaptured(slot, slots.captured(slot) + 1);
}

function enter(slots: Slots, slot: number, state: number, owner: number): void {
  const word = slots.load(slot);
  assert.ok(slots.move(slot, word, at.wordOf(state, owner, at.generationOf(word))));
}

/** A waiting frame, with an ordinal that tells it from others. */
function makeReady(slots: Slots, slot: number, ordinal: number): void {
  take(slots, slot, cameraOwner);
  slots.writeHeader(slot, 1000 + ordinal, ordinal, stamp);
  countCaptured(slots, slot);
  enter(slots, slot, at.stateReady, 0);
}

function countOutcome(slots: Slots, slot: number, outcome: at.SlotOutcome): void {
  const index = at.slotOutcomes.indexOf(outcome);
  const word = at.slotWordOf(slot) + at.outcomesAt + index;
  Atomics.store(slots.words, word, slots.outcome(slot, index) + 1);
}

/** What a reclaim must leave, as what it adds to the ledger of the ring before the frame. */
type Verdict = {
  readonly captured: number;
  readonly place: at.SlotOutcome | undefined;
  readonly lost: readonly number[];
};

type Death = {
  readonly name: string;
  readonly owner: number;
  readonly die: (slots: Slots, slot: number) => void;
  /** How many frames are in flight with the dead thread until it is reclaimed. */
  readonly inFlight: number;
  readonly verdict: Verdict;
};

const neverCaptured: Verdict = { captured: 0, place: undefined, lost: [] };

const deaths: Death[] = [
  {
    name: 'while filling a slot, before the frame was counted',
    owner: cameraOwner,
    die: (slots, slot) => take(slots, slot, cameraOwner),
    inFlight: 0,
    verdict: neverCaptured,
  },
  {
    name: 'while filling a slot, after its header was written',
    owner: cameraOwner,
    die: (slots, slot) => {
      take(slots, slot, cameraOwner);
      slots.writeHeader(slot, 5, 5, stamp);
    },
    inFlight: 0,
    verdict: neverCaptured,
  },
  {
    name: 'while filling a slot, after the frame was counted and before it was ready',
    owner: cameraOwner,
    die: (slots, slot) => {
      take(slots, slot, cameraOwner);
      slots.writeHeader(slot, 5, 5, stamp);
      countCaptured(slots, slot);
    },
    inFlight: 0,
    verdict: neverCaptured,
  },
  {
    name: 'while reading a frame',
    owner: readerOwner,
    die: (slots, slot) => {
      makeReady(slots, slot, 77);
      enter(slots, slot, at.stateReading, readerOwner);
    },
    inFlight: 1,
    verdict: { captured: 1, place: 'failed', lost: [77] },
  },
];

for (const outcome of at.slotOutcomes) {
  // The producer lets waiting frames go as superseded; every other outcome is a reader's.
  const owner = outcome === 'superseded' ? cameraOwner : readerOwner;
  const settle = (slots: Slots, slot: number): void => {
    makeReady(slots, slot, 77);
    enter(slots, slot, at.settledBase + at.slotOutcomes.indexOf(outcome), owner);
  };
  const verdict: Verdict = { captured: 1, place: outcome, lost: [] };
  deaths.push({
    name: `after settling a frame as ${outcome}, before that was counted`,
    owner,
    die: settle,
    inFlight: 0,
    verdict,
  });
  deaths.push({
    name: `after settling a frame as ${outcome} and counting it, before the slot was free`,
    owner,
    die: (slots, slot) => {
      settle(slots, slot);
      countOutcome(slots, slot, outcome);
    },
    inFlight: 0,
    verdict,
  });
}

function afterVerdict(before: Ledger, { captured, place }: Verdict): Ledger {
  const { superseded, stopped } = before.dropped;
  return {
    ...before,
    captured: before.captured + captured,
    classified: before.classified + (place === 'classified' ? 1 : 0),
    failed: before.failed + (place === 'failed' ? 1 : 0),
    dropped: {
      ...before.dropped,
      superseded: superseded + (place === 'superseded' ? 1 : 0),
      stopped: stopped + (place === 'stopped' ? 1 : 0),
    },
  };
}

const wordsOf = (slots: Slots): number[] =>
  Array.from({ length: slotCount }, (_, slot) => slots.load(slot));

const deathsInEveryOrder = ringOrders.flatMap((order) =>
  deaths.map((death): readonly [RingOrder, Death] => [order, death]),
);

for (const [order, { name, owner, die, inFlight, verdict }] of deathsInEveryOrder) {
  test(`${order}: a thread that died ${name} leaves a ledger that balances and can be mended`, () => {
    for (let slot = 0; slot < slotCount; slot += 1) {
      const ring = usedRing(order);
      const slots = openSlots(ring);
      const custodian = openCustodian(ring);
      const past = custodian.ledger();
      die(slots, slot);

      const found = custodian.ledger();
      assert.equal(imbalanceOf(found), 0, 'it balances before the reclaim');
      assert.equal(found.inFlight, inFlight);

      assert.deepEqual(custodian.reclaim(owner), verdict.lost);
      const mended = custodian.ledger();
      assert.equal(imbalanceOf(mended), 0, 'it balances after the reclaim');
      assert.deepEqual(mended, afterVerdict(past, verdict));
      if (inFlight === 0)
        assert.deepEqual(found, mended, 'the reclaim changed nothing in the ledger');
      for (const word of wordsOf(slots)) assert.equal(at.stateOf(word), at.stateFree);

      const words = wordsOf(slots);
      assert.deepEqual(custodian.reclaim(owner), [], 'a second reclaim finds nothing');
      assert.deepEqual(custodian.ledger(), mended);
      assert.deepEqual(wordsOf(slots), words);
    }
  });
}

for (const { name, owner, die } of deaths) {
  test(`after a thread died ${name}, its slot serves again`, () => {
    const ring = usedRing('fifo');
    const custodian = openCustodian(ring);
    die(openSlots(ring), 2);
    custodian.reclaim(owner);
    const before = custodian.ledger();
    capture(ring, slotCount);
    const consumer = openConsumer(ring, readerOwner, 1);
    const sequences: number[] = [];
    for (let frame = consumer.claim(); frame !== undefined; frame = consumer.claim()) {
      sequences.push(frame.sequence);
      consumer.settle(frame, 'classified');
    }
    const first = before.captured + 1;
    assert.deepEqual(sequences, [first, first + 1, first + 2, first + 3]);
    assert.equal(custodian.ledger().classified, before.classified + slotCount);
    assert.equal(imbalanceOf(custodian.ledger()), 0);
  });

  test(`after a thread died ${name}, nobody else's reclaim touches its slot`, () => {
    const ring = usedRing('latest');
    const slots = openSlots(ring);
    const custodian = openCustodian(ring);
    die(slots, 1);
    const words = wordsOf(slots);
    const found = custodian.ledger();
    for (let other = 1; other <= at.ownerMax; other += 1) {
      if (other !== owner) assert.deepEqual(custodian.reclaim(other), []);
    }
    assert.deepEqual(wordsOf(slots), words);
    assert.deepEqual(custodian.ledger(), found);
  });
}

test('a reclaim leaves waiting frames and those of other threads as they are', () => {
  const ring = usedRing('fifo');
  const slots = openSlots(ring);
  const custodian = openCustodian(ring);
  makeReady(slots, 0, 1);
  makeReady(slots, 1, 2);
  enter(slots, 1, at.stateReading, otherOwner);
  take(slots, 2, cameraOwner);
  makeReady(slots, 3, 3);
  enter(slots, 3, at.stateReading, readerOwner);
  const [waiting, read, filled] = wordsOf(slots);
  assert.deepEqual(custodian.reclaim(readerOwner), [3]);
  const [waitingStill, readStill, filledStill, freed = -1] = wordsOf(slots);
  assert.deepEqual([waitingStill, readStill, filledStill], [waiting, read, filled]);
  assert.equal(at.stateOf(freed), at.stateFree);
  assert.equal(custodian.ledger().inFlight, 2);
});

test('a thread that held several slots in different states gives all of them back', () => {
  const ring = usedRing('priority');
  const slots = openSlots(ring);
  const custodian = openCustodian(ring);
  const past = custodian.ledger();
  makeReady(slots, 0, 8);
  enter(slots, 0, at.stateReading, readerOwner);
  makeReady(slots, 1, 9);
  enter(slots, 1, at.settledBase + at.slotOutcomes.indexOf('superseded'), readerOwner);
  makeReady(slots, 3, 10);
  enter(slots, 3, at.stateReading, readerOwner);
  assert.deepEqual(custodian.reclaim(readerOwner), [8, 10]);
  const ledger = custodian.ledger();
  assert.equal(imbalanceOf(ledger), 0);
  assert.equal(ledger.captured, past.captured + 3);
  assert.equal(ledger.failed, past.failed + 2);
  assert.equal(ledger.dropped.superseded, past.dropped.superseded + 1);
  assert.equal(ledger.inFlight, 0);
});

test('a reclaim wakes whoever waits: the dead thread may have owed them a notification', async () => {
  const ring = usedRing('fifo');
  const producer = openProducer(ring, cameraOwner);
  const consumer = openConsumer(ring, readerOwner, 0);
  consumer.claim();
  const ready = consumer.untilReady();
  const freed = producer.untilFreed();
  openCustodian(ring).reclaim(otherOwner);
  await Promise.all([ready, freed]);
});

test('a word tells its state, its owner and its generation apart, up to their limits', () => {
  for (const state of [0, at.stateReading, at.settledBase + 3]) {
    for (const owner of [0, 1, at.ownerMax]) {
      for (const generation of [0, 1, 2 ** 24 - 1]) {
        const word = at.wordOf(state, owner, generation);
        assert.equal(at.stateOf(word), state);
        assert.equal(at.ownerOf(word), owner);
        assert.equal(at.generationOf(word), generation);
      }
    }
  }
});

test('a slot whose generation starts again from its largest goes on working', () => {
  const ring = usedRing('latest');
  const slots = openSlots(ring);
  for (let slot = 0; slot < slotCount; slot += 1) {
    slots.move(slot, slots.load(slot), at.wordOf(at.stateFree, 0, 2 ** 24 - 1));
  }
  capture(ring, slotCount);
  const consumer = openConsumer(ring, readerOwner, 0);
  const frame = consumer.claim() ?? assert.fail();
  consumer.settle(frame, 'classified');
  assert.equal(imbalanceOf(openCustodian(ring).ledger()), 0);
  assert.equal(openCustodian(ring).ledger().inFlight, 0);
});
