/** Pairs of pixels, four in a vector. */

/** Stores four pairs, or what is left of a row. */
// @ts-ignore: decorator
@inline
export function storePairs(to: usize, words: v128, left: i32): void {
  if (left >= 4) {
    v128.store(to, words);
    return;
  }
  if (left & 2) v128.store64_lane(to, words, 0);
  if (left == 3) v128.store32_lane(to, words, 2, 8);
  else if (left == 1) v128.store32_lane(to, words, 0);
}

/** The left lane of each pair in both. */
// @ts-ignore: decorator
@inline
export function leftOfPairs(lanes: v128): v128 {
  return v128.shuffle<i16>(lanes, lanes, 0, 0, 2, 2, 4, 4, 6, 6);
}

/** The right lane of each pair in both. */
// @ts-ignore: decorator
@inline
export function rightOfPairs(lanes: v128): v128 {
  return v128.shuffle<i16>(lanes, lanes, 1, 1, 3, 3, 5, 5, 7, 7);
}
