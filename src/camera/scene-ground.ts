import type { SceneMemory } from './scene-kernel.ts';
import { chromaUOf, chromaVOf, lumaOf } from './scene-light.ts';
import { type Canvas, canvasChannels } from './scene-paint.ts';

/**
 * A painted landscape for the scene's kernel: of each pair of pixels two numbers, of the left and of the
 * right one, or U and V.
 */
export type Ground = {
  /** What of the sky is seen beside the land: 255 all, 0 nothing. */
  readonly open: Uint8Array;
  /** Reflected luma without its offset, 0 to 219. */
  readonly luma: Uint8Array;
  /** Reflected chroma, -112 to 112. */
  readonly chroma: Int8Array;
  readonly haze: Uint8Array;
};

/** The pairs that lamps light, row by row. */
export type Lit = {
  /** Where a row's pairs begin, with one more entry than rows. */
  readonly row: Uint32Array;
  readonly pair: Uint32Array;
  readonly lamp: Uint8Array;
  /** Four a pair: what is added to Y0, U, Y1 and V. */
  readonly glow: Int16Array;
};

/** Its numbers lie in the kernel's memory. */
export function groundOf(canvas: Canvas, memory: SceneMemory): Ground {
  const { width, height, values } = canvas;
  const { open, luma, chroma, haze } = memory;
  const pairs = (width * height) / 2;
  for (let pair = 0; pair < pairs; pair += 1) {
    let [u, v] = [0, 0];
    for (let half = 0; half < 2; half += 1) {
      const at = (pair * 2 + half) * canvasChannels;
      const [r, g, b] = [values[at] as number, values[at + 1] as number, values[at + 2] as number];
      const cover = Math.min(255, Math.round(255 * (values[at + 3] as number)));
      const to = pair * 2 + half;
      open[to] = 255 - cover;
      luma[to] = Math.round(Math.min(cover * 0.86, Math.max(0, lumaOf(r, g, b))));
      haze[to] = Math.min(cover, Math.round(255 * (values[at + 4] as number)));
      u += chromaUOf(r, g, b);
      v += chromaVOf(r, g, b);
    }
    chroma[pair * 2] = Math.round(u / 2);
    chroma[pair * 2 + 1] = Math.round(v / 2);
  }
  return { open, luma, chroma, haze };
}

export function litOf(canvas: Canvas): Lit {
  const { width, height, values, lamps } = canvas;
  const rows = new Uint32Array(height + 1);
  const pairs: number[] = [];
  const numbers: number[] = [];
  const glows: number[] = [];
  for (let pair = 0; pair < (width * height) / 2; pair += 1) {
    const lamp = Math.max(lamps[pair * 2] as number, lamps[pair * 2 + 1] as number);
    if (lamp === 0) continue;
    const at = pair * 2 * canvasChannels + 5;
    const next = at + canvasChannels;
    const emitted = (i: number): [number, number, number] => [
      values[i] as number,
      values[i + 1] as number,
      values[i + 2] as number,
    ];
    const [a, b] = [emitted(at), emitted(next)];
    pairs.push(pair);
    numbers.push(lamp);
    const u = (chromaUOf(...a) + chromaUOf(...b)) / 2;
    const v = (chromaVOf(...a) + chromaVOf(...b)) / 2;
    glows.push(lumaOf(...a), u, lumaOf(...b), v);
    const row = Math.floor((pair * 2) / width);
    rows[row + 1] = (rows[row + 1] as number) + 1;
  }
  for (let row = 0; row < height; row += 1) {
    rows[row + 1] = (rows[row + 1] as number) + (rows[row] as number);
  }
  return {
    row: rows,
    pair: Uint32Array.from(pairs),
    lamp: Uint8Array.from(numbers),
    glow: Int16Array.from(glows, Math.round),
  };
}
