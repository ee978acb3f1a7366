/** Adds to the picture what lamps light of the land. */
import { LAMP_LEVELS, LIT_GLOW, LIT_LAMP, LIT_PAIR, LIT_ROW, PICTURE } from '../scene-plan.ts';

/** The lit pairs of row `line`, one at a time: a vector is Y0, U, Y1 and V. */
export function drawLit(plan: usize, line: i32): void {
  const rows = load<usize>(plan, LIT_ROW) + (<usize>line << 2);
  const last = load<usize>(rows, 4);
  const picture = load<usize>(plan, PICTURE);
  const pairs = load<usize>(plan, LIT_PAIR);
  const lamps = load<usize>(plan, LIT_LAMP);
  const glows = load<usize>(plan, LIT_GLOW);
  for (let lit = load<usize>(rows); lit < last; lit += 1) {
    const lamp: usize = load<u8>(lamps + lit);
    const level = i32x4.splat(load<u16>(plan + (lamp << 1), LAMP_LEVELS));
    const glow = v128.load16x4_s(glows + (lit << 3));
    const at = picture + (load<usize>(pairs + (lit << 2)) << 2);
    const under = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
    const sum = i32x4.add(under, i32x4.shr_s(i32x4.mul(glow, level), 8));
    const legal = i32x4.max_s(i32x4.splat(16), i32x4.min_s(i32x4.splat(235), sum));
    const shorts = i16x8.narrow_i32x4_s(legal, legal);
    v128.store32_lane(at, i8x16.narrow_i16x8_u(shorts, shorts), 0);
  }
}
