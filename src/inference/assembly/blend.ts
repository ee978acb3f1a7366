/**
 * The vertical half of the resampling, and the unpacking of pixels into planes. It runs on the bytes
 * as they lie in the frame, because a weighted sum of rows does not care which byte is which
 * channel; only the sum is unpacked, once per picture row.
 */
import {
  ROW_TAPS_BYTES,
  ROW_TAPS_COUNT,
  ROW_TAPS_FIRST,
  ROW_TAPS_WEIGHTS,
  STRIP_PLANE_0,
  STRIP_PLANE_1,
  STRIP_PLANE_2,
  STRIP_START,
  STRIP_STEPS,
  STRIP_STRIDE,
  STRIP_TAPS,
  STRIP_UNPACKING,
  UNPACK_PAIRS,
  UNPACK_RGB3,
  UNPACK_SINGLE,
  UNPACK_UYVY,
  UNPACK_YUYV,
} from '../plan-layout.ts';
import { evenLanes, oddLanes } from './lanes.ts';

/** Blends the frame rows under picture row `row` and unpacks them into the strip's planes. */
export function blendStrip(strip: usize, frame: usize, row: i32): void {
  const taps = load<usize>(strip, STRIP_TAPS) + <usize>row * ROW_TAPS_BYTES;
  const stride = load<usize>(strip, STRIP_STRIDE);
  const source = frame + load<usize>(strip, STRIP_START) + load<usize>(taps, ROW_TAPS_FIRST) * stride;
  const weights = load<usize>(taps, ROW_TAPS_WEIGHTS);
  const end = weights + (load<usize>(taps, ROW_TAPS_COUNT) << 1);
  const kind = load<i32>(strip, STRIP_UNPACKING);
  if (kind == UNPACK_YUYV) blendYuyv(strip, source, stride, weights, end);
  else if (kind == UNPACK_SINGLE) blendSingle(strip, source, stride, weights, end);
  else if (kind == UNPACK_PAIRS) blendPairs(strip, source, stride, weights, end);
  else if (kind == UNPACK_RGB3) blendRgb3(strip, source, stride, weights, end);
  else if (kind == UNPACK_UYVY) blendUyvy(strip, source, stride, weights, end);
  else unreachable();
}

/**
 * The low or high 8 bytes of `bytes`, centred on 0 and times 256, times a weight of 1/32768. The
 * flip of the top bit subtracts 128, the interleaving with zeros multiplies by 256.
 */
// @ts-ignore: decorator
@inline
function weighLow(flipped: v128, weight: v128): v128 {
  const wide = v128.shuffle<u8>(
    i64x2.splat(0), flipped,
    0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
  );
  return i16x8.q15mulr_sat_s(wide, weight);
}

// @ts-ignore: decorator
@inline
function weighHigh(flipped: v128, weight: v128): v128 {
  const wide = v128.shuffle<u8>(
    i64x2.splat(0), flipped,
    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
  );
  return i16x8.q15mulr_sat_s(wide, weight);
}

/**
 * 32 bytes a step, in one of four unpackings; a function for each comes of inlining with `kind` a
 * constant. A step makes 16 samples of the first plane, 32 where there is no other.
 */
// @ts-ignore: decorator
@inline
function blendWords(
  strip: usize, source: usize, stride: usize, weights: usize, end: usize, kind: i32,
): void {
  let first = load<usize>(strip, STRIP_PLANE_0);
  let second = load<usize>(strip, STRIP_PLANE_1);
  let third = load<usize>(strip, STRIP_PLANE_2);
  const firstBytes: usize = kind == UNPACK_SINGLE ? 64 : 32;
  const otherBytes: usize = kind == UNPACK_PAIRS ? 32 : 16;
  const firstEnd = first + load<usize>(strip, STRIP_STEPS) * firstBytes;
  const flip = i8x16.splat(-128);
  while (first < firstEnd) {
    let sum0 = i64x2.splat(0);
    let sum1 = i64x2.splat(0);
    let sum2 = i64x2.splat(0);
    let sum3 = i64x2.splat(0);
    let from = source;
    let tap = weights;
    do {
      const weight = v128.load_splat<i16>(tap);
      const bytes0 = v128.xor(v128.load(from), flip);
      const bytes1 = v128.xor(v128.load(from, 16), flip);
      sum0 = i16x8.add(sum0, weighLow(bytes0, weight));
      sum1 = i16x8.add(sum1, weighHigh(bytes0, weight));
      sum2 = i16x8.add(sum2, weighLow(bytes1, weight));
      sum3 = i16x8.add(sum3, weighHigh(bytes1, weight));
      from += stride;
      tap += 2;
    } while (tap < end);
    if (kind == UNPACK_SINGLE) {
      v128.store(first, sum0);
      v128.store(first, sum1, 16);
      v128.store(first, sum2, 32);
      v128.store(first, sum3, 48);
    } else if (kind == UNPACK_PAIRS) {
      storeEven(first, sum0, sum1, sum2, sum3);
      storeOdd(second, sum0, sum1, sum2, sum3);
    } else if (kind == UNPACK_YUYV) {
      storeEven(first, sum0, sum1, sum2, sum3);
      const chroma0 = oddLanes(sum0, sum1);
      const chroma1 = oddLanes(sum2, sum3);
      v128.store(second, evenLanes(chroma0, chroma1));
      v128.store(third, oddLanes(chroma0, chroma1));
    } else {
      storeOdd(first, sum0, sum1, sum2, sum3);
      const chroma0 = evenLanes(sum0, sum1);
      const chroma1 = evenLanes(sum2, sum3);
      v128.store(second, evenLanes(chroma0, chroma1));
      v128.store(third, oddLanes(chroma0, chroma1));
    }
    source += 32;
    first += firstBytes;
    second += otherBytes;
    third += otherBytes;
  }
}

/** The even lanes of four vectors. */
// @ts-ignore: decorator
@inline
function storeEven(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(to, evenLanes(a, b));
  v128.store(to, evenLanes(c, d), 16);
}

/** The odd lanes of four vectors. */
// @ts-ignore: decorator
@inline
function storeOdd(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(to, oddLanes(a, b));
  v128.store(to, oddLanes(c, d), 16);
}

/** Y0 U0 Y1 V0 … into the planes Y, U and V. */
function blendYuyv(strip: usize, source: usize, stride: usize, weights: usize, end: usize): void {
  blendWords(strip, source, stride, weights, end, UNPACK_YUYV);
}

/** U0 Y0 V0 Y1 … into the planes Y, U and V. */
function blendUyvy(strip: usize, source: usize, stride: usize, weights: usize, end: usize): void {
  blendWords(strip, source, stride, weights, end, UNPACK_UYVY);
}

/** One plane as it is. */
function blendSingle(strip: usize, source: usize, stride: usize, weights: usize, end: usize): void {
  blendWords(strip, source, stride, weights, end, UNPACK_SINGLE);
}

/** A0 B0 A1 B1 … into the planes A and B. */
function blendPairs(strip: usize, source: usize, stride: usize, weights: usize, end: usize): void {
  blendWords(strip, source, stride, weights, end, UNPACK_PAIRS);
}

/** 48 bytes, 16 pixels a step: R0 G0 B0 R1 … into the planes R, G and B. */
function blendRgb3(strip: usize, source: usize, stride: usize, weights: usize, end: usize): void {
  let red = load<usize>(strip, STRIP_PLANE_0);
  let green = load<usize>(strip, STRIP_PLANE_1);
  let blue = load<usize>(strip, STRIP_PLANE_2);
  const redEnd = red + (load<usize>(strip, STRIP_STEPS) << 5);
  const flip = i8x16.splat(-128);
  while (red < redEnd) {
    let sum0 = i64x2.splat(0);
    let sum1 = i64x2.splat(0);
    let sum2 = i64x2.splat(0);
    let sum3 = i64x2.splat(0);
    let sum4 = i64x2.splat(0);
    let sum5 = i64x2.splat(0);
    let from = source;
    let tap = weights;
    do {
      const weight = v128.load_splat<i16>(tap);
      const bytes0 = v128.xor(v128.load(from), flip);
      const bytes1 = v128.xor(v128.load(from, 16), flip);
      const bytes2 = v128.xor(v128.load(from, 32), flip);
      sum0 = i16x8.add(sum0, weighLow(bytes0, weight));
      sum1 = i16x8.add(sum1, weighHigh(bytes0, weight));
      sum2 = i16x8.add(sum2, weighLow(bytes1, weight));
      sum3 = i16x8.add(sum3, weighHigh(bytes1, weight));
      sum4 = i16x8.add(sum4, weighLow(bytes2, weight));
      sum5 = i16x8.add(sum5, weighHigh(bytes2, weight));
      from += stride;
      tap += 2;
    } while (tap < end);
    storeThirds(red, green, blue, sum0, sum1, sum2);
    storeThirds(red + 16, green + 16, blue + 16, sum3, sum4, sum5);
    source += 48;
    red += 32;
    green += 32;
    blue += 32;
  }
}

/** R0 G0 B0 R1 G1 B1 R2 G2 | B2 R3 G3 B3 R4 G4 B4 R5 | G5 B5 R6 G6 B6 R7 G7 B7, a plane each. */
// @ts-ignore: decorator
@inline
function storeThirds(red: usize, green: usize, blue: usize, a: v128, b: v128, c: v128): void {
  v128.store(
    red,
    v128.shuffle<i16>(v128.shuffle<i16>(a, b, 0, 3, 6, 9, 12, 15, 0, 0), c, 0, 1, 2, 3, 4, 5, 10, 13),
  );
  v128.store(
    green,
    v128.shuffle<i16>(v128.shuffle<i16>(a, b, 1, 4, 7, 10, 13, 0, 0, 0), c, 0, 1, 2, 3, 4, 8, 11, 14),
  );
  v128.store(
    blue,
    v128.shuffle<i16>(v128.shuffle<i16>(a, b, 2, 5, 8, 11, 14, 0, 0, 0), c, 0, 1, 2, 3, 4, 9, 12, 15),
  );
}
