import { assert } from '../base/assert.ts';
import type { RingHandle } from '../contract/ring.ts';
import { ledgerOf } from './custodian.ts';
import * as at from './layout.ts';
import { type FrameStamp, openSlots, type Slots } from './slots.ts';

/** A slot that belongs to the producer until it is published or abandoned. */
export type WritableSlot = {
  readonly index: number;
  /** The slot's bytes; a frame starts at the first one. */
  readonly pixels: Uint8Array;
};

/** The writing end of the ring: exactly one is open at a time. */
export interface FrameProducer {
  /**
   * A slot for the next frame. When none is free, `latest` gives up its oldest waiting frame and
   * `priority` its least changed one; `undefined` when even that is impossible.
   */
  claim(): WritableSlot | undefined;
  /** Hands the claimed slot's frame to the readers. Returns the frame's sequence number. */
  publish(slot: WritableSlot, stamp: FrameStamp): number;
  /** Gives a claimed slot back without a frame. */
  abandon(slot: WritableSlot): void;
  /** Accounts for frames that never held a slot; each takes a sequence number too. */
  count(outcome: at.DirectOutcome, frames: number): void;
  /**
   * Resolves once slots have become free since the last `claim` (half of them, when all were taken),
   * or after `wake`. Lossless sources wait here.
   */
  untilFreed(): Promise<void>;
  /** Ends `untilFreed` early, so that its caller can look at something else. */
  wake(): void;
  /** Says that no more frames will come: readers drain what waits and then see the end. */
  end(): void;
}

export function openProducer(ring: RingHandle, owner: number): FrameProducer {
  assert(owner >= 1 && owner <= at.ownerMax, 'an owner number names a thread');
  const slots = openSlots(ring);
  const { words } = slots;
  const writable: WritableSlot[] = [];
  for (let index = 0; index < ring.shape.slots; index += 1) {
    writable.push({ index, pixels: slots.pixels(index) });
  }
  // A producer that follows another one continues its numbers.
  let sequence = slots.before().sequence + ledgerOf(ring).captured;
  let ordinal = slots.published();
  let freedSeen = Atomics.load(words, at.freedWord);
  // A full ring has work for its readers: waking for every single slot would only cost.
  const wakeAfter = Math.max(1, ring.shape.slots >> 1);
  Atomics.store(words, at.endedWord, 0);

  const take = (index: number, free: number): WritableSlot | undefined => {
    const filling = at.wordOf(at.stateFilling, owner, at.generationOf(free) + 1);
    return slots.move(index, free, filling) ? writable[index] : undefined;
  };

  const wake = (): void => {
    Atomics.add(words, at.freedWord, 1);
    Atomics.notify(words, at.freedWord);
  };

  return {
    claim: () => {
      // Read before the scan: a slot freed during the scan then ends `untilFreed` at once.
      freedSeen = Atomics.load(words, at.freedWord);
      for (let index = 0; index < ring.shape.slots; index += 1) {
        const word = slots.load(index);
        if (at.stateOf(word) === at.stateFree) return take(index, word);
      }
      const victim = ring.shape.order === 'fifo' ? -1 : victimOf(slots);
      if (victim < 0) return undefined;
      const word = slots.load(victim);
      if (at.stateOf(word) !== at.stateReady) return undefined; // A reader was faster.
      if (!slots.settle(victim, word, 'superseded', owner)) return undefined;
      return take(victim, slots.load(victim));
    },
    publish: (slot, stamp) => {
      const word = slots.load(slot.index);
      assert(isFilling(word, owner), 'only a claimed slot is published');
      assert(stamp.bytesUsed <= ring.shape.slotBytes, 'a frame fits its slot');
      sequence += 1;
      ordinal += 1;
      slots.writeHeader(slot.index, sequence, ordinal, stamp);
      slots.setCaptured(slot.index, slots.captured(slot.index) + 1);
      // Makes the pixels and the header visible to the reader that claims the slot.
      slots.move(slot.index, word, at.wordOf(at.stateReady, 0, at.generationOf(word)));
      Atomics.add(words, at.readyWord, 1);
      Atomics.notify(words, at.readyWord);
      return sequence;
    },
    abandon: (slot) => {
      const word = slots.load(slot.index);
      assert(isFilling(word, owner), 'only a claimed slot is abandoned');
      slots.move(slot.index, word, at.wordOf(at.stateFree, 0, at.generationOf(word)));
    },
    count: (outcome, frames) => {
      sequence += frames;
      // One atomic step is both sides of the ledger: captured and accounted for.
      Atomics.add(words, at.producerWords + at.directOutcomes.indexOf(outcome), frames);
    },
    untilFreed: async () => {
      // Before the sleep, so that whoever frees a slot after it sees when to wake us.
      Atomics.store(words, at.wakeAtWord, (freedSeen + wakeAfter) | 0);
      const wait = Atomics.waitAsync(words, at.freedWord, freedSeen);
      if (wait.async) await wait.value;
    },
    wake,
    end: () => {
      Atomics.store(words, at.endedWord, 1);
      // Readers that sleep look again and see the end.
      Atomics.add(words, at.readyWord, 1);
      Atomics.notify(words, at.readyWord);
    },
  };
}

function isFilling(word: number, owner: number): boolean {
  return at.stateOf(word) === at.stateFilling && at.ownerOf(word) === owner;
}

/** The waiting frame to give up: the oldest, or in `priority` order the least changed. */
function victimOf(slots: Slots): number {
  const byChange = slots.shape.order === 'priority';
  let victim = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < slots.shape.slots; index += 1) {
    if (at.stateOf(slots.load(index)) !== at.stateReady) continue;
    const worth = byChange ? slots.changeScore(index) : slots.sequence(index);
    if (worth >= least) continue;
    victim = index;
    least = worth;
  }
  return victim;
}
