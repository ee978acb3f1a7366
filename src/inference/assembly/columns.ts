/** The horizontal half of the resampling: planes at the frame's width become rows at the picture's. */
import {
  COLUMN_BYTES,
  COLUMN_OFFSET,
  COLUMN_SELECTION,
  COLUMN_WEIGHTS,
  COLUMN_WEIGHTS_AFTER,
  COLUMN_WEIGHT_SHIFT,
  GROUP_COLUMNS,
  GROUP_HALVINGS,
  GROUP_PLANE,
  GROUP_PLANE_COUNT,
  GROUP_PLANE_DISTANCE,
  GROUP_SAMPLES,
  GROUP_STEPS,
  GROUP_TAPS,
  GROUP_TARGET,
  TAPS_FOUR,
  TAPS_TWO,
} from '../plan-layout.ts';

/** Resamples every plane of the group; `rowsDistance` lies between the rows they become. */
export function resampleGroup(group: usize, rowsDistance: usize): void {
  let plane = load<usize>(group, GROUP_PLANE);
  let target = load<usize>(group, GROUP_TARGET);
  const distance = load<usize>(group, GROUP_PLANE_DISTANCE);
  const columns = load<usize>(group, GROUP_COLUMNS);
  const steps = load<i32>(group, GROUP_STEPS);
  const halvings = load<i32>(group, GROUP_HALVINGS);
  const taps = load<i32>(group, GROUP_TAPS);
  for (let left = load<i32>(group, GROUP_PLANE_COUNT); left > 0; left -= 1) {
    let samples = load<i32>(group, GROUP_SAMPLES);
    for (let i = 0; i < halvings; i += 1) samples = halve(plane, samples);
    if (taps == TAPS_TWO) resampleTwo(plane, target, columns, steps);
    else if (taps == TAPS_FOUR) resampleFour(plane, target, columns, steps);
    else resampleFourWide(plane, target, columns, steps);
    plane += distance;
    target += rowsDistance;
  }
}

/** Averages neighbours in place; the last of an odd count keeps its value. Returns the new count. */
function halve(plane: usize, samples: i32): i32 {
  store<i16>(plane + (<usize>samples << 1), load<i16>(plane + (<usize>(samples - 1) << 1)));
  const half = (samples + 1) >> 1;
  const ones = i16x8.splat(1);
  const rounding = i32x4.splat(1);
  let from = plane;
  const end = plane + (<usize>half << 1);
  for (let to = plane; to < end; to += 16) {
    const low = i32x4.dot_i16x8_s(v128.load(from), ones);
    const high = i32x4.dot_i16x8_s(v128.load(from, 16), ones);
    const averages = i16x8.narrow_i32x4_s(
      i32x4.shr_s(i32x4.add(low, rounding), 1),
      i32x4.shr_s(i32x4.add(high, rounding), 1),
    );
    v128.store(to, averages);
    from += 32;
  }
  return half;
}

/** The products of 8 samples with their weights, added in pairs. */
// @ts-ignore: decorator
@inline
function products(plane: usize, column: usize): v128 {
  const neighbours = v128.load(plane + load<usize>(column, COLUMN_OFFSET));
  const samples = i8x16.swizzle(neighbours, v128.load(column, COLUMN_SELECTION));
  return i32x4.dot_i16x8_s(samples, v128.load(column, COLUMN_WEIGHTS));
}

/** Four elements with two taps each. */
function resampleTwo(plane: usize, target: usize, columns: usize, steps: i32): void {
  for (; steps > 0; steps -= 1) {
    const low = i32x4.shr_s(products(plane, columns), COLUMN_WEIGHT_SHIFT);
    const high = i32x4.shr_s(products(plane, columns + COLUMN_BYTES), COLUMN_WEIGHT_SHIFT);
    v128.store(target, i16x8.narrow_i32x4_s(low, high));
    columns += 2 * COLUMN_BYTES;
    target += 16;
  }
}

/** Four elements with four taps each: the products with two of them, and with the two after. */
// @ts-ignore: decorator
@inline
function fourOf(plane: usize, column: usize): v128 {
  const from = plane + load<usize>(column, COLUMN_OFFSET);
  const selection = v128.load(column, COLUMN_SELECTION);
  const before = i8x16.swizzle(v128.load(from), selection);
  const after = i8x16.swizzle(v128.load(from, 4), selection);
  const sums = i32x4.add(
    i32x4.dot_i16x8_s(before, v128.load(column, COLUMN_WEIGHTS)),
    i32x4.dot_i16x8_s(after, v128.load(column, COLUMN_WEIGHTS_AFTER)),
  );
  return i32x4.shr_s(sums, COLUMN_WEIGHT_SHIFT);
}

function resampleFour(plane: usize, target: usize, columns: usize, steps: i32): void {
  for (; steps > 0; steps -= 1) {
    const low = fourOf(plane, columns);
    const high = fourOf(plane, columns + COLUMN_BYTES);
    v128.store(target, i16x8.narrow_i32x4_s(low, high));
    columns += 2 * COLUMN_BYTES;
    target += 16;
  }
}

/** Four elements with four taps each: two pairs of products an element. */
// @ts-ignore: decorator
@inline
function fourWideOf(plane: usize, columns: usize): v128 {
  const a = products(plane, columns);
  const b = products(plane, columns + COLUMN_BYTES);
  const sums = i32x4.add(
    v128.shuffle<i32>(a, b, 0, 2, 4, 6),
    v128.shuffle<i32>(a, b, 1, 3, 5, 7),
  );
  return i32x4.shr_s(sums, COLUMN_WEIGHT_SHIFT);
}

function resampleFourWide(plane: usize, target: usize, columns: usize, steps: i32): void {
  for (; steps > 0; steps -= 1) {
    const low = fourWideOf(plane, columns);
    const high = fourWideOf(plane, columns + 2 * COLUMN_BYTES);
    v128.store(target, i16x8.narrow_i32x4_s(low, high));
    columns += 4 * COLUMN_BYTES;
    target += 16;
  }
}
