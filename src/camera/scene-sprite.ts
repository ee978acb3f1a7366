import { chromaUOf, chromaVOf, lumaOf } from './scene-light.ts';
import { type Canvas, canvasChannels } from './scene-paint.ts';
import { SPRITE_WORDS } from './scene-plan.ts';
import type { Pool } from './scene-pool.ts';

/**
 * A painted visitor as the kernel lays it over the picture, for a corner on an even or on an odd
 * column. Of each pair of pixels there are two numbers: the lumas, left and right, or U and V.
 */
export type Sprite = {
  /** Where its fields are in the kernel's memory, and with them all the rest. */
  readonly address: number;
  readonly pairs: number;
  /**
   * Four a row: pairs run from the first number to the second, and where lamps are on from the third
   * to the fourth.
   */
  readonly spans: Int16Array;
  /** What of the backdrop is seen: 256 all, 0 nothing. */
  readonly open: Int16Array;
  readonly luma: Uint8Array;
  /** Chroma may be negative: the bytes are those of signed numbers. */
  readonly chroma: Uint8Array;
  readonly glowLuma: Uint8Array;
  readonly glowChroma: Uint8Array;
};

/** How many bytes a sprite takes at most, its parts aligned. */
export function spriteBytesOf(width: number, height: number): number {
  const pairs = (width + 2) >> 1;
  return SPRITE_WORDS * 4 + 8 * height + 12 * pairs * height + 7 * 8;
}

/**
 * `room` is in the kernel's memory. `odd`: the first pair's left pixel lies before the canvas.
 * `mirrored`: left for right.
 */
export function spriteOf(canvas: Canvas, odd: 0 | 1, mirrored: boolean, room: Pool): Sprite {
  const { width, height } = canvas;
  const pairs = (width + 2) >> 1;
  const numbers = 2 * pairs * height;
  const fields = room.words(SPRITE_WORDS, 0);
  const sprite: Sprite = {
    address: fields.byteOffset,
    pairs,
    spans: room.shorts(4 * height, 0),
    open: room.shorts(numbers, 256),
    luma: room.bytes(numbers),
    chroma: room.bytes(numbers),
    glowLuma: room.bytes(numbers),
    glowChroma: room.bytes(numbers),
  };
  // In the order of the plan's `SPRITE_…`.
  const { spans, open, luma, chroma, glowLuma, glowChroma } = sprite;
  const parts = [spans, open, luma, chroma, glowLuma, glowChroma];
  fields.set([pairs, height, ...parts.map((part) => part.byteOffset)]);
  for (let row = 0; row < height; row += 1) {
    for (const first of [4 * row, 4 * row + 2]) spans[first] = pairs;
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
  const to = 2 * (row * sprite.pairs + pair);
  let u = 0;
  let v = 0;
  let glowU = 0;
  let glowV = 0;
  let covered = 0;
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
    const cover = Math.round(256 * Math.min(1, alpha));
    const glow = Math.round(Math.min(219, lumaOf(er, eg, eb)));
    sprite.open[to + half] = 256 - cover;
    sprite.luma[to + half] = Math.round(Math.min(cover * 0.823, lumaOf(r, g, b)));
    sprite.glowLuma[to + half] = glow;
    u += chromaUOf(r, g, b) / 2;
    v += chromaVOf(r, g, b) / 2;
    glowU += chromaUOf(er, eg, eb) / 2;
    glowV += chromaVOf(er, eg, eb) / 2;
    covered += cover;
    lit += glow;
  }
  sprite.chroma[to] = Math.round(u);
  sprite.chroma[to + 1] = Math.round(v);
  sprite.glowChroma[to] = Math.round(glowU);
  sprite.glowChroma[to + 1] = Math.round(glowV);
  if (covered > 0) widen(sprite.spans, 4 * row, pair);
  if (covered + lit > 0) widen(sprite.spans, 4 * row + 2, pair);
}

/** Makes the span that begins at `at` reach as far as `pair`; pairs come from left to right. */
function widen(spans: Int16Array, at: number, pair: number): void {
  spans[at] = Math.min(spans[at] as number, pair);
  spans[at + 1] = pair + 1;
}

/** Where a sprite's corner is: in pairs from the left, rows from the top. */
export type Place = { x: number; y: number };
