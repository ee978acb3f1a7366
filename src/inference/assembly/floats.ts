/** Bytes become floats: `byte · factor + offset`, with a factor and an offset for each channel. */
import { nextOf } from './lanes.ts';

/** 8 bytes become 8 floats, four at a time with their own factors and offsets. */
// @ts-ignore: decorator
@inline
function normaliseEight(
  source: usize, target: usize, factor0: v128, offset0: v128, factor1: v128, offset1: v128,
): void {
  const levels = v128.load8x8_u(source);
  const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(levels));
  const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(levels));
  v128.store(target, f32x4.add(f32x4.mul(low, factor0), offset0));
  v128.store(target, f32x4.add(f32x4.mul(high, factor1), offset1), 16);
}

/** A row of one channel; factors and offsets are the same in every lane. */
export function normalise(source: usize, target: usize, width: i32, table: usize): void {
  const factor = v128.load(table);
  const offset = v128.load(table, 48);
  for (let x = 0; x < width; x = nextOf(x, width)) {
    const at = <usize>x;
    normaliseEight(source + at, target + (at << 2), factor, offset, factor, offset);
  }
}

/** A row of three alternating channels: factors and offsets repeat every 12 elements. */
export function normaliseTriples(source: usize, target: usize, count: i32, table: usize): void {
  const factor0 = v128.load(table);
  const factor1 = v128.load(table, 16);
  const factor2 = v128.load(table, 32);
  const offset0 = v128.load(table, 48);
  const offset1 = v128.load(table, 64);
  const offset2 = v128.load(table, 80);
  const last = count - 24;
  for (let i = 0; i < count; i = i == last ? count : min(i + 24, last)) {
    const from = source + <usize>i;
    const to = target + (<usize>i << 2);
    normaliseEight(from, to, factor0, offset0, factor1, offset1);
    normaliseEight(from + 8, to + 32, factor2, offset2, factor0, offset0);
    normaliseEight(from + 16, to + 64, factor1, offset1, factor2, offset2);
  }
}
