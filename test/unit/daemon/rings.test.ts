import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { micros } from '../../../src/base/time.ts';
import type { FrameGeometry } from '../../../src/contract/frame.ts';
import { imbalanceOf, type Ledger } from '../../../src/contract/ledger.ts';
import type { RingHandle, RingOrder } from '../../../src/contract/ring.ts';
import { createRings, type Rings } from '../../../src/daemon/rings.ts';
import {
  type FrameConsumer,
  openConsumer,
  type ReadableFrame,
} from '../../../src/ring/consumer.ts';
import { createRing } from '../../../src/ring/layout.ts';
import { type FrameProducer, openProducer, type WritableSlot } from '../../../src/ring/producer.ts';

const geometry: FrameGeometry = {
  format: 'GREY',
  width: 8,
  height: 8,
  stride: 8,
  color: 'bt601',
};
const cameraOwner = 1;
const readerOwner = 2;

const ringOf = (slots = 3, order: RingOrder = 'fifo'): RingHandle =>
  createRing({ slots, slotBytes: 64, order, readers: 2, workspaceBytes: 16 });

function publish(producer: FrameProducer, slot: WritableSlot): number {
  return producer.publish(slot, {
    capturedAt: micros(1),
    driverSequence: 0,
    changeScore: 1,
    geometry,
    bytesUsed: 64,
  });
}

/** Captures frames, which must find room; returns their sequence numbers. */
function capture(producer: FrameProducer, frames: number): number[] {
  return Array.from({ length: frames }, () =>
    publish(producer, producer.claim() ?? assert.fail('there is room')),
  );
}

const claim = (consumer: FrameConsumer): ReadableFrame =>
  consumer.claim() ?? assert.fail('a frame waits');

/** A ring in use, with both of its ends. */
function install(rings: Rings, handle: RingHandle) {
  rings.replace(handle);
  return {
    handle,
    producer: openProducer(handle, cameraOwner),
    consumer: openConsumer(handle, readerOwner, 0),
  };
}

const noDrops = { superseded: 0, full: 0, driver: 0, throttled: 0, stopped: 0 };
const empty: Ledger = {
  captured: 0,
  classified: 0,
  gated: 0,
  dropped: noDrops,
  failed: 0,
  inFlight: 0,
};

describe('the rings of a session', () => {
  it('are none at first, with nothing in their ledger', () => {
    const rings = createRings();
    assert.equal(rings.current(), undefined);
    assert.deepEqual(rings.ledger(), empty);
    assert.deepEqual(rings.reclaim(readerOwner), []);
    rings.discardWaiting('stopped', cameraOwner);
    rings.end();
  });

  it('are one in use: the one that came last', () => {
    const rings = createRings();
    for (const handle of [ringOf(), ringOf()]) {
      rings.replace(handle);
      assert.equal(rings.current(), handle);
    }
  });

  it('number their frames as if they were one', () => {
    const rings = createRings();
    const first = install(rings, ringOf());
    assert.deepEqual(capture(first.producer, 2), [1, 2]);
    first.producer.count('driver', 4);
    const second = install(rings, ringOf(5, 'latest'));
    assert.deepEqual(capture(second.producer, 1), [7]);
    const { sequence, ordinal } = claim(second.consumer);
    assert.deepEqual([sequence, ordinal], [7, 3]);
    // A ring without a frame of its own passes the numbers on.
    install(rings, ringOf());
    const fourth = install(rings, ringOf(1));
    assert.deepEqual(capture(fourth.producer, 1), [8]);
    assert.equal(claim(fourth.consumer).ordinal, 4);
  });

  it('go on numbering for a second producer of the same ring', () => {
    const rings = createRings();
    capture(install(rings, ringOf()).producer, 3);
    const { handle, producer } = install(rings, ringOf());
    capture(producer, 2);
    assert.deepEqual(capture(openProducer(handle, cameraOwner), 1), [6]);
  });

  it('count frames of a ring before as in flight until they are settled', () => {
    const rings = createRings();
    const first = install(rings, ringOf());
    capture(first.producer, 3);
    const held = [claim(first.consumer), claim(first.consumer)];
    const second = install(rings, ringOf());
    capture(second.producer, 1);
    assert.deepEqual(rings.ledger(), { ...empty, captured: 4, inFlight: 4 });
    first.consumer.settle(held[0] ?? assert.fail(), 'classified');
    assert.deepEqual(rings.ledger(), { ...empty, captured: 4, classified: 1, inFlight: 3 });
    first.consumer.settle(held[1] ?? assert.fail(), 'failed');
    first.consumer.settle(claim(first.consumer), 'stopped');
    const settled = { ...empty, captured: 4, classified: 1, failed: 1, inFlight: 1 };
    const expected = { ...settled, dropped: { ...noDrops, stopped: 1 } };
    assert.deepEqual(rings.ledger(), expected);
    assert.deepEqual(rings.ledger(), expected, 'and counts them once');
  });

  it('take back what a dead reader held of a ring before, and of the one in use', () => {
    const rings = createRings();
    const first = install(rings, ringOf());
    capture(first.producer, 2);
    const [lost, kept] = [first.consumer, openConsumer(first.handle, 3, 1)].map(claim);
    const second = install(rings, ringOf());
    capture(second.producer, 1);
    claim(second.consumer);
    assert.deepEqual(rings.reclaim(readerOwner), [lost?.ordinal, 3]);
    assert.deepEqual(rings.ledger(), { ...empty, captured: 3, failed: 2, inFlight: 1 });
    assert.deepEqual(rings.reclaim(readerOwner), []);
    assert.deepEqual(rings.reclaim(3), [kept?.ordinal]);
    assert.deepEqual(rings.ledger(), { ...empty, captured: 3, failed: 3 });
  });

  it('let go of what waits in any of them, and not of what is being read', () => {
    const rings = createRings();
    const first = install(rings, ringOf());
    capture(first.producer, 3);
    const held = claim(first.consumer);
    capture(install(rings, ringOf()).producer, 2);
    rings.discardWaiting('superseded', cameraOwner);
    const dropped = { ...noDrops, superseded: 4 };
    assert.deepEqual(rings.ledger(), { ...empty, captured: 5, inFlight: 1, dropped });
    first.consumer.settle(held, 'classified');
    assert.deepEqual(rings.ledger(), { ...empty, captured: 5, classified: 1, dropped });
  });

  it('end with the one in use', () => {
    const rings = createRings();
    const first = install(rings, ringOf());
    const second = install(rings, ringOf());
    rings.end();
    assert.equal(second.consumer.isDrained(), true);
    assert.equal(first.consumer.isDrained(), false);
  });
});

/** Captures one frame, whose sequence number shall be this; 0 when there was no room for it. */
function captureOrDrop(producer: FrameProducer, sequence: number, where: string): 0 | 1 {
  const slot = producer.claim();
  if (slot !== undefined) {
    assert.equal(publish(producer, slot), sequence, where);
    return 1;
  }
  producer.count('full', 1);
  return 0;
}

/** A session to which anything may happen, and what its ledger ought to say. */
function sessionOf(random: Random) {
  const rings = createRings();
  const upTo = (most: number): number => Math.floor(random() * most);
  const anyRing = (): RingHandle => ringOf(1 + upTo(4), random() < 0.5 ? 'latest' : 'fifo');
  const seats: ReturnType<typeof install>[] = [install(rings, anyRing())];
  const held: { consumer: FrameConsumer; frame: ReadableFrame }[] = [];
  const expected = { captured: 0, published: 0, settled: 0 };
  const producer = (): FrameProducer => seats[seats.length - 1]?.producer ?? assert.fail();
  return {
    rings,
    held,
    expected,
    replace: (_: string) => void seats.push(install(rings, anyRing())),
    capture: (where: string) => {
      expected.captured += 1;
      expected.published += captureOrDrop(producer(), expected.captured, where);
    },
    lose: (_: string) => {
      producer().count('driver', 2);
      expected.captured += 2;
    },
    claim: (where: string) => {
      const { consumer } = seats[upTo(seats.length)] ?? assert.fail();
      const frame = consumer.claim();
      if (frame !== undefined) held.push({ consumer, frame });
      assert.ok((frame?.ordinal ?? 0) <= expected.published, where);
    },
    settle: (_: string) => {
      const [one] = held.splice(upTo(held.length), 1);
      one?.consumer.settle(one.frame, random() < 0.5 ? 'classified' : 'failed');
      expected.settled += one === undefined ? 0 : 1;
    },
    reclaim: (where: string) => {
      const ordinals = new Set(held.map(({ frame }) => frame.ordinal));
      assert.deepEqual(new Set(rings.reclaim(readerOwner)), ordinals, where);
      expected.settled += held.splice(0).length;
    },
  };
}

/** What happens, the more often the more often it is here. */
const happenings = [
  ...['capture', 'capture', 'capture', 'capture', 'capture'],
  ...['claim', 'claim', 'claim', 'settle', 'settle', 'settle'],
  ...['lose', 'replace', 'reclaim'],
] as readonly ('capture' | 'claim' | 'settle' | 'lose' | 'replace' | 'reclaim')[];

describe('the ledger of all rings', () => {
  it('is balanced and complete after every step, whatever happens', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = createRandom(seed);
      const session = sessionOf(random);
      for (let step = 0; step < 300; step += 1) {
        const where = `seed ${seed}, step ${step}`;
        session[happenings[Math.floor(random() * happenings.length)] ?? 'capture'](where);
        const ledger = session.rings.ledger();
        assert.equal(imbalanceOf(ledger), 0, where);
        assert.equal(ledger.captured, session.expected.captured, where);
        assert.equal(ledger.classified + ledger.failed, session.expected.settled, where);
        assert.ok(ledger.inFlight >= session.held.length, where);
      }
    }
  });
});
