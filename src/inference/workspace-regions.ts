import type { ModelInput } from '../contract/manifest.ts';
import * as field from './plan-layout.ts';

/** Samples of a plane that one unpacking step makes at most. */
const stepSamplesMax = 32;
/** Vectors that may be read or written past a plane's or a row's end. */
const spareVectors = 2;
/** Parts of the workspace begin at multiples of a cache line. */
const alignment = 64;

/** Typed views of the whole memory; an address is divided by the element's size. */
export type MemoryViews = {
  readonly bytes: Uint8Array;
  readonly shorts: Int16Array;
  readonly words: Int32Array;
  readonly floats: Float32Array;
};

/** The parts of the workspace that depend on the input alone; addresses. */
export type InputRegions = {
  readonly plan: number;
  readonly tensor: number;
  /** As many bytes as the tensor has elements, before they are turned or become floats. */
  readonly bytes: number;
  /** Where elements are on their way from rows to columns. */
  readonly block: number;
  readonly rows: number;
  readonly rowsDistance: number;
  readonly normalisation: number;
  readonly matrix: number;
  readonly bars: number;
  /** Horizontal taps, a table for each group. */
  readonly columns: readonly number[];
  /** Where the parts begin that depend on the geometry. */
  readonly end: number;
};

export function channelsOf(input: ModelInput): number {
  return input.color === 'gray' ? 1 : 3;
}

/** Lays the workspace out from `offset` on. */
export function regionsOf(input: ModelInput, offset: number): InputRegions {
  const take = createTaker(offset);
  const elements = input.width * input.height * channelsOf(input);
  const isFloat = input.type === 'float32';
  const plan = take(field.PLAN_BYTES);
  const tensor = take(elements * (isFloat ? 4 : 1));
  // A row may become a column of the tensor.
  const rowWidthMax = Math.max(input.width, input.height);
  const rowsDistance = alignedOf((rowWidthMax + spareVectors * 8) * field.SAMPLE_BYTES);
  const columnsBytes = stepsOf(rowWidthMax, 8) * 4 * field.COLUMN_BYTES;
  return {
    plan,
    tensor,
    bytes: take(elements),
    block: take(field.BLOCK_BYTES),
    rows: take(rowsDistance * 3),
    rowsDistance,
    normalisation: take(6 * field.VECTOR_BYTES),
    matrix: take(12 * field.VECTOR_BYTES),
    bars: take(3 * field.VECTOR_BYTES),
    columns: Array.from({ length: field.GROUP_COUNT_MAX }, () => take(columnsBytes)),
    end: take(0),
  };
}

/** Bytes that `writePlan` takes after the regions at most, whatever part of the frame is looked at. */
export function planBytesMaxOf(input: ModelInput, frameWidth: number, frameHeight: number): number {
  const rows = Math.max(input.width, input.height);
  // A row has at most two taps more than frame rows under it, and at least one such row is counted.
  const weights = (frameHeight + 3 * rows) * 2;
  const taps = alignedOf(rows * field.ROW_TAPS_BYTES) + alignedOf(weights);
  return taps * field.STRIP_COUNT_MAX + planeBytesOf(frameWidth) * 3;
}

export function stepsOf(count: number, perStep: number): number {
  return Math.ceil(count / perStep);
}

/** Bytes of a plane of so many samples, as whole unpacking steps fill it. */
export function planeBytesOf(samples: number): number {
  const filled = stepsOf(samples, stepSamplesMax) * stepSamplesMax;
  return alignedOf(filled * field.SAMPLE_BYTES + spareVectors * field.VECTOR_BYTES);
}

/** Gives out one part of the workspace after another. */
export function createTaker(offset: number): (bytes: number) => number {
  let next = alignedOf(offset);
  return (bytes) => {
    const taken = next;
    next = alignedOf(next + bytes);
    return taken;
  };
}

export function alignedOf(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
