/** The even 16-bit lanes of `a`, then those of `b`. */
// @ts-ignore: decorator
@inline
export function evenLanes(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
}

/** The odd 16-bit lanes of `a`, then those of `b`. */
// @ts-ignore: decorator
@inline
export function oddLanes(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}

/** Where the 8 elements after those at `x` begin: the last 8 overlap where the width asks for it. */
// @ts-ignore: decorator
@inline
export function nextOf(x: i32, width: i32): i32 {
  const last = width - 8;
  return x == last ? width : min(x + 8, last);
}
