/**
 * Draws rows of the scene's backdrop: sky, clouds and lit land, four pairs of pixels at a time. A lane
 * is 16 bits, a luma or a chroma; every number is in 1/256 of a level where nothing else is said. Sums
 * may run over on the way: what counts is that their end fits.
 */
import {
  AIR_CHROMA,
  AIR_LUMA,
  CHROMA,
  CLOUDS,
  CLOUD_DARK,
  CLOUD_LIT,
  CLOUD_PERIOD,
  CLOUD_ROWS,
  CLOUD_STRIDE,
  DRIFT,
  FALLOFF,
  FALLOFF_LENGTH,
  GAIN,
  GLOW,
  GRAIN,
  GRAIN_LENGTH,
  HAS_SKY,
  HAZE,
  HEIGHT,
  HORIZON,
  LAMPS,
  LUMA,
  OPEN,
  PAIRS,
  PICTURE,
  ROW_BLEND,
  SUN_X,
  SUN_Y,
  TINT,
  ZENITH,
} from '../scene-plan.ts';
import { drawLit } from './lamps.ts';
import { leftOfPairs, rightOfPairs, storePairs } from './pairs.ts';

/** Draws row `line`, with what lamps light in it; its grain starts at `seed`. */
export function drawRow(plan: usize, line: i32, seed: i32): void {
  if (load<u8>(load<usize>(plan, HAS_SKY) + <usize>line) == 0) drawLand(plan, line, seed);
  else drawSky(plan, line, seed);
  if (load<i32>(plan, LAMPS) > 0) drawLit(plan, line);
}

function drawLand(plan: usize, line: i32, seed: i32): void {
  const pairs = load<i32>(plan, PAIRS);
  const first = <usize>(line * pairs);
  const to = load<usize>(plan, PICTURE) + (first << 2);
  for (let x = 0; x < pairs; x += 4) {
    const at = (first + <usize>x) << 1;
    const y = i16x8.add(landLuma(plan, at), grainAt(plan, seed + x));
    const uv = i16x8.add(landChroma(plan, at), i16x8.splat(<i16>grey));
    storePairs(to + (<usize>x << 2), packed(y, uv), pairs - x);
  }
}

/** Chroma 128. */
const grey: i32 = 0x8000;

/** What four pairs of land, `at` bytes into the ground's parts, reflect, and the air before them. */
// @ts-ignore: decorator
@inline
function landLuma(plan: usize, at: usize): v128 {
  const luma = v128.load8x8_u(load<usize>(plan, LUMA) + at);
  const haze = v128.load8x8_u(load<usize>(plan, HAZE) + at);
  return i16x8.add(
    i16x8.mul(luma, v128.load16_splat(plan, GAIN)),
    i16x8.mul(haze, v128.load16_splat(plan, AIR_LUMA)),
  );
}

/** Its U and V go with the left pixel's luma and haze. */
// @ts-ignore: decorator
@inline
function landChroma(plan: usize, at: usize): v128 {
  const own = v128.load8x8_s(load<usize>(plan, CHROMA) + at);
  const luma = leftOfPairs(v128.load8x8_u(load<usize>(plan, LUMA) + at));
  const haze = leftOfPairs(v128.load8x8_u(load<usize>(plan, HAZE) + at));
  return i16x8.add(
    i16x8.mul(own, v128.load16_splat(plan, GAIN)),
    i16x8.add(
      i16x8.mul(luma, v128.load32_splat(plan, TINT)),
      i16x8.mul(haze, v128.load32_splat(plan, AIR_CHROMA)),
    ),
  );
}

// @ts-ignore: decorator
@inline
function grainAt(plan: usize, index: i32): v128 {
  return v128.load(load<usize>(plan, GRAIN) + (<usize>(index & (GRAIN_LENGTH - 1)) << 2));
}

/** The whole levels: luma moves down into place, chroma lies there. */
// @ts-ignore: decorator
@inline
function packed(luma: v128, chroma: v128): v128 {
  return v128.or(i16x8.shr_u(luma, 8), v128.and(chroma, i16x8.splat(<i16>0xff00)));
}

/** Pairs that share one chroma of clear sky, and a straight run of its luma. */
const stretchPairs: i32 = 16;

/** Sky in stretches, each as warm as the sun's glow makes it where it begins and ends. */
function drawSky(plan: usize, line: i32, seed: i32): void {
  const pairs = load<i32>(plan, PAIRS);
  const height = <f64>load<i32>(plan, HEIGHT);
  const sun = load<f64>(plan, SUN_X);
  const rise = Math.abs(<f64>line / height - 0.6 + load<f64>(plan, SUN_Y));
  const rowGlow = falloffAt(plan, Math.floor(rise * 1360));
  if (rowGlow < 6) {
    drawStretch(plan, line, 0, pairs, 0, 0, seed);
    return;
  }
  let warmth = 0;
  for (let x = -stretchPairs; x < pairs; x += stretchPairs) {
    const away = Math.abs(<f64>((x + stretchPairs) * 2) - sun) / height;
    const next = (rowGlow * falloffAt(plan, Math.floor(away * 1020))) >> 8;
    if (x >= 0) drawStretch(plan, line, x, min(pairs, x + stretchPairs), warmth, next, seed);
    warmth = next;
  }
}

function falloffAt(plan: usize, step: f64): i32 {
  const index = <usize>Math.min(<f64>(FALLOFF_LENGTH - 1), step);
  return load<u16>(load<usize>(plan, FALLOFF) + (index << 1));
}

/** `warmth` and `next`: how much of the sun's glow there is where the stretch begins and ends. */
function drawStretch(
  plan: usize, line: i32, from: i32, until: i32, warmth: i32, next: i32, seed: i32,
): void {
  const blend: i32 = load<u16>(load<usize>(plan, ROW_BLEND) + (<usize>line << 1));
  const luma = clearLuma(plan, blend, warmth);
  const u = clearChroma(plan, 4, blend, warmth);
  const v = clearChroma(plan, 8, blend, warmth);
  const slope = (clearLuma(plan, blend, next) - luma) >> 4;

  // What all of a cloud's dark and of its sunlit part add.
  const dark = (load<i32>(plan, CLOUD_DARK) - luma) >> 8;
  const lit = (load<i32>(plan, CLOUD_LIT) - load<i32>(plan, CLOUD_DARK)) >> 8;
  const shades = i32x4.splat(pairOf(dark, lit));
  const darkChroma = i32x4.splat(pairOf(
    (load<i32>(plan, CLOUD_DARK + 4) - u) >> 8,
    (load<i32>(plan, CLOUD_DARK + 8) - v) >> 8,
  ));
  const litChroma = i32x4.splat(pairOf(
    (load<i32>(plan, CLOUD_LIT + 4) - load<i32>(plan, CLOUD_DARK + 4)) >> 8,
    (load<i32>(plan, CLOUD_LIT + 8) - load<i32>(plan, CLOUD_DARK + 8)) >> 8,
  ));

  const drift = load<i32>(plan, DRIFT);
  const later = i16x8.splat(<i16>(drift & 255));
  const sooner = i16x8.splat(<i16>(256 - (drift & 255)));
  const shift = drift >> 8;
  const mask = load<i32>(plan, CLOUD_PERIOD) - 1;
  // Below the clouds there is one more row, without any.
  const cloudLine = min(line, load<i32>(plan, CLOUD_ROWS));
  const clouds = load<usize>(plan, CLOUDS) + (<usize>(cloudLine * load<i32>(plan, CLOUD_STRIDE)) << 1);

  const first = <usize>(line * load<i32>(plan, PAIRS));
  const picture = load<usize>(plan, PICTURE) + (first << 2);
  const opens = load<usize>(plan, OPEN) + (first << 1);
  const clearSkyChroma = i32x4.splat(pairOf(u + grey, v + grey));
  const step = i16x8.splat(<i16>(slope << 2));
  let y = i16x8.add(
    i16x8.splat(<i16>luma),
    i16x8.mul(i16x8.splat(<i16>slope), i16x8(0, 0, 1, 1, 2, 2, 3, 3)),
  );
  for (let x = from; x < until; x += 4) {
    const cloud = clouds + (<usize>((x + shift) & mask) << 1);
    // How much of a pair is hidden, and how much of that is sunlit.
    const hiding = i16x8.shr_u(
      i16x8.add(
        i16x8.mul(v128.load8x8_u(cloud), sooner),
        i16x8.mul(v128.load8x8_u(cloud, 2), later),
      ),
      8,
    );
    const skyLuma = i16x8.add(y, leftOfPairs(i32x4.dot_i16x8_s(hiding, shades)));
    const skyChroma = i16x8.add(
      clearSkyChroma,
      i16x8.add(
        i16x8.mul(leftOfPairs(hiding), darkChroma),
        i16x8.mul(rightOfPairs(hiding), litChroma),
      ),
    );
    const grain = grainAt(plan, x + seed);
    let words = packed(i16x8.add(skyLuma, grain), skyChroma);
    const at = <usize>x << 1;
    const open = load<i64>(opens + at);
    if (open != -1) {
      // Land is in view.
      const seen = i16x8.extend_low_i8x16_u(i64x2.splat(open));
      const overlaid = landBefore(plan, (first << 1) + at, seen, skyLuma, skyChroma, grain);
      words = v128.bitselect(words, overlaid, i32x4.eq(seen, i16x8.splat(255)));
    }
    storePairs(picture + (<usize>x << 2), words, until - x);
    y = i16x8.add(y, step);
  }
}

/** Four pairs of land with the sky behind them, of which `seen` is seen. */
// @ts-ignore: decorator
@inline
function landBefore(
  plan: usize, at: usize, seen: v128, skyLuma: v128, skyChroma: v128, grain: v128,
): v128 {
  const low = v128.and(seen, i32x4.splat(0xffff));
  const beside = leftOfPairs(i32x4.shr_u(i32x4.add(low, i32x4.shr_u(seen, 16)), 1));
  const sky = i16x8.sub(i16x8.shr_u(skyChroma, 8), i16x8.splat(128));
  const y = i16x8.add(
    i16x8.mul(seen, leftOfPairs(i16x8.shr_u(skyLuma, 8))),
    i16x8.add(landLuma(plan, at), grain),
  );
  const uv = i16x8.add(i16x8.mul(beside, sky), landChroma(plan, at));
  return packed(y, i16x8.add(uv, i16x8.splat(<i16>grey)));
}

function clearLuma(plan: usize, blend: i32, warmth: i32): i32 {
  const glow = (load<i32>(plan, GLOW) * warmth) >> 8;
  return min(211 << 8, between(plan, 0, blend) + glow);
}

/** `part` is 4 for U and 8 for V: where it lies in a colour. */
function clearChroma(plan: usize, part: usize, blend: i32, warmth: i32): i32 {
  const glow = (load<i32>(plan + part, GLOW) * warmth) >> 8;
  return max(-110 << 8, min(110 << 8, between(plan, part, blend) + glow));
}

/** From the zenith's colour to the horizon's. */
function between(plan: usize, part: usize, blend: i32): i32 {
  const from = load<i32>(plan + part, ZENITH);
  return from + (((load<i32>(plan + part, HORIZON) - from) * blend) >> 8);
}

/** The two lanes of a pair. */
// @ts-ignore: decorator
@inline
function pairOf(left: i32, right: i32): i32 {
  return (left & 0xffff) | (right << 16);
}
