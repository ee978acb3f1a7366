import { chromaUOf, chromaVOf, type Light, lumaOf } from './scene-light.ts';
import { type Canvas, canvasChannels } from './scene-paint.ts';
import type { Pool } from './scene-pool.ts';
import {
  type Backdrop,
  chromaBits,
  grainLength,
  grey,
  keep,
  lumaBits,
  pairOf,
} from './scene-rows.ts';

/**
 * A painted visitor as words of pairs, see `Ground`, for a corner on an even or on an odd column.
 * Pairs run from `from` to `until` in each row; where lamps are on, from `glowFrom` to `glowUntil`.
 */
export type Sprite = {
  readonly pairs: number;
  readonly height: number;
  /** What of the backdrop is seen: 256 all, 0 nothing. */
  readonly open: Int32Array;
  readonly luma: Int32Array;
  readonly chroma: Int32Array;
  readonly glowLuma: Int32Array;
  readonly glowChroma: Int32Array;
  readonly from: Int16Array;
  readonly until: Int16Array;
  readonly glowFrom: Int16Array;
  readonly glowUntil: Int16Array;
};

/** `odd`: the first pair's left pixel lies before the canvas. `mirrored`: left for right. */
export function spriteOf(canvas: Canvas, odd: 0 | 1, mirrored: boolean, pool: Pool): Sprite {
  const { width, height } = canvas;
  const pairs = (width + 2) >> 1;
  const count = pairs * height;
  const sprite: Sprite = {
    pairs,
    height,
    open: pool.words(count, 0x01000100),
    luma: pool.words(count, 0),
    chroma: pool.words(count, 0),
    glowLuma: pool.words(count, 0),
    glowChroma: pool.words(count, 0),
    from: pool.shorts(height, pairs),
    until: pool.shorts(height, 0),
    glowFrom: pool.shorts(height, pairs),
    glowUntil: pool.shorts(height, 0),
  };
  for (let row = 0; row < height; row += 1) {
    for (let pair = 0; pair < pairs; pair += 1) packPair(canvas, sprite, row, pair, odd, mirrored);
  }
  return sprite;
}

function packPair(
  canvas: Canvas,
  sprite: Sprite,
  row: number,
  pair: number,
  odd: number,
  mirrored: boolean,
): void {
  const { width, values } = canvas;
  const to = row * sprite.pairs + pair;
  let u = 0;
  let v = 0;
  let glowU = 0;
  let glowV = 0;
  let lit = 0;
  for (let half = 0; half < 2; half += 1) {
    const column = 2 * pair + half - odd;
    if (column < 0 || column >= width) continue;
    const at = (row * width + (mirrored ? width - 1 - column : column)) * canvasChannels;
    const alpha = values[at + 3] as number;
    if (alpha + (values[at + 5] as number) === 0) continue;
    const r = values[at] as number;
    const g = values[at + 1] as number;
    const b = values[at + 2] as number;
    const er = values[at + 5] as number;
    const eg = values[at + 6] as number;
    const eb = values[at + 7] as number;
    const shift = 16 * half;
    const cover = Math.round(256 * Math.min(1, alpha));
    const luma = Math.round(Math.min(cover * 0.823, lumaOf(r, g, b)));
    const glow = Math.round(Math.min(219, lumaOf(er, eg, eb)));
    sprite.open[to] = (sprite.open[to] as number) - (cover << shift);
    sprite.luma[to] = (sprite.luma[to] as number) | (luma << shift);
    sprite.glowLuma[to] = (sprite.glowLuma[to] as number) | (glow << shift);
    u += chromaUOf(r, g, b) / 2;
    v += chromaVOf(r, g, b) / 2;
    glowU += chromaUOf(er, eg, eb) / 2;
    glowV += chromaVOf(er, eg, eb) / 2;
    lit += glow;
  }
  sprite.chroma[to] = pairOf(Math.round(u), Math.round(v));
  sprite.glowChroma[to] = pairOf(Math.round(glowU), Math.round(glowV));
  const covers = sprite.open[to] !== 0x01000100;
  if (covers) widen(sprite.from, sprite.until, row, pair);
  if (covers || lit > 0) widen(sprite.glowFrom, sprite.glowUntil, row, pair);
}

function widen(from: Int16Array, until: Int16Array, row: number, pair: number): void {
  from[row] = Math.min(from[row] as number, pair);
  until[row] = pair + 1;
}

/** Where a sprite's corner is: in pairs from the left, rows from the top. */
export type Place = { x: number; y: number };

/**
 * Lays a lit sprite over the backdrop, keeping what it hides. `level` is how far its lamps are on,
 * in 1/256.
 */
export function layOver(
  backdrop: Backdrop,
  sprite: Sprite,
  place: Readonly<Place>,
  light: Light,
  level: number,
): void {
  const pairs = backdrop.width >> 1;
  const lit = level > 0;
  const y1 = Math.min(backdrop.height, place.y + sprite.height);
  for (let y = Math.max(0, place.y); y < y1; y += 1) {
    const row = y - place.y;
    const from = Math.max(-place.x, (lit ? sprite.glowFrom : sprite.from)[row] as number);
    const until = Math.min(pairs - place.x, (lit ? sprite.glowUntil : sprite.until)[row] as number);
    if (from >= until) continue;
    const to = y * pairs + place.x + from;
    keep(backdrop, to, until - from);
    layRow(backdrop, sprite, light, to, row * sprite.pairs + from, until - from);
    if (lit) shineRow(backdrop, sprite, level, to, row * sprite.pairs + from, until - from);
  }
}

function layRow(
  backdrop: Backdrop,
  sprite: Sprite,
  light: Light,
  first: number,
  start: number,
  count: number,
): void {
  const { words, grain } = backdrop;
  const { open, luma, chroma } = sprite;
  const { gain } = light;
  const tint = pairOf(light.tintU, light.tintV);
  for (let k = 0; k < count; k += 1) {
    const i = start + k;
    const to = first + k;
    const seen = open[i] as number;
    const l = luma[i] as number;
    let y = Math.imul(l, gain);
    let uv = (Math.imul(chroma[i] as number, gain) + Math.imul(l & 0xffff, tint) + grey) | 0;
    if (seen === 0) {
      y = (y + (grain[(to * 3) & (grainLength - 1)] as number)) | 0;
    } else {
      const under = words[to] as number;
      const left = Math.imul((under & 255) - 16, seen & 0xffff);
      const right = Math.imul(((under >>> 16) & 255) - 16, seen >>> 16);
      y = (y + ((left + (right << 16) + 0x10001000) | 0)) | 0;
      const beside = ((seen & 0xffff) + (seen >>> 16)) >> 1;
      const behind = pairOf(((under >>> 8) & 255) - 128, (under >>> 24) - 128);
      uv = (uv + Math.imul(beside, behind)) | 0;
    }
    words[to] = ((y >>> 8) & lumaBits) | (uv & chromaBits);
  }
}

/** Adds what the lamps of one row of a sprite emit. */
function shineRow(
  backdrop: Backdrop,
  sprite: Sprite,
  level: number,
  to: number,
  from: number,
  count: number,
): void {
  const { bytes } = backdrop;
  const { glowLuma, glowChroma } = sprite;
  for (let k = 0; k < count; k += 1) {
    const glow = glowLuma[from + k] as number;
    if (glow === 0) continue;
    const color = glowChroma[from + k] as number;
    const u = (color << 16) >> 16;
    const v = (color - u) >> 16;
    const at = (to + k) << 2;
    const y0 = (bytes[at] as number) + (((glow & 0xffff) * level) >> 8);
    const y1 = (bytes[at + 2] as number) + (((glow >>> 16) * level) >> 8);
    const cu = (bytes[at + 1] as number) + ((u * level) >> 8);
    const cv = (bytes[at + 3] as number) + ((v * level) >> 8);
    bytes[at] = Math.min(235, y0);
    bytes[at + 1] = Math.max(16, Math.min(240, cu));
    bytes[at + 2] = Math.min(235, y1);
    bytes[at + 3] = Math.max(16, Math.min(240, cv));
  }
}
