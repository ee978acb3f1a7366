/**
 * Lays a lit sprite over the picture, four pairs of pixels at a time. A lane is 16 bits: a luma or a
 * chroma in 1/256 of a level, where nothing else is said.
 */
import {
  GRAIN_LENGTH,
  HEIGHT,
  OVER_GAIN,
  OVER_GRAIN,
  OVER_LEVEL,
  OVER_TINT,
  PAIRS,
  PICTURE,
  SPRITE_CHROMA,
  SPRITE_GLOW_CHROMA,
  SPRITE_GLOW_LUMA,
  SPRITE_HEIGHT,
  SPRITE_LUMA,
  SPRITE_OPEN,
  SPRITE_PAIRS,
  SPRITE_SPANS,
} from '../scene-plan.ts';
import { keep } from './kept.ts';
import { leftOfPairs, storePairs } from './pairs.ts';

/** Keeps what the sprite hides. Its corner is at pair `left` of row `top`, maybe outside. */
export function layOver(plan: usize, sprite: usize, left: i32, top: i32): void {
  const pairs = load<i32>(plan, PAIRS);
  const stride = load<i32>(sprite, SPRITE_PAIRS);
  const bottom = min(load<i32>(plan, HEIGHT), top + load<i32>(sprite, SPRITE_HEIGHT));
  const isLit = load<i32>(plan, OVER_LEVEL) > 0;
  for (let y = max(0, top); y < bottom; y += 1) {
    const row = y - top;
    const spans = load<usize>(sprite, SPRITE_SPANS) + (<usize>row << 3) + (isLit ? 4 : 0);
    const from = max(-left, <i32>load<i16>(spans));
    const until = min(pairs - left, <i32>load<i16>(spans, 2));
    if (from >= until) continue;
    layRow(plan, sprite, y * pairs + left + from, row * stride + from, until - from);
  }
}

/** Lays `count` pairs of the sprite from pair `from` over those of the picture from pair `to` on. */
function layRow(plan: usize, sprite: usize, to: i32, from: i32, count: i32): void {
  const gain = i16x8.splat(<i16>load<i32>(plan, OVER_GAIN));
  const tint = v128.load32_splat(plan, OVER_TINT);
  const level = load<i32>(plan, OVER_LEVEL);
  const grain = load<usize>(plan, OVER_GRAIN);
  const open = load<usize>(sprite, SPRITE_OPEN) + (<usize>from << 2);
  const first = <usize>from << 1;
  const picture = load<usize>(plan, PICTURE) + (<usize>to << 2);
  keep(plan, picture, count);
  for (let x = 0; x < count; x += 4) {
    const at = <usize>x << 1;
    const luma = v128.load8x8_u(load<usize>(sprite, SPRITE_LUMA) + first + at);
    const chroma = v128.load8x8_s(load<usize>(sprite, SPRITE_CHROMA) + first + at);
    const seen = v128.load(open + (at << 1));
    const under = v128.load(picture + (at << 1));

    // Black's 16 comes with the grain, or where anything behind is seen, alone.
    const isHidden = i32x4.eq(seen, i32x4.splat(0));
    const grains = v128.load(grain + (<usize>((to + x) & (GRAIN_LENGTH - 1)) << 2));
    const black = v128.bitselect(grains, i16x8.splat(16 << 8), isHidden);
    const behind = i16x8.sub(v128.and(under, i16x8.splat(255)), i16x8.splat(16));
    const y = i16x8.add(
      i16x8.add(i16x8.mul(luma, gain), black),
      i16x8.mul(behind, seen),
    );

    const low = v128.and(seen, i32x4.splat(0xffff));
    const beside = leftOfPairs(i32x4.shr_u(i32x4.add(low, i32x4.shr_u(seen, 16)), 1));
    const behindChroma = i16x8.sub(i16x8.shr_u(under, 8), i16x8.splat(128));
    const tinted = i16x8.mul(leftOfPairs(luma), tint);
    const own = i16x8.add(i16x8.mul(chroma, gain), tinted);
    const uv = i16x8.add(i16x8.add(own, i16x8.mul(beside, behindChroma)), i16x8.splat(128 << 8));

    let words = v128.or(i16x8.shr_u(y, 8), v128.and(uv, i16x8.splat(<i16>0xff00)));
    if (level > 0) words = shone(sprite, first + at, words, level);
    storePairs(picture + (at << 1), words, count - x);
  }
}

/** Adds what the lamps of four pairs of a sprite emit, which are on to `level` of 256. */
// @ts-ignore: decorator
@inline
function shone(sprite: usize, at: usize, words: v128, level: i32): v128 {
  const glow = v128.load8x8_u(load<usize>(sprite, SPRITE_GLOW_LUMA) + at);
  const color = v128.load8x8_s(load<usize>(sprite, SPRITE_GLOW_CHROMA) + at);
  const levels = i16x8.splat(<i16>level);
  const y = i16x8.add(
    v128.and(words, i16x8.splat(255)),
    i16x8.shr_u(i16x8.mul(glow, levels), 8),
  );
  const uv = i16x8.add(i16x8.shr_u(words, 8), i16x8.shr_s(i16x8.mul(color, levels), 8));
  const legal = i16x8.max_s(i16x8.splat(16), i16x8.min_s(i16x8.splat(240), uv));
  const lit = v128.or(i16x8.min_s(i16x8.splat(235), y), i16x8.shl(legal, 8));
  return v128.bitselect(words, lit, i32x4.eq(glow, i32x4.splat(0)));
}
