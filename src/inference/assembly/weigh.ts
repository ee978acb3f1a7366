/** Bytes of frame rows times their weights, as samples: 16 bits, `(level − 128) · 256`. */

/**
 * The low or high 8 bytes of `bytes`, centred on 0 and times 256, times a weight of 1/32768. The
 * flip of the top bit subtracts 128, the interleaving with zeros multiplies by 256.
 */
// @ts-ignore: decorator
@inline
export function weighLow(flipped: v128, weight: v128): v128 {
  const wide = v128.shuffle<u8>(
    i64x2.splat(0), flipped,
    0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
  );
  return i16x8.q15mulr_sat_s(wide, weight);
}

// @ts-ignore: decorator
@inline
export function weighHigh(flipped: v128, weight: v128): v128 {
  const wide = v128.shuffle<u8>(
    i64x2.splat(0), flipped,
    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
  );
  return i16x8.q15mulr_sat_s(wide, weight);
}

/** The even bytes, or the odd ones, as 16-bit numbers. */
// @ts-ignore: decorator
@inline
export function evenBytes(bytes: v128): v128 {
  return v128.and(bytes, i16x8.splat(0xff));
}

// @ts-ignore: decorator
@inline
export function oddBytes(bytes: v128): v128 {
  return i16x8.shr_u(bytes, 8);
}

/** The low or high lanes of two rows, a lane of each in turn. */
// @ts-ignore: decorator
@inline
export function interleaveLow(row: v128, below: v128): v128 {
  return v128.shuffle<i16>(row, below, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
export function interleaveHigh(row: v128, below: v128): v128 {
  return v128.shuffle<i16>(row, below, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Sums of bytes times weights of 1/32768 are 128 times what is wanted. */
// @ts-ignore: decorator
@inline
export function narrowSums(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, 7), i32x4.shr_s(high, 7));
}

/**
 * Where the row has half of the weight or more: the row itself, and what those above and below differ
 * from it. These are two products instead of three, as many as one dot product adds, and their sum fits
 * 16 bits since it is never more than half of the range.
 */
// @ts-ignore: decorator
@inline
function weighAround(sample: v128, row: v128, above: v128, below: v128, pair: v128): v128 {
  const up = i16x8.sub(above, row);
  const down = i16x8.sub(below, row);
  const low = i32x4.dot_i16x8_s(interleaveLow(up, down), pair);
  const high = i32x4.dot_i16x8_s(interleaveHigh(up, down), pair);
  return i16x8.add(sample, narrowSums(low, high));
}

// @ts-ignore: decorator
@inline
export function weighEven(row: v128, above: v128, below: v128, pair: v128): v128 {
  const sample = i16x8.shl(v128.xor(row, i8x16.splat(-128)), 8);
  return weighAround(sample, evenBytes(row), evenBytes(above), evenBytes(below), pair);
}

// @ts-ignore: decorator
@inline
export function weighOdd(row: v128, above: v128, below: v128, pair: v128): v128 {
  const sample = v128.and(v128.xor(row, i8x16.splat(-128)), i16x8.splat(-256));
  return weighAround(sample, oddBytes(row), oddBytes(above), oddBytes(below), pair);
}
