import { assert } from '../base/assert.ts';
import type { Micros } from '../base/time.ts';
import { type FrameGeometry, isSameGeometry } from '../contract/frame.ts';
import type { RingHandle } from '../contract/ring.ts';
import * as at from './layout.ts';
import { openSlots, type Slots } from './slots.ts';

/** A frame that belongs to one reader until it is settled. */
export type ReadableFrame = {
  readonly slot: number;
  /** Counts every captured frame of the daemon's life, dropped ones too. */
  readonly sequence: number;
  /** Counts the frames that were handed to readers, without gaps. */
  readonly ordinal: number;
  readonly capturedAt: Micros;
  readonly driverSequence: number;
  readonly changeScore: number;
  readonly geometry: FrameGeometry;
  readonly bytesUsed: number;
  /** Where the pixels lie in the ring's memory. */
  readonly offset: number;
  readonly pixels: Uint8Array;
};

/** A reading end of the ring; several may be open, each with its own owner number. */
export interface FrameConsumer {
  /** The workspace that belongs to this reader. */
  readonly workspace: at.Workspace;
  /** Takes the frame that the ring's order says is next, or `undefined` when none waits. */
  claim(): ReadableFrame | undefined;
  /** Gives a claimed frame's slot back and accounts for the frame. */
  settle(frame: ReadableFrame, outcome: 'classified' | 'failed' | 'stopped'): void;
  /** True once the producer has ended and no frame waits; frames may still be with other readers. */
  isDrained(): boolean;
  /** Resolves once a frame may have become ready since the last `claim`, or after `wake`. */
  untilReady(): Promise<void>;
  /** Ends every reader's `untilReady` early, so that it can look at its messages. */
  wake(): void;
}

export function openConsumer(ring: RingHandle, owner: number, reader: number): FrameConsumer {
  assert(owner >= 1 && owner <= at.ownerMax, 'an owner number names a thread');
  const slots = openSlots(ring);
  const { words } = slots;
  const pixels = Array.from({ length: ring.shape.slots }, (_, index) => slots.pixels(index));
  let readySeen = Atomics.load(words, at.readyWord);
  let geometry: FrameGeometry | undefined;

  const frameOf = (slot: number): ReadableFrame => {
    const current = slots.geometry(slot);
    // One object as long as the stream stays the same: kernels plan anew when it is another.
    if (geometry === undefined || !isSameGeometry(geometry, current)) geometry = current;
    return {
      slot,
      sequence: slots.sequence(slot),
      ordinal: slots.ordinal(slot),
      capturedAt: slots.capturedMicros(slot),
      driverSequence: slots.driverSequence(slot),
      changeScore: slots.changeScore(slot),
      geometry,
      bytesUsed: slots.bytesUsed(slot),
      offset: at.slotOffsetOf(ring.shape, slot),
      pixels: pixels[slot] as Uint8Array,
    };
  };

  return {
    workspace: at.workspaceOf(ring, reader),
    claim: () => {
      // Read before the scan: a frame published during the scan then ends `untilReady` at once.
      readySeen = Atomics.load(words, at.readyWord);
      for (;;) {
        const scannedAt = Atomics.load(words, at.readyWord);
        const choice = choose(slots);
        if (choice === undefined) return undefined;
        const { slot, word } = choice;
        // A frame and its successor may both have become ready during the scan, the first in a slot
        // already passed: `fifo` then looks again, so that it never takes the successor first.
        if (ring.shape.order === 'fifo' && Atomics.load(words, at.readyWord) !== scannedAt)
          continue;
        const reading = at.wordOf(at.stateReading, owner, at.generationOf(word));
        // The frame is ours only if the slot has not changed since it was chosen. Else another
        // thread made progress: choose again.
        if (!slots.move(slot, word, reading)) continue;
        const frame = frameOf(slot);
        if (ring.shape.order !== 'fifo') dropOlder(slots, frame.sequence, owner);
        return frame;
      }
    },
    settle: (frame, outcome) => {
      const word = slots.load(frame.slot);
      assert(
        at.stateOf(word) === at.stateReading && at.ownerOf(word) === owner,
        'only a claimed frame is settled',
      );
      slots.settle(frame.slot, word, outcome, owner);
    },
    isDrained: () =>
      // The flag first: after it nothing more becomes ready.
      Atomics.load(words, at.endedWord) === 1 && choose(slots) === undefined,
    untilReady: async () => {
      const wait = Atomics.waitAsync(words, at.readyWord, readySeen);
      if (wait.async) await wait.value;
    },
    wake: () => {
      Atomics.add(words, at.readyWord, 1);
      Atomics.notify(words, at.readyWord);
    },
  };
}

/** The waiting slot that the order says is next, with the state word it had. */
function choose(slots: Slots): { readonly slot: number; readonly word: number } | undefined {
  const { order } = slots.shape;
  let chosen = -1;
  let chosenWord = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let slot = 0; slot < slots.shape.slots; slot += 1) {
    const word = slots.load(slot);
    if (at.stateOf(word) !== at.stateReady) continue;
    // The header may be overwritten while it is read here; then the claim that follows fails.
    const worth =
      order === 'priority'
        ? slots.changeScore(slot)
        : order === 'latest'
          ? slots.sequence(slot)
          : -slots.sequence(slot);
    if (worth < most) continue;
    chosen = slot;
    chosenWord = word;
    most = worth;
  }
  return chosen < 0 ? undefined : { slot: chosen, word: chosenWord };
}

/**
 * Lets go of every waiting frame older than the one just claimed, so that what a reader sees never
 * goes back in time. In `priority` order these are also the less changed ones.
 */
function dropOlder(slots: Slots, sequence: number, owner: number): void {
  for (let slot = 0; slot < slots.shape.slots; slot += 1) {
    const word = slots.load(slot);
    if (at.stateOf(word) !== at.stateReady || slots.sequence(slot) >= sequence) continue;
    slots.settle(slot, word, 'superseded', owner);
  }
}
