import { assert } from '../base/assert.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { RingHandle } from '../contract/ring.ts';
import * as at from './layout.ts';
import { openSlots, type RingNumbers, type Slots } from './slots.ts';

/** The main thread's end of the ring: it neither writes nor reads frames, it keeps the books. */
export interface RingCustodian {
  /** The ledger, exact at any instant; never waits for another thread. */
  ledger(): Ledger;
  /**
   * Takes back what a dead thread held; call it only once the thread has ended. A frame half written
   * was never captured; a frame being read counts as failed. Returns the ordinals of the latter.
   */
  reclaim(owner: number): readonly number[];
  /** Drops every waiting frame as `stopped` or `superseded`: after a reopened camera, or at a hard stop. */
  discardWaiting(outcome: 'stopped' | 'superseded', owner: number): void;
  /** The numbers of the newest frame; the producer must not be at work. */
  numbers(): RingNumbers;
  /** Makes the numbers of a ring that was just made go on from another ring's. */
  continueFrom(numbers: RingNumbers): void;
  /** Ends the stream in place of a producer that died. */
  end(): void;
}

export function openCustodian(ring: RingHandle): RingCustodian {
  const slots = openSlots(ring);
  const { words } = slots;
  return {
    ledger: () => readLedger(slots),
    reclaim: (owner) => {
      const lost: number[] = [];
      for (let slot = 0; slot < ring.shape.slots; slot += 1) {
        const ordinal = reclaimSlot(slots, slot, owner);
        if (ordinal !== undefined) lost.push(ordinal);
      }
      // The dead thread may have fallen between a move and its notification.
      Atomics.add(words, at.readyWord, 1);
      Atomics.notify(words, at.readyWord);
      Atomics.add(words, at.freedWord, 1);
      Atomics.notify(words, at.freedWord);
      return lost;
    },
    discardWaiting: (outcome, owner) => {
      for (let slot = 0; slot < ring.shape.slots; slot += 1) {
        const word = slots.load(slot);
        if (at.stateOf(word) === at.stateReady) slots.settle(slot, word, outcome, owner);
      }
    },
    numbers: () => ({
      sequence: slots.before().sequence + readLedger(slots).captured,
      ordinal: slots.published(),
    }),
    continueFrom: slots.setBefore,
    end: () => {
      Atomics.store(words, at.endedWord, 1);
      Atomics.add(words, at.readyWord, 1);
      Atomics.notify(words, at.readyWord);
    },
  };
}

/** The ledger of a ring, for roles that must continue its numbers. */
export function ledgerOf(ring: RingHandle): Ledger {
  return readLedger(openSlots(ring));
}

function reclaimSlot(slots: Slots, slot: number, owner: number): number | undefined {
  const word = slots.load(slot);
  const state = at.stateOf(word);
  if (at.ownerOf(word) !== owner || state === at.stateFree || state === at.stateReady) {
    return undefined;
  }
  if (state === at.stateFilling) {
    slots.setCaptured(slot, slots.outcomes(slot));
    slots.move(slot, word, at.wordOf(at.stateFree, 0, at.generationOf(word)));
    return undefined;
  }
  if (state === at.stateReading) {
    const ordinal = slots.ordinal(slot);
    slots.settle(slot, word, 'failed', owner);
    return ordinal;
  }
  slots.finish(slot, word);
  return undefined;
}

/** Attempts at reading one slot unchanged; a slot lives through a frame in microseconds at the least. */
const attemptsMax = 1_000_000;

/**
 * Each slot is read as one consistent whole (its state word is the same before and after), and each
 * whole satisfies the equation, so their sum does. Frames that never held a slot count on both sides.
 */
function readLedger(slots: Slots): Ledger {
  const direct = at.directOutcomes.map(
    (_, index) => Atomics.load(slots.words, at.producerWords + index) >>> 0,
  );
  const [full = 0, driver = 0, gated = 0, failedAtCapture = 0, throttled = 0] = direct;
  const totals = { captured: full + driver + gated + failedAtCapture + throttled, inFlight: 0 };
  const settled = at.slotOutcomes.map(() => 0);
  for (let slot = 0; slot < slots.shape.slots; slot += 1) addSlot(slots, slot, totals, settled);
  const [classified = 0, superseded = 0, failed = 0, stopped = 0] = settled;
  return {
    captured: totals.captured,
    classified,
    gated,
    dropped: { superseded, full, driver, throttled, stopped },
    failed: failed + failedAtCapture,
    inFlight: totals.inFlight,
  };
}

function addSlot(
  slots: Slots,
  slot: number,
  totals: { captured: number; inFlight: number },
  settled: number[],
): void {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const word = slots.load(slot);
    const captured = slots.captured(slot);
    const outcomes = at.slotOutcomes.map((_, index) => slots.outcome(slot, index));
    if (slots.load(slot) !== word) continue;
    const state = at.stateOf(word);
    let sum = outcomes.reduce((total, count) => total + count, 0);
    if (state >= at.settledBase && sum !== captured) {
      // Decided but not yet counted: the state word is what counts.
      outcomes[state - at.settledBase] = (outcomes[state - at.settledBase] ?? 0) + 1;
      sum += 1;
    }
    // While a slot is filled its frame is not captured yet, whatever the counter says already.
    totals.captured += state === at.stateFilling ? sum : captured;
    totals.inFlight += state === at.stateReady || state === at.stateReading ? 1 : 0;
    outcomes.forEach((count, index) => {
      settled[index] = (settled[index] ?? 0) + count;
    });
    return;
  }
  assert(false, 'a slot can be read unchanged');
}
