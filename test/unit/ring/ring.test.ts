import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { micros } from '../../../src/base/time.ts';
import type { FrameGeometry } from '../../../src/contract/frame.ts';
import { imbalanceOf, type Ledger } from '../../../src/contract/ledger.ts';
import { type RingHandle, type RingOrder, ringOrders } from '../../../src/contract/ring.ts';
import {
  type FrameConsumer,
  openConsumer,
  type ReadableFrame,
} from '../../../src/ring/consumer.ts';
import { openCustodian } from '../../../src/ring/custodian.ts';
import {
  createRing,
  directOutcomes,
  pageBytes,
  ringBytesOf,
  slotOffsetOf,
  slotsMax,
  workspaceOf,
} from '../../../src/ring/layout.ts';
import { type FrameProducer, openProducer, type WritableSlot } from '../../../src/ring/producer.ts';
import type { FrameStamp } from '../../../src/ring/slots.ts';

const slotBytes = 100;
const geometry: FrameGeometry = { format: 'RGB3', width: 5, height: 6, stride: 15, color: 'bt601' };
const cameraOwner = 1;
const firstReaderOwner = 2;

function makeRing(order: RingOrder, slots: number, readers = 1): RingHandle {
  return createRing({ slots, slotBytes, order, readers, workspaceBytes: 5000 });
}

function openAll(order: RingOrder, slots: number) {
  const ring = makeRing(order, slots);
  const producer = openProducer(ring, cameraOwner);
  const consumer = openConsumer(ring, firstReaderOwner, 0);
  return { ring, producer, consumer, custodian: openCustodian(ring) };
}

const stampOf = (changeScore: number): FrameStamp => ({
  capturedAt: micros(1000 + changeScore),
  driverSequence: 7,
  changeScore,
  geometry,
  bytesUsed: 90,
});

/** Captures a frame for each change score; returns which of them found a slot. */
function capture(producer: FrameProducer, ...changeScores: number[]): boolean[] {
  return changeScores.map((changeScore) => {
    const slot = producer.claim();
    if (slot === undefined) {
      producer.count('full', 1);
      return false;
    }
    slot.pixels.fill(changeScore);
    producer.publish(slot, stampOf(changeScore));
    return true;
  });
}

/** Takes and settles all frames that wait; returns their sequence numbers. */
function drain(consumer: FrameConsumer): number[] {
  const sequences: number[] = [];
  for (let frame = consumer.claim(); frame !== undefined; frame = consumer.claim()) {
    sequences.push(frame.sequence);
    consumer.settle(frame, 'classified');
  }
  return sequences;
}

function expectFrame(consumer: FrameConsumer): ReadableFrame {
  return consumer.claim() ?? assert.fail('a frame waits');
}

const dropped = (changes: Partial<Ledger['dropped']> = {}): Ledger['dropped'] => ({
  superseded: 0,
  full: 0,
  driver: 0,
  throttled: 0,
  stopped: 0,
  ...changes,
});

test('a frame arrives as it was captured', () => {
  const { producer, consumer, ring } = openAll('latest', 4);
  const slot = producer.claim() ?? assert.fail();
  slot.pixels.set([1, 2, 3]);
  const stamp: FrameStamp = {
    capturedAt: micros(123_456_789_012_345),
    driverSequence: 2 ** 32 - 1,
    changeScore: 12.5,
    geometry: { format: 'YUYV', width: 4, height: 3, stride: 16, color: 'bt709-full' },
    bytesUsed: 48,
  };
  assert.equal(producer.publish(slot, stamp), 1);
  const frame = expectFrame(consumer);
  assert.deepEqual([...frame.pixels.subarray(0, 3)], [1, 2, 3]);
  assert.deepEqual([frame.sequence, frame.ordinal, frame.slot], [1, 1, slot.index]);
  assert.equal(frame.offset, slotOffsetOf(ring.shape, slot.index));
  assert.equal(frame.offset, frame.pixels.byteOffset);
  for (const key of ['capturedAt', 'driverSequence', 'changeScore', 'bytesUsed'] as const) {
    assert.equal(frame[key], stamp[key], key);
  }
  assert.deepEqual(frame.geometry, stamp.geometry);
});

test('frames of one geometry share one object, and another geometry is another object', () => {
  const { producer, consumer } = openAll('fifo', 4);
  capture(producer, 1, 2);
  const first = expectFrame(consumer);
  assert.equal(expectFrame(consumer).geometry, first.geometry);
  const slot = producer.claim() ?? assert.fail();
  producer.publish(slot, { ...stampOf(1), geometry: { ...geometry, width: 4 } });
  assert.equal(expectFrame(consumer).geometry.width, 4);
});

test('an empty ring has nothing to claim', () => {
  for (const order of ringOrders) {
    assert.equal(openAll(order, 3).consumer.claim(), undefined, order);
  }
});

test('latest: the newest frame is taken and the older ones are superseded', () => {
  const { producer, consumer, custodian } = openAll('latest', 4);
  capture(producer, 9, 1, 5);
  const frame = expectFrame(consumer);
  assert.equal(frame.sequence, 3);
  assert.equal(consumer.claim(), undefined);
  assert.deepEqual(custodian.ledger(), {
    captured: 3,
    classified: 0,
    gated: 0,
    dropped: dropped({ superseded: 2 }),
    failed: 0,
    inFlight: 1,
  });
});

test('latest: a full ring gives up its oldest frame for a new one', () => {
  const { producer, consumer, custodian } = openAll('latest', 3);
  assert.deepEqual(capture(producer, 1, 2, 3, 4, 5), [true, true, true, true, true]);
  assert.equal(custodian.ledger().dropped.superseded, 2);
  assert.equal(custodian.ledger().inFlight, 3);
  assert.deepEqual(drain(consumer), [5]);
});

test('fifo: frames are taken in their order and none is given up', () => {
  const { producer, consumer, custodian } = openAll('fifo', 3);
  assert.deepEqual(capture(producer, 3, 1, 2, 9), [true, true, true, false]);
  assert.deepEqual(drain(consumer), [1, 2, 3]);
  assert.deepEqual(capture(producer, 4), [true]);
  assert.deepEqual(drain(consumer), [5]);
  assert.deepEqual(custodian.ledger().dropped, dropped({ full: 1 }));
});

test('priority: the most changed frame is taken, older ones are superseded, newer ones stay', () => {
  const { producer, consumer, custodian } = openAll('priority', 5);
  capture(producer, 3, 8, 2, 6);
  assert.equal(expectFrame(consumer).sequence, 2);
  assert.equal(custodian.ledger().dropped.superseded, 1);
  assert.equal(expectFrame(consumer).sequence, 4);
  assert.equal(consumer.claim(), undefined);
  assert.equal(custodian.ledger().dropped.superseded, 2);
});

test('priority: a full ring gives up its least changed frame', () => {
  const { producer, consumer, custodian } = openAll('priority', 3);
  capture(producer, 5, 1, 3, 4);
  assert.equal(custodian.ledger().dropped.superseded, 1);
  assert.deepEqual(drain(consumer), [1, 4]);
});

test('a claimed frame is never taken from its reader, and a full ring then refuses', () => {
  for (const order of ringOrders) {
    const { producer, consumer, custodian } = openAll(order, 2);
    capture(producer, 1);
    const frame = expectFrame(consumer);
    capture(producer, 2);
    const second = expectFrame(consumer);
    assert.deepEqual(capture(producer, 3), [false], order);
    assert.deepEqual([...frame.pixels.subarray(0, 2)], [1, 1], order);
    assert.equal(custodian.ledger().inFlight, 2);
    consumer.settle(second, 'classified');
    assert.deepEqual(capture(producer, 4), [true], order);
  }
});

test('a ring of one slot works in every order', () => {
  for (const order of ringOrders) {
    const { producer, consumer, custodian } = openAll(order, 1);
    const isFifo = order === 'fifo';
    assert.deepEqual(capture(producer, 1, 2), [true, !isFifo], order);
    const frame = expectFrame(consumer);
    assert.equal(frame.sequence, isFifo ? 1 : 2, order);
    assert.equal(producer.claim(), undefined, order);
    consumer.settle(frame, 'failed');
    assert.deepEqual(capture(producer, 3), [true], order);
    assert.deepEqual(custodian.ledger().dropped, dropped(isFifo ? { full: 1 } : { superseded: 1 }));
    assert.equal(custodian.ledger().failed, 1);
  }
});

test('each outcome has its place in the ledger', () => {
  const { producer, consumer, custodian } = openAll('fifo', 3);
  for (const outcome of ['classified', 'failed', 'failed', 'stopped'] as const) {
    capture(producer, 1);
    consumer.settle(expectFrame(consumer), outcome);
  }
  assert.deepEqual(custodian.ledger(), {
    captured: 4,
    classified: 1,
    gated: 0,
    dropped: dropped({ stopped: 1 }),
    failed: 2,
    inFlight: 0,
  });
});

test('frames that never held a slot have their places too, and take sequence numbers', () => {
  const { producer, consumer, custodian } = openAll('fifo', 3);
  producer.count('full', 2);
  producer.count('driver', 10);
  producer.count('gated', 4);
  producer.count('failed', 1);
  producer.count('throttled', 5);
  producer.count('driver', 0);
  assert.deepEqual(custodian.ledger(), {
    captured: 22,
    classified: 0,
    gated: 4,
    dropped: dropped({ full: 2, driver: 10, throttled: 5 }),
    failed: 1,
    inFlight: 0,
  });
  capture(producer, 1);
  const frame = expectFrame(consumer);
  assert.deepEqual([frame.sequence, frame.ordinal], [23, 1]);
});

test('an abandoned slot was never captured and can be claimed again', () => {
  const { producer, consumer, custodian } = openAll('fifo', 1);
  for (let round = 0; round < 5; round += 1) producer.abandon(producer.claim() ?? assert.fail());
  assert.equal(custodian.ledger().captured, 0);
  capture(producer, 1);
  assert.deepEqual(drain(consumer), [1]);
});

test('a slot that is being filled is not captured yet', () => {
  const { producer, consumer, custodian } = openAll('latest', 2);
  producer.claim();
  assert.equal(custodian.ledger().captured, 0);
  assert.equal(custodian.ledger().inFlight, 0);
  assert.equal(consumer.claim(), undefined);
});

test('using a slot or a frame that one does not hold is a bug', () => {
  const { producer, consumer } = openAll('fifo', 2);
  const slot = producer.claim() ?? assert.fail();
  assert.throws(() => producer.publish(slot, { ...stampOf(1), bytesUsed: slotBytes + 1 }), /fits/);
  producer.publish(slot, { ...stampOf(1), bytesUsed: slotBytes });
  assert.throws(() => producer.publish(slot, stampOf(1)), /claimed slot/);
  assert.throws(() => producer.abandon(slot), /claimed slot/);
  const frame = expectFrame(consumer);
  consumer.settle(frame, 'classified');
  assert.throws(() => consumer.settle(frame, 'classified'), /claimed frame/);
});

test('a producer that follows another continues its sequence and its ordinals', () => {
  for (const order of ringOrders) {
    const { ring, producer, consumer } = openAll(order, 3);
    capture(producer, 1, 2, 3, 4, 5);
    producer.count('driver', 3);
    drain(consumer);
    const published = order === 'fifo' ? 3 : 5;
    const next = openProducer(ring, cameraOwner);
    capture(next, 1);
    const frame = expectFrame(consumer);
    assert.deepEqual([frame.sequence, frame.ordinal], [9, published + 1], order);
  }
});

test('the ring is drained once the producer has ended and nothing waits', () => {
  const { producer, consumer } = openAll('fifo', 3);
  assert.equal(consumer.isDrained(), false);
  capture(producer, 1);
  producer.end();
  assert.equal(consumer.isDrained(), false);
  const frame = expectFrame(consumer);
  assert.equal(consumer.isDrained(), true);
  consumer.settle(frame, 'classified');
  assert.equal(consumer.isDrained(), true);
});

test('the custodian can end the stream, and a new producer begins it again', () => {
  const { ring, consumer, custodian } = openAll('latest', 3);
  custodian.end();
  assert.equal(consumer.isDrained(), true);
  openProducer(ring, cameraOwner);
  assert.equal(consumer.isDrained(), false);
});

test('waiting frames can be discarded; those with a reader or half filled stay', () => {
  const { producer, consumer, custodian } = openAll('fifo', 5);
  capture(producer, 1, 2, 3);
  const frame = expectFrame(consumer);
  const slot = producer.claim() ?? assert.fail();
  custodian.discardWaiting('stopped', 31);
  assert.deepEqual(custodian.ledger().dropped, dropped({ stopped: 2 }));
  assert.equal(custodian.ledger().inFlight, 1);
  consumer.settle(frame, 'classified');
  producer.publish(slot, stampOf(4));
  custodian.discardWaiting('superseded', 31);
  assert.deepEqual(custodian.ledger().dropped, dropped({ stopped: 2, superseded: 1 }));
  assert.equal(custodian.ledger().inFlight, 0);
});

test('waiting ends when there is something to look at, though it came just before', async () => {
  const { producer, consumer, custodian } = openAll('fifo', 1);
  consumer.claim();
  capture(producer, 1);
  await consumer.untilReady();
  const frame = expectFrame(consumer);
  assert.equal(producer.claim(), undefined);
  consumer.settle(frame, 'classified');
  await producer.untilFreed();
  for (const end of [producer.end, custodian.end, consumer.wake]) {
    consumer.claim();
    const waited = consumer.untilReady();
    end();
    await waited;
  }
  const freed = producer.untilFreed();
  producer.wake();
  await freed;
});

test('a slot starts at a page and holds its bytes apart from every other', () => {
  for (const bytes of [1, 4095, 4096, 4097]) {
    const shape = {
      slots: 3,
      slotBytes: bytes,
      order: 'fifo' as const,
      readers: 2,
      workspaceBytes: 10,
    };
    const ring = createRing(shape);
    const producer = openProducer(ring, cameraOwner);
    const claimed = [0, 1, 2].map(() => producer.claim() ?? assert.fail());
    for (const { pixels } of claimed) {
      assert.equal(pixels.byteOffset % pageBytes, 0);
      assert.equal(pixels.byteLength, bytes);
    }
    for (const slot of claimed) slot.pixels.fill(slot.index + 1);
    for (const slot of claimed) assert.ok(slot.pixels.every((byte) => byte === slot.index + 1));
    assert.equal(openCustodian(ring).ledger().captured, 0);
  }
});

test('workspaces start at pages, lie behind the slots, within the memory, and do not overlap', () => {
  const ring = createRing({
    slots: slotsMax,
    slotBytes: 5000,
    order: 'latest',
    readers: 8,
    workspaceBytes: 4097,
  });
  let end = slotOffsetOf(ring.shape, slotsMax);
  for (let reader = 0; reader < 8; reader += 1) {
    const workspace = workspaceOf(ring, reader);
    assert.equal(workspace.offset % pageBytes, 0);
    assert.ok(workspace.offset >= end, `workspace ${reader}`);
    assert.equal(workspace.bytes, 4097);
    end = workspace.offset + workspace.bytes;
  }
  assert.ok(end <= ring.memory.buffer.byteLength);
  assert.equal(ring.memory.buffer.byteLength, ringBytesOf(ring.shape));
  assert.throws(() => workspaceOf(ring, 8), /invariant broken/);
});

test('a ring without slots, with too many, or larger than its limit is a bug', () => {
  const shape = { slotBytes, order: 'fifo' as const, readers: 1, workspaceBytes: 0 };
  for (const slots of [0, slotsMax + 1]) {
    assert.throws(() => createRing({ ...shape, slots }), /invariant broken/);
  }
  assert.throws(() => createRing({ ...shape, slots: 64, slotBytes: 2 ** 25 }), /its limit/);
  assert.throws(() => openProducer(makeRing('fifo', 1), 0), /owner/);
  assert.throws(() => openConsumer(makeRing('fifo', 1), 32, 0), /owner/);
});

/*
 * A second, plain implementation of the ring's rules, and a random walk that holds the ring against
 * it: the same calls, the same answers, and after every call the same, balanced ledger.
 */

type Waiting = { readonly sequence: number; readonly ordinal: number; readonly change: number };
type Book = {
  free: number;
  sequence: number;
  ordinal: number;
  waiting: Waiting[];
  readonly counts: { classified: number; gated: number; failed: number };
  readonly dropped: Record<keyof Ledger['dropped'], number>;
};
type Seat = { consumer: FrameConsumer; held: ReadableFrame[] };

function ledgerOfBook(book: Book, seats: readonly Seat[]): Ledger {
  const held = seats.reduce((sum, seat) => sum + seat.held.length, 0);
  const inFlight = book.waiting.length + held;
  return { captured: book.sequence, ...book.counts, dropped: { ...book.dropped }, inFlight };
}

const least = (waiting: readonly Waiting[], worth: (one: Waiting) => number): Waiting | undefined =>
  waiting.reduce<Waiting | undefined>(
    (best, one) => (best === undefined || worth(one) < worth(best) ? one : best),
    undefined,
  );

/** Lets these go as superseded and frees their slots. */
function supersede(book: Book, gone: readonly Waiting[]): void {
  book.waiting = book.waiting.filter((one) => !gone.includes(one));
  book.dropped.superseded += gone.length;
  book.free += gone.length;
}

/** What a claim of the producer must find: whether there is a slot. */
function claimInBook(book: Book, order: RingOrder): boolean {
  if (book.free === 0 && order !== 'fifo') {
    const victim = least(book.waiting, (one) => (order === 'priority' ? one.change : one.sequence));
    if (victim !== undefined) supersede(book, [victim]);
  }
  if (book.free === 0) return false;
  book.free -= 1;
  return true;
}

/** What a claim of a reader must find. */
function takeFromBook(book: Book, order: RingOrder): Waiting | undefined {
  const worths = {
    latest: (one: Waiting) => -one.sequence,
    fifo: (one: Waiting) => one.sequence,
    priority: (one: Waiting) => -one.change,
  };
  const taken = least(book.waiting, worths[order]);
  if (taken === undefined) return undefined;
  book.waiting = book.waiting.filter((one) => one !== taken);
  if (order !== 'fifo') {
    const older = book.waiting.filter((one) => one.sequence < taken.sequence);
    supersede(book, older);
  }
  return taken;
}

function startWalk(seed: number, order: RingOrder) {
  const random = createRandom(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  const slots = 1 + pick(6);
  const readers = 1 + pick(3);
  const ring = makeRing(order, slots, readers);
  const book: Book = {
    free: slots,
    sequence: 0,
    ordinal: 0,
    waiting: [],
    counts: { classified: 0, gated: 0, failed: 0 },
    dropped: { superseded: 0, full: 0, driver: 0, throttled: 0, stopped: 0 },
  };
  const openSeat = (reader: number): Seat => ({
    consumer: openConsumer(ring, firstReaderOwner + reader, reader),
    held: [],
  });
  const seats = Array.from({ length: readers }, (_, reader) => openSeat(reader));
  const custodian = openCustodian(ring);
  return { random, pick, order, ring, book, seats, openSeat, custodian };
}

type Walk = ReturnType<typeof startWalk>;
type Camera = { producer: FrameProducer; slot: WritableSlot | undefined };

function stepCamera({ book, order, random, pick, ring, custodian }: Walk, camera: Camera): void {
  const { producer, slot } = camera;
  if (slot === undefined && pick(5) === 0) {
    const frames = pick(4);
    const outcome = directOutcomes[pick(directOutcomes.length)] ?? 'full';
    producer.count(outcome, frames);
    book.sequence += frames;
    if (outcome === 'gated' || outcome === 'failed') book.counts[outcome] += frames;
    else book.dropped[outcome] += frames;
    return;
  }
  if (slot === undefined) {
    const isExpected = claimInBook(book, order);
    camera.slot = producer.claim();
    assert.equal(
      camera.slot !== undefined,
      isExpected,
      'a slot is found exactly when there is one',
    );
    return;
  }
  camera.slot = undefined;
  if (pick(12) === 0) {
    // The producer dies with its slot half filled, and another follows it.
    assert.deepEqual(custodian.reclaim(cameraOwner), []);
    camera.producer = openProducer(ring, cameraOwner);
    book.free += 1;
  } else if (pick(8) === 0) {
    producer.abandon(slot);
    book.free += 1;
  } else {
    // Exact as a Float32, and different for every frame.
    const change = pick(8) * 2 ** 16 + (book.sequence % 2 ** 16) + (random() < 0.5 ? 0.5 : 0);
    book.sequence += 1;
    book.ordinal += 1;
    book.waiting.push({ sequence: book.sequence, ordinal: book.ordinal, change });
    assert.equal(producer.publish(slot, stampOf(change)), book.sequence);
  }
}

function stepSeat(walk: Walk, reader: number): void {
  const { book, seats, pick, custodian, order } = walk;
  const seat = seats[reader] ?? assert.fail();
  if (pick(15) === 0) {
    const lost = custodian.reclaim(firstReaderOwner + reader);
    const held = seat.held.map(({ ordinal }) => ordinal);
    assert.deepEqual([...lost].sort(), held.sort(), 'what a dead reader held is lost');
    book.counts.failed += held.length;
    book.free += held.length;
    seats[reader] = walk.openSeat(reader);
  } else if (seat.held.length > 0 && pick(2) === 0) {
    const [frame] = seat.held.splice(pick(seat.held.length), 1);
    const outcome = (['classified', 'failed', 'stopped'] as const)[pick(3)] ?? 'classified';
    seat.consumer.settle(frame ?? assert.fail(), outcome);
    if (outcome === 'stopped') book.dropped.stopped += 1;
    else book.counts[outcome] += 1;
    book.free += 1;
  } else {
    const expected = takeFromBook(book, order);
    const frame = seat.consumer.claim();
    assert.equal(frame?.sequence, expected?.sequence, 'the order says which frame is next');
    assert.equal(frame?.ordinal, expected?.ordinal);
    if (frame !== undefined) seat.held.push(frame);
  }
}

function stepCustodian({ book, custodian }: Walk, random: Random): void {
  const outcome = random() < 0.5 ? 'stopped' : 'superseded';
  custodian.discardWaiting(outcome, 31);
  book.dropped[outcome] += book.waiting.length;
  book.free += book.waiting.length;
  book.waiting = [];
}

for (const order of ringOrders) {
  test(`${order}: on any walk of its roles the ring does what the plain rules say`, () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const walk = startWalk(seed, order);
      const { book, seats, custodian, pick } = walk;
      const camera: Camera = { producer: openProducer(walk.ring, cameraOwner), slot: undefined };
      for (let step = 0; step < 500; step += 1) {
        const turn = pick(20);
        if (turn === 0) stepCustodian(walk, walk.random);
        else if (turn < 11) stepCamera(walk, camera);
        else stepSeat(walk, pick(seats.length));
        const ledger = custodian.ledger();
        const text = `seed ${seed}, step ${step}`;
        assert.equal(imbalanceOf(ledger), 0, text);
        assert.deepEqual(ledger, ledgerOfBook(book, seats), text);
      }
    }
  });
}
