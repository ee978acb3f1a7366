/**
 * The vertical half of the resampling, and the unpacking of pixels into planes. It runs on the bytes
 * as they lie in the frame, because a weighted sum of rows does not care which byte is which
 * channel; only the sum is unpacked, once per picture row.
 */
import {
  ROW_TAPS_ABOVE,
  ROW_TAPS_BELOW,
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
import {
  evenBytes,
  interleaveHigh,
  interleaveLow,
  narrowSums,
  oddBytes,
  weighEven,
  weighHigh,
  weighLow,
  weighOdd,
} from './weigh.ts';

/** Blends the frame rows under picture row `row` and unpacks them into the strip's planes. */
export function blendStrip(strip: usize, frame: usize, row: i32): void {
  const taps = load<usize>(strip, STRIP_TAPS) + <usize>row * ROW_TAPS_BYTES;
  const stride = load<usize>(strip, STRIP_STRIDE);
  const source = frame + load<usize>(strip, STRIP_START) + load<usize>(taps, ROW_TAPS_FIRST) * stride;
  const kind = load<i32>(strip, STRIP_UNPACKING);
  if (kind == UNPACK_YUYV) blendYuyv(strip, source, stride, taps);
  else if (kind == UNPACK_SINGLE) blendSingle(strip, source, stride, taps);
  else if (kind == UNPACK_PAIRS) blendPairs(strip, source, stride, taps);
  else if (kind == UNPACK_RGB3) blendRgb3(strip, source, stride, taps);
  else if (kind == UNPACK_UYVY) blendUyvy(strip, source, stride, taps);
  else unreachable();
}

/**
 * 32 bytes a step, in one of four unpackings; a function for each comes of inlining with `kind` a
 * constant. A step makes 16 samples of the first plane, 32 where there is no other.
 */
// @ts-ignore: decorator
@inline
function blendWords(
  strip: usize, source: usize, stride: usize, taps: usize, kind: i32,
): void {
  let first = load<usize>(strip, STRIP_PLANE_0);
  let second = load<usize>(strip, STRIP_PLANE_1);
  let third = load<usize>(strip, STRIP_PLANE_2);
  const firstBytes: usize = kind == UNPACK_SINGLE ? 64 : 32;
  const otherBytes: usize = kind == UNPACK_PAIRS ? 32 : 16;
  const firstEnd = first + load<usize>(strip, STRIP_STEPS) * firstBytes;
  const weights = load<usize>(taps, ROW_TAPS_WEIGHTS);
  const end = weights + (load<usize>(taps, ROW_TAPS_COUNT) << 1);
  const above = load<usize>(taps, ROW_TAPS_ABOVE) * stride;
  const below = load<usize>(taps, ROW_TAPS_BELOW) * stride;
  // Half of what is cut off rounds, and 0 is in the middle.
  const bias = i32x4.splat(64 - (128 << 15));
  const firstOnly = i32x4.splat(0xffff);
  while (first < firstEnd) {
    let even0: v128;
    let odd0: v128;
    let even1: v128;
    let odd1: v128;
    if (weights == end) {
      const pair = v128.load32_splat(weights);
      const row0 = v128.load(source);
      const above0 = v128.load(source - above);
      const below0 = v128.load(source + below);
      even0 = weighEven(row0, above0, below0, pair);
      odd0 = weighOdd(row0, above0, below0, pair);
      const row1 = v128.load(source, 16);
      const above1 = v128.load(source - above, 16);
      const below1 = v128.load(source + below, 16);
      even1 = weighEven(row1, above1, below1, pair);
      odd1 = weighOdd(row1, above1, below1, pair);
    } else {
      let total0 = bias;
      let total1 = bias;
      let total2 = bias;
      let total3 = bias;
      let total4 = bias;
      let total5 = bias;
      let total6 = bias;
      let total7 = bias;
      let from = source;
      let tap = weights;
      do {
        let next = from + stride;
        let pair = v128.load32_splat(tap);
        if (tap + 2 == end) {
          // An odd number of rows: the last one twice, once for nothing.
          next = from;
          pair = v128.and(pair, firstOnly);
        }
        const row0 = v128.load(from);
        const next0 = v128.load(next);
        const evenRow0 = evenBytes(row0);
        const evenNext0 = evenBytes(next0);
        const oddRow0 = oddBytes(row0);
        const oddNext0 = oddBytes(next0);
        total0 = i32x4.add(total0, i32x4.dot_i16x8_s(interleaveLow(evenRow0, evenNext0), pair));
        total1 = i32x4.add(total1, i32x4.dot_i16x8_s(interleaveHigh(evenRow0, evenNext0), pair));
        total2 = i32x4.add(total2, i32x4.dot_i16x8_s(interleaveLow(oddRow0, oddNext0), pair));
        total3 = i32x4.add(total3, i32x4.dot_i16x8_s(interleaveHigh(oddRow0, oddNext0), pair));
        const row1 = v128.load(from, 16);
        const next1 = v128.load(next, 16);
        const evenRow1 = evenBytes(row1);
        const evenNext1 = evenBytes(next1);
        const oddRow1 = oddBytes(row1);
        const oddNext1 = oddBytes(next1);
        total4 = i32x4.add(total4, i32x4.dot_i16x8_s(interleaveLow(evenRow1, evenNext1), pair));
        total5 = i32x4.add(total5, i32x4.dot_i16x8_s(interleaveHigh(evenRow1, evenNext1), pair));
        total6 = i32x4.add(total6, i32x4.dot_i16x8_s(interleaveLow(oddRow1, oddNext1), pair));
        total7 = i32x4.add(total7, i32x4.dot_i16x8_s(interleaveHigh(oddRow1, oddNext1), pair));
        from = next + stride;
        tap += 4;
      } while (tap < end);
      even0 = narrowSums(total0, total1);
      odd0 = narrowSums(total2, total3);
      even1 = narrowSums(total4, total5);
      odd1 = narrowSums(total6, total7);
    }
    if (kind == UNPACK_SINGLE) {
      v128.store(first, interleaveLow(even0, odd0));
      v128.store(first, interleaveHigh(even0, odd0), 16);
      v128.store(first, interleaveLow(even1, odd1), 32);
      v128.store(first, interleaveHigh(even1, odd1), 48);
    } else if (kind == UNPACK_PAIRS) {
      v128.store(first, even0);
      v128.store(first, even1, 16);
      v128.store(second, odd0);
      v128.store(second, odd1, 16);
    } else if (kind == UNPACK_YUYV) {
      v128.store(first, even0);
      v128.store(first, even1, 16);
      v128.store(second, evenLanes(odd0, odd1));
      v128.store(third, oddLanes(odd0, odd1));
    } else {
      v128.store(first, odd0);
      v128.store(first, odd1, 16);
      v128.store(second, evenLanes(even0, even1));
      v128.store(third, oddLanes(even0, even1));
    }
    source += 32;
    first += firstBytes;
    second += otherBytes;
    third += otherBytes;
  }
}

/** Y0 U0 Y1 V0 … into the planes Y, U and V. */
function blendYuyv(strip: usize, source: usize, stride: usize, taps: usize): void {
  blendWords(strip, source, stride, taps, UNPACK_YUYV);
}

/** U0 Y0 V0 Y1 … into the planes Y, U and V. */
function blendUyvy(strip: usize, source: usize, stride: usize, taps: usize): void {
  blendWords(strip, source, stride, taps, UNPACK_UYVY);
}

/** One plane as it is. */
function blendSingle(strip: usize, source: usize, stride: usize, taps: usize): void {
  blendWords(strip, source, stride, taps, UNPACK_SINGLE);
}

/** A0 B0 A1 B1 … into the planes A and B. */
function blendPairs(strip: usize, source: usize, stride: usize, taps: usize): void {
  blendWords(strip, source, stride, taps, UNPACK_PAIRS);
}

/** 48 bytes, 16 pixels a step: R0 G0 B0 R1 … into the planes R, G and B. */
function blendRgb3(strip: usize, source: usize, stride: usize, taps: usize): void {
  const weights = load<usize>(taps, ROW_TAPS_WEIGHTS);
  const end = weights + (load<usize>(taps, ROW_TAPS_COUNT) << 1);
  let red = load<usize>(strip, STRIP_PLANE_0);
  let green = load<usize>(strip, STRIP_PLANE_1);
  let blue = load<usize>(strip, STRIP_PLANE_2);
  const redEnd = red + (load<usize>(strip, STRIP_STEPS) << 5);
  const above = load<usize>(taps, ROW_TAPS_ABOVE) * stride;
  const below = load<usize>(taps, ROW_TAPS_BELOW) * stride;
  const flip = i8x16.splat(-128);
  while (red < redEnd) {
    let sum0 = i64x2.splat(0);
    let sum1 = i64x2.splat(0);
    let sum2 = i64x2.splat(0);
    let sum3 = i64x2.splat(0);
    let sum4 = i64x2.splat(0);
    let sum5 = i64x2.splat(0);
    if (weights == end) {
      const pair = v128.load32_splat(weights);
      const row0 = v128.load(source);
      const above0 = v128.load(source - above);
      const below0 = v128.load(source + below);
      const even0 = weighEven(row0, above0, below0, pair);
      const odd0 = weighOdd(row0, above0, below0, pair);
      sum0 = interleaveLow(even0, odd0);
      sum1 = interleaveHigh(even0, odd0);
      const row1 = v128.load(source, 16);
      const above1 = v128.load(source - above, 16);
      const below1 = v128.load(source + below, 16);
      const even1 = weighEven(row1, above1, below1, pair);
      const odd1 = weighOdd(row1, above1, below1, pair);
      sum2 = interleaveLow(even1, odd1);
      sum3 = interleaveHigh(even1, odd1);
      const row2 = v128.load(source, 32);
      const above2 = v128.load(source - above, 32);
      const below2 = v128.load(source + below, 32);
      const even2 = weighEven(row2, above2, below2, pair);
      const odd2 = weighOdd(row2, above2, below2, pair);
      sum4 = interleaveLow(even2, odd2);
      sum5 = interleaveHigh(even2, odd2);
    }
    let from = source;
    for (let tap = weights; tap < end; tap += 2) {
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
    }
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
