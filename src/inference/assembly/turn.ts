/** Rows become columns, 8 × 8 bytes at a time: a picture that is turned by 90 or 270 degrees. */
import {
  BLOCK,
  BLOCK_ROW,
  BYTES,
  BYTES_CHANNEL,
  BYTES_ROW,
  FLOATS,
  FLOATS_CHANNEL,
  FLOATS_ROW,
  NORMALISATION,
  ROW_WIDTH,
  TENSOR_CHANNELS,
  TURNED_BYTES,
  TURNED_CHANNEL,
  TURNED_ROW,
} from '../plan-layout.ts';
import { normalise, normaliseTriples } from './floats.ts';
import { nextOf } from './lanes.ts';
import { storeColors } from './store.ts';

/** Makes the tensor's columns [x, x + 8) of the rows [x, x + 8). */
export function turnRows(plan: usize, x: i32): void {
  const from = load<usize>(plan, BYTES) + <usize>x * load<usize>(plan, BYTES_ROW);
  const isFloat = load<usize>(plan, FLOATS) != 0;
  const interleaved = load<usize>(plan, TURNED_CHANNEL) == 0;
  if (isFloat) turnFloats(plan, from, x, interleaved);
  else if (interleaved) turnTriples(plan, from, x);
  else turnPlanes(plan, from, x);
}

/** 8-bit channels of their own: straight to their places. */
function turnPlanes(plan: usize, from: usize, x: i32): void {
  const rowBytes = load<usize>(plan, BYTES_ROW);
  const targetRow = load<usize>(plan, TURNED_ROW);
  const height = load<i32>(plan, ROW_WIDTH);
  let target = load<usize>(plan, TURNED_BYTES) + <usize>x;
  for (let c = load<i32>(plan, TENSOR_CHANNELS); c > 0; c -= 1) {
    for (let y = 0; y < height; y = nextOf(y, height)) {
      turnBlock(from + <usize>y, rowBytes, target + <usize>y * targetRow, targetRow);
    }
    from += load<usize>(plan, BYTES_CHANNEL);
    target += load<usize>(plan, TURNED_CHANNEL);
  }
}

/** 8-bit channels in turn. */
function turnTriples(plan: usize, from: usize, x: i32): void {
  const block = load<usize>(plan, BLOCK);
  const targetRow = load<usize>(plan, TURNED_ROW);
  const height = load<i32>(plan, ROW_WIDTH);
  const target = load<usize>(plan, TURNED_BYTES);
  for (let y = 0; y < height; y = nextOf(y, height)) {
    stageBlocks(plan, from + <usize>y);
    let to = target + <usize>y * targetRow;
    for (let row = block; row < block + 8 * BLOCK_ROW; row += BLOCK_ROW) {
      storeTriples(row, to, x);
      to += targetRow;
    }
  }
}

/** Floats, made from the bytes of one block after the other. */
function turnFloats(plan: usize, from: usize, x: i32, interleaved: bool): void {
  const block = load<usize>(plan, BLOCK);
  const height = load<i32>(plan, ROW_WIDTH);
  const channels = load<i32>(plan, TENSOR_CHANNELS);
  const table = load<usize>(plan, NORMALISATION);
  const floats = load<usize>(plan, FLOATS) + (<usize>(interleaved ? x * 3 : x) << 2);
  const targetRow = load<usize>(plan, FLOATS_ROW);
  const targetChannel = load<usize>(plan, FLOATS_CHANNEL);
  for (let y = 0; y < height; y = nextOf(y, height)) {
    stageBlocks(plan, from + <usize>y);
    let to = floats + <usize>y * targetRow;
    for (let row = block; row < block + 8 * BLOCK_ROW; row += BLOCK_ROW) {
      if (interleaved) {
        storeTriples(row, row, 0);
        normaliseTriples(row, to, 24, table);
      } else {
        for (let c = 0; c < channels; c += 1) {
          const at = <usize>c;
          normalise(row + at * 8, to + at * targetChannel, 8, table + at * 16);
        }
      }
      to += targetRow;
    }
  }
}

/** Turns a block of every channel into the plan's block: 8 bytes of each channel side by side. */
// @ts-ignore: decorator
@inline
function stageBlocks(plan: usize, from: usize): void {
  const rowBytes = load<usize>(plan, BYTES_ROW);
  const block = load<usize>(plan, BLOCK);
  const blockEnd = block + 8 * <usize>load<i32>(plan, TENSOR_CHANNELS);
  for (let to = block; to < blockEnd; to += 8) {
    turnBlock(from, rowBytes, to, BLOCK_ROW);
    from += load<usize>(plan, BYTES_CHANNEL);
  }
}

/** Interleaves a block's row; it has been read whole before anything is written. */
// @ts-ignore: decorator
@inline
function storeTriples(row: usize, target: usize, x: i32): void {
  const first = v128.load64_zero(row);
  storeColors(target, x, 0, v128.load64_lane(row, first, 1, 8), v128.load64_zero(row, 16));
}

/** 8 rows of 8 bytes, `distance` bytes apart, become 8 columns: rows `step` bytes apart. */
// @ts-ignore: decorator
@inline
function turnBlock(from: usize, distance: usize, to: usize, step: usize): void {
  const from4 = from + 4 * distance;
  const a = zip(v128.load64_zero(from), v128.load64_zero(from + distance));
  const b = zip(v128.load64_zero(from + 2 * distance), v128.load64_zero(from + 3 * distance));
  const c = zip(v128.load64_zero(from4), v128.load64_zero(from4 + distance));
  const d = zip(v128.load64_zero(from4 + 2 * distance), v128.load64_zero(from4 + 3 * distance));
  // Of the four rows' columns: 0 to 3, then 4 to 7.
  const upper0 = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  const upper1 = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  const lower0 = v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
  const lower1 = v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
  const to4 = to + 4 * step;
  storeHalves(v128.shuffle<i32>(upper0, lower0, 0, 4, 1, 5), to, step);
  storeHalves(v128.shuffle<i32>(upper0, lower0, 2, 6, 3, 7), to + 2 * step, step);
  storeHalves(v128.shuffle<i32>(upper1, lower1, 0, 4, 1, 5), to4, step);
  storeHalves(v128.shuffle<i32>(upper1, lower1, 2, 6, 3, 7), to4 + 2 * step, step);
}

// @ts-ignore: decorator
@inline
function zip(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function storeHalves(rows: v128, to: usize, step: usize): void {
  v128.store_lane<u64>(to, rows, 0);
  v128.store_lane<u64>(to + step, rows, 1);
}
