import type { Random } from '../base/random.ts';
import {
  type Canvas,
  ellipse,
  fill,
  fillOutline,
  flat,
  gradient,
  type Ink,
  put,
  type Rgb,
  roundedBox,
  stroke,
} from './scene-paint.ts';

/** A round tree of about `size` height on the ground at (x, base), or a bush when small. */
export function paintBroadleaf(
  canvas: Canvas,
  x: number,
  base: number,
  size: number,
  haze: number,
  random: Random,
): void {
  const lush = 0.85 + 0.3 * random();
  const leaf: Rgb = [0.3 * lush + 0.06 * random(), 0.47 * lush, 0.2 * lush];
  paintShade(canvas, x + size * 0.06, base, size * 0.4, size * 0.07);
  const bark = gradient([0.36, 0.28, 0.2], [0.28, 0.21, 0.15], base - size * 0.5, base, haze);
  const trunk = stroke([x, base - size * 0.5], [x, base], size * 0.022, size * 0.042);
  fill(
    canvas,
    [x - size * 0.1, base - size * 0.55, x + size * 0.1, base + size * 0.03],
    trunk,
    bark,
  );
  const crown = base - size * 0.62;
  for (let blob = 0; blob < 22; blob += 1) {
    const depth = blob / 21;
    const turn = random() * 2 * Math.PI;
    const reach = Math.sqrt(random()) * size * 0.27 * (1 - 0.3 * depth);
    const cx = x + Math.cos(turn) * reach * 1.12 - size * 0.03 * depth;
    const cy = crown + Math.sin(turn) * reach - size * 0.05 * depth;
    paintLeaves(canvas, cx, cy, size * (0.15 - 0.055 * depth), leaf, 0.66 + 0.4 * depth, haze);
  }
}

function paintLeaves(
  canvas: Canvas,
  x: number,
  y: number,
  radius: number,
  leaf: Rgb,
  light: number,
  haze: number,
): void {
  const ink: Ink = (px, py, out) => {
    const lit = -((px - x) * 0.55 + (py - y) * 0.85) / radius;
    put(out, leaf, light * (0.92 + 0.3 * lit), haze);
    out[0] = (out[0] as number) * (1 + 0.12 * Math.max(0, lit));
  };
  const ragged = (px: number, py: number): number => {
    const turn = Math.atan2(py - y, px - x);
    return Math.hypot(px - x, py - y) - radius * (0.93 + 0.07 * Math.sin(turn * 7 + x * 900));
  };
  fill(canvas, [x - radius, y - radius, x + radius, y + radius], ragged, ink);
}

export function paintConifer(
  canvas: Canvas,
  x: number,
  base: number,
  size: number,
  haze: number,
  random: Random,
): void {
  const tone = 0.85 + 0.25 * random();
  paintShade(canvas, x + size * 0.04, base, size * 0.24, size * 0.045);
  const bark = flat([0.3, 0.23, 0.17], haze);
  const stem = [x - size * 0.025, base - size * 0.14, x + size * 0.025, base] as const;
  fill(canvas, stem, roundedBox(stem, 0), bark);
  const tiers = 6;
  for (let tier = 0; tier < tiers; tier += 1) {
    const foot = base - size * (0.07 + 0.135 * tier);
    const half = size * 0.235 * (1 - tier / (tiers + 0.4));
    const tip = foot - size * 0.3;
    const points: number[] = [x, Math.max(tip, base - size)];
    for (let notch = 0; notch <= 6; notch += 1) {
      const across = 1 - notch / 3;
      const sag = (notch % 2 === 0 ? 0.02 : -0.012) * size - 0.025 * size * Math.abs(across);
      points.push(x + half * across, foot + sag);
    }
    fillOutline(canvas, points, (px, py, out) => {
      const lit = -(px - x) / half;
      const drop = (py - tip) / (foot - tip);
      put(out, [0.17, 0.33, 0.22], tone * (1.12 + 0.26 * lit - 0.42 * drop + 0.05 * tier), haze);
    });
  }
}

/** The shade a thing casts around its foot. */
export function paintShade(canvas: Canvas, x: number, y: number, rx: number, ry: number): void {
  const shade = flat([0.07, 0.11, 0.08]);
  for (const [grow, opacity] of [
    [1.25, 0.16],
    [1, 0.2],
    [0.75, 0.2],
  ] as const) {
    const box = [x - rx * grow, y - ry * grow, x + rx * grow, y + ry * grow] as const;
    fill(canvas, box, ellipse(x, y, rx * grow, ry * grow), shade, opacity);
  }
}
