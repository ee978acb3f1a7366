/** Draws the sun or the moon, behind the land and behind the clouds; a vector is two pixels. */
import {
  CLOUDS,
  CLOUD_PERIOD,
  CLOUD_ROWS,
  CLOUD_STRIDE,
  DISC_BITE,
  DISC_LUMA,
  DISC_RADIUS,
  DISC_U,
  DISC_V,
  DISC_X,
  DISC_Y,
  OPEN,
  PAIRS,
  PICTURE,
} from '../scene-plan.ts';
import { keep } from './kept.ts';

/** Keeps what the disc hides. The clouds have drifted by `shift` pairs. */
export function drawDisc(plan: usize, shift: i32): void {
  const width = load<i32>(plan, PAIRS) << 1;
  const x = load<f64>(plan, DISC_X);
  const y = load<f64>(plan, DISC_Y);
  const reach = load<f64>(plan, DISC_RADIUS) + 1;
  const bottom = min(load<i32>(plan, CLOUD_ROWS), <i32>Math.ceil(y + reach));
  for (let line = max(0, <i32>Math.floor(y - reach)); line < bottom; line += 1) {
    const dy = <f64>line + 0.5 - y;
    const half = Math.sqrt(Math.max(0, reach * reach - dy * dy));
    const from = max(0, <i32>Math.floor(x - half) & ~1);
    const until = min(width, (<i32>Math.ceil(x + half) + 1) & ~1);
    if (from < until) drawChord(plan, line, from, until, dy, shift);
  }
}

/** The disc's part of one row, `dy` below its middle. */
function drawChord(plan: usize, line: i32, from: i32, until: i32, dy: f64, shift: i32): void {
  const first = <usize>(line * load<i32>(plan, PAIRS));
  const picture = load<usize>(plan, PICTURE) + (first << 2);
  const open = load<usize>(plan, OPEN) + (first << 1);
  const clouds = load<usize>(plan, CLOUDS) + (<usize>(line * load<i32>(plan, CLOUD_STRIDE)) << 1);
  const mask = load<i32>(plan, CLOUD_PERIOD) - 1;
  keep(plan, picture + (<usize>from << 1), (until - from) >> 1);
  for (let x = from; x < until; x += 2) {
    const at = <usize>x << 1;
    const left: i32 = load<u8>(open + <usize>x);
    const right: i32 = load<u8>(open + <usize>x, 1);
    // Behind the land.
    if ((left | right) == 0) continue;
    const parts = partsOf(plan, x, dy);
    if (!v128.any_true(parts)) continue;
    const cloud = load<u8>(clouds + (<usize>(((x >> 1) + shift) & mask) << 1));
    const clear = 1 - (0.8 * <f64>cloud) / 255;
    const seenParts = f64x2.mul(
      f64x2.mul(parts, f64x2.splat(clear)),
      f64x2(<f64>left, <f64>right),
    );
    blendPair(plan, picture + at, f64x2.div(seenParts, f64x2.splat(255)));
  }
}

/** `parts`: how much of the left and of the right pixel is the disc's, 0 to 1. */
// @ts-ignore: decorator
@inline
function blendPair(plan: usize, at: usize, parts: v128): void {
  const both = (f64x2.extract_lane(parts, 0) + f64x2.extract_lane(parts, 1)) / 2;
  // Y0 and Y1, U and V.
  const under = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
  const lumas = i32x4.extend_low_i16x8_u(v128.shuffle<i16>(under, under, 0, 2, 0, 2, 0, 2, 0, 2));
  const chromas = i32x4.extend_low_i16x8_u(v128.shuffle<i16>(under, under, 1, 3, 1, 3, 1, 3, 1, 3));
  const y = blended(lumas, v128.load64_splat(plan, DISC_LUMA), parts);
  const uv = blended(chromas, v128.load(plan, DISC_U), f64x2.splat(both));
  const bytes = v128.or(y, i32x4.shl(uv, 8));
  v128.store32_lane(at, v128.shuffle<i16>(bytes, bytes, 0, 2, 0, 2, 0, 2, 0, 2), 0);
}

/** Two levels with two others before them, `parts` of which cover them. */
// @ts-ignore: decorator
@inline
function blended(under: v128, over: v128, parts: v128): v128 {
  const left = f64x2.mul(f64x2.convert_low_i32x4_s(under), f64x2.sub(f64x2.splat(1), parts));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(left, f64x2.mul(over, parts)));
}

/** How much the disc covers of pixel `x` and of the next, which are `dy` below its middle. */
// @ts-ignore: decorator
@inline
function partsOf(plan: usize, x: i32, dy: f64): v128 {
  const radius = load<f64>(plan, DISC_RADIUS);
  const bite = load<f64>(plan, DISC_BITE);
  const dx = f64x2.sub(
    f64x2(<f64>x + 0.5, <f64>x + 1.5),
    v128.load64_splat(plan, DISC_X),
  );
  const inside = edge(
    f64x2.sub(f64x2.splat(radius + 0.5), lengths(dx, dy)),
  );
  if (bite == 0) return inside;
  // The moon's dark part is a second disc before it, off to the upper left.
  const away = lengths(f64x2.add(dx, f64x2.splat(bite)), dy + bite * 0.5);
  const outside = f64x2.add(
    f64x2.sub(away, f64x2.splat(radius * 0.94)),
    f64x2.splat(0.5),
  );
  return f64x2.mul(inside, edge(outside));
}

// @ts-ignore: decorator
@inline
function lengths(dx: v128, dy: f64): v128 {
  return f64x2.sqrt(f64x2.add(f64x2.mul(dx, dx), f64x2.splat(dy * dy)));
}

/** Cut off at 0 and 1. */
// @ts-ignore: decorator
@inline
function edge(values: v128): v128 {
  return f64x2.min(f64x2.splat(1), f64x2.max(f64x2.splat(0), values));
}
