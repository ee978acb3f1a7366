import { createRandom } from '../base/random.ts';
import { horizonLine } from './scene-land.ts';
import { createFractal } from './scene-noise.ts';
import { SPARE_PAIRS } from './scene-plan.ts';

/**
 * The clouds and stars of one seed. `clouds` has two numbers for a pair of pixels: how much of it cloud
 * hides, 0 to 255, and how much of that is sunlit. A row of them
 * repeats every `period`; drifting is a shift along the row. After the last row comes an empty one.
 */
export type Sky = {
  readonly rows: number;
  /** Pairs in a cloud row: a power of two, at least a picture's. */
  readonly period: number;
  /** Pairs from one cloud row to the next: a period, and its first few again for who reads several. */
  readonly stride: number;
  readonly clouds: Uint8Array;
  /** Where the stars of a row start in `starColumn`, one more entry than rows. */
  readonly starRow: Uint32Array;
  readonly starColumn: Uint16Array;
  readonly starLuma: Uint8Array;
};

type SkySize = Pick<Sky, 'rows' | 'period' | 'stride'>;

export function skySizeOf(width: number, height: number): SkySize {
  const period = 2 ** Math.ceil(Math.log2(width / 2));
  const rows = Math.min(height, Math.ceil(height * 0.7));
  return { rows, period, stride: period + SPARE_PAIRS };
}

/** `clouds` has room for the rows of the sky's size and an empty one. */
export function createSky(width: number, height: number, seed: number, clouds: Uint8Array): Sky {
  const size = skySizeOf(width, height);
  paintClouds(clouds, size, height, seed);
  return { ...size, clouds, ...castStars(width, height, size.rows, seed) };
}

function paintClouds(clouds: Uint8Array, size: SkySize, height: number, seed: number): void {
  const { rows, period, stride } = size;
  const random = createRandom(seed ^ 0x7c10);
  const cells = 2 ** Math.max(0, Math.round(Math.log2((period * 2) / height / 0.55)));
  const fractal = createFractal(seed ^ 0x51f1, cells, 6);
  const sparse = 0.46 + 0.1 * random();
  const density = new Float32Array(rows * period);
  for (let row = 0; row < rows; row += 1) {
    // The lower in the sky the farther away: layers crowd towards the horizon.
    const near = Math.max(0.03, 1 - row / (height * (horizonLine + 0.04)));
    const depth = 2.6 * Math.log(near) + 31;
    for (let pair = 0; pair < period; pair += 1) {
      density[row * period + pair] = fractal((pair / period) * cells, depth);
    }
  }
  const reach = Math.max(1, Math.round(height * 0.022));
  for (let row = 0; row < rows; row += 1) {
    const fade = Math.min(1, (rows - row) / (rows * 0.22));
    for (let pair = 0; pair < period; pair += 1) {
      const here = density[row * period + pair] as number;
      const t = Math.min(1, Math.max(0, (here - sparse) / 0.2));
      const hidden = 242 * t * t * (3 - 2 * t) * fade;
      // Light comes from the upper left: what is denser than its neighbour there is lit.
      const from = Math.max(0, row - reach) * period + ((pair - reach + period) & (period - 1));
      const slope = here - (density[from] as number);
      const lit = Math.min(1, Math.max(0, 0.78 + 2.4 * slope - 0.9 * Math.max(0, t - 0.55)));
      const to = (row * stride + pair) * 2;
      clouds[to] = Math.round(hidden);
      clouds[to + 1] = Math.round(hidden * lit);
    }
    const first = row * stride * 2;
    clouds.copyWithin(first + period * 2, first, first + SPARE_PAIRS * 2);
  }
}

function castStars(
  width: number,
  height: number,
  rows: number,
  seed: number,
): Pick<Sky, 'starRow' | 'starColumn' | 'starLuma'> {
  const random = createRandom(seed ^ 0x57a5);
  const count = Math.min(420, Math.round((220 * width) / height));
  const cast = Array.from({ length: count }, () => ({
    row: Math.floor(rows * random() ** 1.2),
    column: Math.floor(width * random()),
    luma: Math.round(28 + 150 * random() ** 5),
  })).sort((a, b) => a.row - b.row);
  const starRow = new Uint32Array(rows + 1);
  for (const star of cast) starRow[star.row + 1] = (starRow[star.row + 1] as number) + 1;
  for (let row = 0; row < rows; row += 1) {
    starRow[row + 1] = (starRow[row + 1] as number) + (starRow[row] as number);
  }
  return {
    starRow,
    starColumn: Uint16Array.from(cast, (star) => star.column),
    starLuma: Uint8Array.from(cast, (star) => star.luma),
  };
}
