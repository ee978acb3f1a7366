import { assert } from '../base/assert.ts';
import type { Micros } from '../base/time.ts';
import {
  type FrameColor,
  type FrameGeometry,
  frameColors,
  type PixelFormat,
  pixelFormats,
} from '../contract/frame.ts';
import type { RingHandle } from '../contract/ring.ts';
import * as at from './layout.ts';

/** What a source knows of a frame besides its pixels. */
export type FrameStamp = {
  readonly capturedAt: Micros;
  readonly driverSequence: number;
  /** Mean absolute luma difference to the frame before, 0 to 255. */
  readonly changeScore: number;
  readonly geometry: FrameGeometry;
  readonly bytesUsed: number;
};

/** The numbers of one frame. */
export type RingNumbers = { readonly sequence: number; readonly ordinal: number };

/**
 * The moves of a slot, shared by the ring's three roles. A move is one compare-and-swap of the state
 * word, sequentially consistent: what its thread wrote before is visible to whoever sees the new word.
 *
 * The ledger is kept so that a thread killed between any two instructions leaves it mendable: a slot
 * counts what it captured and each outcome itself, only its owner touches these counters, and
 * outside a move `captured − Σ outcomes` is 1 while a frame is in flight and 0 otherwise. The outcome
 * is decided by the state word (`settled…`) before it is counted, so that whoever finds a settled
 * slot without an owner knows from the difference whether it was counted already.
 */
export type Slots = ReturnType<typeof openSlots>;

export function openSlots(ring: RingHandle) {
  const { shape } = ring;
  const buffer = ring.memory.buffer as unknown as SharedArrayBuffer;
  const words = new Int32Array(buffer);
  const floats = new Float32Array(buffer);
  const doubles = new Float64Array(buffer);

  const load = (slot: number): number => Atomics.load(words, at.slotWordOf(slot) + at.stateAt);

  /** Moves a slot from exactly `from`; false when somebody else was faster. */
  const move = (slot: number, from: number, to: number): boolean =>
    Atomics.compareExchange(words, at.slotWordOf(slot) + at.stateAt, from, to) === from;

  const captured = (slot: number): number =>
    Atomics.load(words, at.slotWordOf(slot) + at.capturedAt) >>> 0;

  const outcome = (slot: number, index: number): number =>
    Atomics.load(words, at.slotWordOf(slot) + at.outcomesAt + index) >>> 0;

  const outcomes = (slot: number): number => {
    let sum = 0;
    for (let index = 0; index < at.slotOutcomes.length; index += 1) sum += outcome(slot, index);
    return sum;
  };

  /** Sets the slot's `captured`; ordered before the state word that follows. */
  const setCaptured = (slot: number, value: number): void => {
    Atomics.store(words, at.slotWordOf(slot) + at.capturedAt, value);
  };

  /** Counts the outcome that a settled slot's word names, unless that was done, and frees the slot. */
  const finish = (slot: number, settled: number): void => {
    const index = at.stateOf(settled) - at.settledBase;
    if (captured(slot) !== outcomes(slot)) {
      Atomics.store(words, at.slotWordOf(slot) + at.outcomesAt + index, outcome(slot, index) + 1);
    }
    const freed = move(slot, settled, at.wordOf(at.stateFree, 0, at.generationOf(settled)));
    assert(freed, 'only its owner frees a settled slot');
    // The slot's new state comes before the count that a sleeping producer waits for.
    const count = Atomics.add(words, at.freedWord, 1) + 1;
    if (((count - Atomics.load(words, at.wakeAtWord)) | 0) >= 0)
      Atomics.notify(words, at.freedWord);
  };

  /** Ends a frame with an outcome, when the slot is still at `from`. */
  const settle = (slot: number, from: number, to: at.SlotOutcome, owner: number): boolean => {
    const state = at.settledBase + at.slotOutcomes.indexOf(to);
    const settled = at.wordOf(state, owner, at.generationOf(from));
    if (!move(slot, from, settled)) return false;
    finish(slot, settled);
    return true;
  };

  const writeHeader = (
    slot: number,
    sequence: number,
    ordinal: number,
    stamp: FrameStamp,
  ): void => {
    const word = at.frameWordOf(slot);
    doubles[(word + at.sequenceAt) >> 1] = sequence;
    doubles[(word + at.ordinalAt) >> 1] = ordinal;
    doubles[(word + at.capturedMicrosAt) >> 1] = stamp.capturedAt;
    words[word + at.driverSequenceAt] = stamp.driverSequence;
    floats[word + at.changeScoreAt] = stamp.changeScore;
    words[word + at.formatAt] = pixelFormats.indexOf(stamp.geometry.format);
    words[word + at.widthAt] = stamp.geometry.width;
    words[word + at.heightAt] = stamp.geometry.height;
    words[word + at.strideAt] = stamp.geometry.stride;
    words[word + at.bytesUsedAt] = stamp.bytesUsed;
    words[word + at.colorAt] = frameColors.indexOf(stamp.geometry.color);
  };

  const sequence = (slot: number): number =>
    doubles[(at.frameWordOf(slot) + at.sequenceAt) >> 1] as number;
  const ordinal = (slot: number): number =>
    doubles[(at.frameWordOf(slot) + at.ordinalAt) >> 1] as number;
  const capturedMicros = (slot: number): Micros =>
    doubles[(at.frameWordOf(slot) + at.capturedMicrosAt) >> 1] as Micros;
  const driverSequence = (slot: number): number =>
    (words[at.frameWordOf(slot) + at.driverSequenceAt] as number) >>> 0;
  const changeScore = (slot: number): number =>
    floats[at.frameWordOf(slot) + at.changeScoreAt] as number;

  const geometry = (slot: number): FrameGeometry => {
    const word = at.frameWordOf(slot);
    return {
      format: pixelFormats[words[word + at.formatAt] as number] as PixelFormat,
      width: words[word + at.widthAt] as number,
      height: words[word + at.heightAt] as number,
      stride: words[word + at.strideAt] as number,
      color: frameColors[words[word + at.colorAt] as number] as FrameColor,
    };
  };

  const bytesUsed = (slot: number): number =>
    words[at.frameWordOf(slot) + at.bytesUsedAt] as number;

  /** The last numbers of the ring before this one; 0 in the first. */
  const before = (): RingNumbers => ({
    sequence: doubles[at.beforeWord >> 1] as number,
    ordinal: doubles[(at.beforeWord >> 1) + 1] as number,
  });
  const setBefore = ({ sequence: first, ordinal: second }: RingNumbers): void => {
    doubles[at.beforeWord >> 1] = first;
    doubles[(at.beforeWord >> 1) + 1] = second;
  };

  /** The ordinal of the frame that was published last. */
  const published = (): number => {
    let sum = before().ordinal;
    for (let slot = 0; slot < shape.slots; slot += 1) sum += captured(slot);
    return sum;
  };

  const pixels = (slot: number): Uint8Array =>
    new Uint8Array(buffer, at.slotOffsetOf(shape, slot), shape.slotBytes);

  return {
    shape,
    words,
    load,
    move,
    captured,
    outcome,
    outcomes,
    setCaptured,
    finish,
    settle,
    writeHeader,
    sequence,
    ordinal,
    capturedMicros,
    driverSequence,
    changeScore,
    geometry,
    bytesUsed,
    before,
    setBefore,
    published,
    pixels,
  };
}
