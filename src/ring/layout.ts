import { assert } from '../base/assert.ts';
import type { RingHandle, RingShape } from '../contract/ring.ts';

/**
 * The ring's memory, from its start:
 *
 *   header       words that everybody reads, each on a cache line of its own
 *   slot lines   two cache lines a slot: state and counters, then the frame's header
 *   slots        the frames' bytes, page-aligned
 *   workspaces   one a reader, page-aligned: where its tensor kernel keeps tables and rows
 *
 * The memory is a shared `WebAssembly.Memory`: its buffer is a SharedArrayBuffer whose start is
 * page-aligned (a plain one's is not), so that a driver can write into slots directly, and kernels
 * in WebAssembly can read frames where they lie.
 */

export const pageBytes = 4096;
const wasmPageBytes = 65536;
const lineWords = 16; // 64 bytes: the cache line of x86-64 and of the Pi's Cortex-A72 and A76.

/** At most this many slots: enough to ride out a second at 60 fps, and a scan of them stays short. */
export const slotsMax = 64;
/** Owner 0 is nobody, so five bits name 31 threads. */
export const ownerMax = 31;
/** At most 2 GiB in all: a typed array's reach, and more than a Pi has to spare. */
export const ringBytesMax = 2 ** 31;

/** A reader's own part of the ring's memory, after the slots: its kernel's tables, rows and output. */
export type Workspace = {
  readonly memory: WebAssembly.Memory;
  readonly offset: number;
  readonly bytes: number;
};

// Header words (indices into the Int32Array over the whole memory).
export const readyWord = lineWords; // +1 on every publish; readers sleep on it.
export const freedWord = 2 * lineWords; // +1 on every freed slot; a lossless producer sleeps on it.
export const wakeAtWord = 2 * lineWords + 1; // Value of `freedWord` from which the sleeping producer is woken.
export const endedWord = 3 * lineWords; // 1 once no more frames will come.
export const producerWords = 4 * lineWords; // Frames that never held a slot, by `directOutcomes`.
/** Float64s: the sequence and the ordinal of the last frame of the ring before this one. */
export const beforeWord = 5 * lineWords;
const headerWords = 8 * lineWords;

/** Outcomes that the producer counts for frames that never held a slot. */
export const directOutcomes = ['full', 'driver', 'gated', 'failed', 'throttled'] as const;
export type DirectOutcome = (typeof directOutcomes)[number];

/** Outcomes of frames that held a slot, in the order of the state codes from `settledBase`. */
export const slotOutcomes = ['classified', 'superseded', 'failed', 'stopped'] as const;
export type SlotOutcome = (typeof slotOutcomes)[number];

// Words of a slot's state line, relative to `slotWordOf`.
export const stateAt = 0;
export const capturedAt = 1;
export const outcomesAt = 2;

// Words of a slot's frame header line, relative to `frameWordOf`; the first three are Float64.
export const sequenceAt = 0;
export const ordinalAt = 2;
export const capturedMicrosAt = 4;
export const driverSequenceAt = 6;
export const changeScoreAt = 7; // Float32
export const formatAt = 8;
export const widthAt = 9;
export const heightAt = 10;
export const strideAt = 11;
export const bytesUsedAt = 12;
export const colorAt = 13;

export const slotWordOf = (slot: number): number => headerWords + slot * 2 * lineWords;
export const frameWordOf = (slot: number): number => slotWordOf(slot) + lineWords;

/*
 * A slot's state word: bits 0–2 the state, 3–7 the owner, 8–31 the generation, which grows whenever
 * the slot is taken for a new frame, so that a compare-and-swap on a word read earlier fails when
 * the slot has lived through another frame in between.
 */
export const stateFree = 0;
export const stateFilling = 1;
export const stateReady = 2;
export const stateReading = 3;
export const settledBase = 4; // 4–7: settled with `slotOutcomes[state - 4]`, not yet free.

export const stateOf = (word: number): number => word & 7;
export const ownerOf = (word: number): number => (word >>> 3) & 31;
export const generationOf = (word: number): number => word >>> 8;
export const wordOf = (state: number, owner: number, generation: number): number =>
  (generation << 8) | (owner << 3) | state;

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

export const slotStrideOf = (shape: RingShape): number => roundUp(shape.slotBytes, pageBytes);
const slotsOffsetOf = (shape: RingShape): number =>
  roundUp(slotWordOf(shape.slots) * Int32Array.BYTES_PER_ELEMENT, pageBytes);

/** Byte offset of a slot's pixels in the memory. */
export const slotOffsetOf = (shape: RingShape, slot: number): number =>
  slotsOffsetOf(shape) + slot * slotStrideOf(shape);

const workspaceStrideOf = (shape: RingShape): number => roundUp(shape.workspaceBytes, pageBytes);

/** The workspace of reader `reader` (0 to `shape.readers` − 1). */
export function workspaceOf(ring: RingHandle, reader: number): Workspace {
  assert(reader >= 0 && reader < ring.shape.readers, 'a workspace for each reader');
  const offset =
    slotOffsetOf(ring.shape, ring.shape.slots) + reader * workspaceStrideOf(ring.shape);
  return { memory: ring.memory, offset, bytes: ring.shape.workspaceBytes };
}

/** Bytes of memory that a ring of this shape takes. */
export function ringBytesOf(shape: RingShape): number {
  return roundUp(
    slotOffsetOf(shape, shape.slots) + shape.readers * workspaceStrideOf(shape),
    wasmPageBytes,
  );
}

/** Makes a ring; all slots are free. Its memory is zeroed by the kernel and used only when touched. */
export function createRing(shape: RingShape): RingHandle {
  assert(shape.slots >= 1 && shape.slots <= slotsMax, `1 to ${slotsMax} slots`);
  assert(shape.slotBytes > 0, 'a slot holds a frame');
  assert(ringBytesOf(shape) <= ringBytesMax, 'the ring fits its limit');
  const pages = ringBytesOf(shape) / wasmPageBytes;
  return {
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    shape,
  };
}
