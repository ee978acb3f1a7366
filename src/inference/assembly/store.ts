/** The last steps: rows are mixed into the tensor's colours, interleaved or not, and normalised. */
import {
  BYTES,
  BYTES_CHANNEL,
  BYTES_ROW,
  FLOATS,
  FLOATS_CHANNEL,
  FLOATS_ROW,
  MATRIX,
  MIXED_SHIFT,
  MIXING,
  MIXING_ROW_0,
  MIXING_ROW_1,
  MIXING_ROW_2,
  MIX_LUMA,
  MIX_NONE,
  NORMALISATION,
  ROW_WIDTH,
  TENSOR_CHANNELS,
  TURNED,
} from '../plan-layout.ts';
import { normalise, normaliseTriples } from './floats.ts';
import { nextOf } from './lanes.ts';

/** Makes row `y` out of the resampled rows: bytes, and floats unless it has yet to be turned. */
export function storeRow(plan: usize, y: i32): void {
  const bytes = load<usize>(plan, BYTES) + <usize>y * load<usize>(plan, BYTES_ROW);
  const width = load<i32>(plan, ROW_WIDTH);
  const channels = load<i32>(plan, TENSOR_CHANNELS);
  const step = load<usize>(plan, BYTES_CHANNEL);
  if (channels == 1) mixGray(plan, bytes, width);
  else {
    const mixing = load<i32>(plan, MIXING);
    if (mixing == MIX_LUMA) mixLuma(plan, bytes, width, step);
    else if (mixing == MIX_NONE) mixNone(plan, bytes, width, step);
    else mixAll(plan, bytes, width, step);
  }

  const floats = load<usize>(plan, FLOATS);
  if (floats == 0 || load<i32>(plan, TURNED) != 0) return;
  const target = floats + <usize>y * load<usize>(plan, FLOATS_ROW);
  const table = load<usize>(plan, NORMALISATION);
  if (channels == 3 && step == 0) return normaliseTriples(bytes, target, width * 3, table);
  const targetStep = load<usize>(plan, FLOATS_CHANNEL);
  for (let c = 0; c < channels; c += 1) {
    const at = <usize>c;
    normalise(bytes + at * step, target + at * targetStep, width, table + at * 16);
  }
}

/** One colour, as levels times 64 with the rounding included: a row of the matrix. */
// @ts-ignore: decorator
@inline
function mix(a: v128, b: v128, c: v128, matrix: usize): v128 {
  const first = i16x8.add_sat_s(
    v128.load(matrix, 48),
    i16x8.q15mulr_sat_s(a, v128.load(matrix)),
  );
  const second = i16x8.add_sat_s(first, i16x8.q15mulr_sat_s(b, v128.load(matrix, 16)));
  const third = i16x8.add_sat_s(second, i16x8.q15mulr_sat_s(c, v128.load(matrix, 32)));
  return i16x8.shr_s(third, MIXED_SHIFT);
}

function mixGray(plan: usize, target: usize, width: i32): void {
  const matrix = load<usize>(plan, MATRIX);
  const row0 = load<usize>(plan, MIXING_ROW_0);
  const row1 = load<usize>(plan, MIXING_ROW_1);
  const row2 = load<usize>(plan, MIXING_ROW_2);
  for (let x = 0; x < width; x = nextOf(x, width)) {
    const at = <usize>x << 1;
    const gray = mix(v128.load(row0 + at), v128.load(row1 + at), v128.load(row2 + at), matrix);
    v128.store_lane<u64>(target + <usize>x, i8x16.narrow_i16x8_u(gray, gray), 0);
  }
}

/** Three colours from any three rows; `step` bytes between the colours, 0 where they alternate. */
function mixAll(plan: usize, target: usize, width: i32, step: usize): void {
  const matrix = load<usize>(plan, MATRIX);
  const row0 = load<usize>(plan, MIXING_ROW_0);
  const row1 = load<usize>(plan, MIXING_ROW_1);
  const row2 = load<usize>(plan, MIXING_ROW_2);
  for (let x = 0; x < width; x = nextOf(x, width)) {
    const at = <usize>x << 1;
    const a = v128.load(row0 + at);
    const b = v128.load(row1 + at);
    const c = v128.load(row2 + at);
    const first = mix(a, b, c, matrix);
    const second = mix(a, b, c, matrix + 64);
    const third = mix(a, b, c, matrix + 128);
    const pair = i8x16.narrow_i16x8_u(first, second);
    storeColors(target, x, step, pair, i8x16.narrow_i16x8_u(third, third));
  }
}

/** Three colours from luma and two chroma rows: the same with the zeros left out. */
function mixLuma(plan: usize, target: usize, width: i32, step: usize): void {
  const matrix = load<usize>(plan, MATRIX);
  const row0 = load<usize>(plan, MIXING_ROW_0);
  const row1 = load<usize>(plan, MIXING_ROW_1);
  const row2 = load<usize>(plan, MIXING_ROW_2);
  const lumaGain = v128.load(matrix);
  const gain1 = v128.load(matrix, 16);
  const bias1 = v128.load(matrix, 48);
  const gain21 = v128.load(matrix, 80);
  const gain22 = v128.load(matrix, 96);
  const bias2 = v128.load(matrix, 112);
  const gain3 = v128.load(matrix, 160);
  const bias3 = v128.load(matrix, 176);
  for (let x = 0; x < width; x = nextOf(x, width)) {
    const at = <usize>x << 1;
    const luma = i16x8.q15mulr_sat_s(v128.load(row0 + at), lumaGain);
    const b = v128.load(row1 + at);
    const c = v128.load(row2 + at);
    const first = i16x8.add_sat_s(i16x8.add_sat_s(luma, bias1), i16x8.q15mulr_sat_s(b, gain1));
    const third = i16x8.add_sat_s(i16x8.add_sat_s(luma, bias3), i16x8.q15mulr_sat_s(c, gain3));
    const chroma = i16x8.add_sat_s(i16x8.q15mulr_sat_s(b, gain21), i16x8.q15mulr_sat_s(c, gain22));
    const second = i16x8.add_sat_s(i16x8.add_sat_s(luma, bias2), chroma);
    const pair = i8x16.narrow_i16x8_u(
      i16x8.shr_s(first, MIXED_SHIFT),
      i16x8.shr_s(second, MIXED_SHIFT),
    );
    const last = i16x8.shr_s(third, MIXED_SHIFT);
    storeColors(target, x, step, pair, i8x16.narrow_i16x8_u(last, last));
  }
}

/** A row's 8 samples as levels less 128. */
// @ts-ignore: decorator
@inline
function levelsOf(row: usize): v128 {
  return i16x8.shr_s(i16x8.add_sat_s(v128.load(row), i16x8.splat(128)), 8);
}

/** Three rows that are the colours already: rounded, and 128 added by flipping the top bit. */
function mixNone(plan: usize, target: usize, width: i32, step: usize): void {
  const row0 = load<usize>(plan, MIXING_ROW_0);
  const row1 = load<usize>(plan, MIXING_ROW_1);
  const row2 = load<usize>(plan, MIXING_ROW_2);
  const flip = i8x16.splat(-128);
  for (let x = 0; x < width; x = nextOf(x, width)) {
    const at = <usize>x << 1;
    const third = levelsOf(row2 + at);
    const pair = i8x16.narrow_i16x8_s(levelsOf(row0 + at), levelsOf(row1 + at));
    const last = i8x16.narrow_i16x8_s(third, third);
    storeColors(target, x, step, v128.xor(pair, flip), v128.xor(last, flip));
  }
}

/** Stores 8 elements: `pair` holds the first colour and the second, `last` the third. */
// @ts-ignore: decorator
@inline
export function storeColors(target: usize, x: i32, step: usize, pair: v128, last: v128): void {
  if (step == 0) {
    const at = target + <usize>(x * 3);
    v128.store(
      at,
      v128.or(
        i8x16.swizzle(pair, i8x16(0, 8, -1, 1, 9, -1, 2, 10, -1, 3, 11, -1, 4, 12, -1, 5)),
        i8x16.swizzle(last, i8x16(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1)),
      ),
    );
    v128.store_lane<u64>(
      at,
      v128.or(
        i8x16.swizzle(pair, i8x16(13, -1, 6, 14, -1, 7, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
        i8x16.swizzle(last, i8x16(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, -1, -1, -1, -1, -1, -1)),
      ),
      0,
      16,
    );
  } else {
    const at = target + <usize>x;
    v128.store_lane<u64>(at, pair, 0);
    v128.store_lane<u64>(at + step, pair, 1);
    v128.store_lane<u64>(at + 2 * step, last, 0);
  }
}
