import { chromaUOf, chromaVOf, lumaOf } from './scene-light.ts';
import { type Canvas, canvasChannels } from './scene-paint.ts';

/**
 * A painted landscape as words for the row kernel. A word holds two numbers of 16 bits, low half
 * first: the two lumas of a pair of pixels, or its U and V. Halves may be negative: a word is
 * `low + high * 65536`, and sums and products with a number are those of the halves as long as the
 * final halves are not negative.
 */
export type Ground = {
  /** What of the sky is seen beside the land: 255 all, 0 nothing. */
  readonly open: Int32Array;
  /** Reflected luma without its offset, 0 to 219. */
  readonly luma: Int32Array;
  /** Reflected chroma, -112 to 112. */
  readonly chroma: Int32Array;
  readonly haze: Int32Array;
  /** The pairs that lamps light, by row: where a row's begin, with one more entry than rows. */
  readonly litRow: Uint32Array;
  readonly litPair: Uint32Array;
  readonly litLamp: Uint8Array;
  /** Four a lit pair: what is added to Y0, U, Y1 and V. */
  readonly litGlow: Int16Array;
};

export function groundOf(canvas: Canvas): Ground {
  const { width, height, values } = canvas;
  const pairs = (width * height) / 2;
  const ground = {
    open: new Int32Array(pairs),
    luma: new Int32Array(pairs),
    chroma: new Int32Array(pairs),
    haze: new Int32Array(pairs),
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    let [u, v] = [0, 0];
    for (let half = 0; half < 2; half += 1) {
      const at = (pair * 2 + half) * canvasChannels;
      const [r, g, b] = [values[at] as number, values[at + 1] as number, values[at + 2] as number];
      const shift = half * 16;
      const cover = Math.min(255, Math.round(255 * (values[at + 3] as number)));
      ground.open[pair] = (ground.open[pair] as number) | ((255 - cover) << shift);
      const luma = Math.min(cover * 0.86, Math.max(0, lumaOf(r, g, b)));
      ground.luma[pair] = (ground.luma[pair] as number) | (Math.round(luma) << shift);
      const haze = Math.min(cover, Math.round(255 * (values[at + 4] as number)));
      ground.haze[pair] = (ground.haze[pair] as number) | (haze << shift);
      u += chromaUOf(r, g, b);
      v += chromaVOf(r, g, b);
    }
    ground.chroma[pair] = Math.round(u / 2) + Math.round(v / 2) * 65536;
  }
  return { ...ground, ...litOf(canvas) };
}

function litOf(canvas: Canvas): Pick<Ground, 'litRow' | 'litPair' | 'litLamp' | 'litGlow'> {
  const { width, height, values, lamps } = canvas;
  const litRow = new Uint32Array(height + 1);
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
    litRow[row + 1] = (litRow[row + 1] as number) + 1;
  }
  for (let row = 0; row < height; row += 1) {
    litRow[row + 1] = (litRow[row + 1] as number) + (litRow[row] as number);
  }
  return {
    litRow,
    litPair: Uint32Array.from(pairs),
    litLamp: Uint8Array.from(numbers),
    litGlow: Int16Array.from(glows, Math.round),
  };
}
