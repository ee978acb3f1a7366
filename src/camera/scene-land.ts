import { createRandom, type Random } from '../base/random.ts';
import { paintFence, paintHouse, paintLamp } from './scene-built.ts';
import { createFractal, type Noise } from './scene-noise.ts';
import { type Canvas, createCanvas, fill, flat, gradient, type Ink, put } from './scene-paint.ts';
import { createPool } from './scene-pool.ts';
import { paintBroadleaf, paintConifer } from './scene-trees.ts';

/** Where the ground begins to end, and where the road runs: in frame heights from the top. */
export const horizonLine = 0.6;
export const roadTop = 0.826;
export const roadBottom = 0.936;

/** The landscape of one seed, `aspect` heights wide: all that stands still, unlit. */
export function paintLand(width: number, height: number, seed: number): Canvas {
  const aspect = width / height;
  const canvas = createCanvas([0, 0, aspect, 1], height, createPool());
  const random = createRandom(seed ^ 0x1a2d);
  const noise = createFractal(seed ^ 0x33aa, 256, 3);
  paintMountains(canvas, noise);
  paintHills(canvas, noise);
  paintMeadow(canvas, noise);
  const side = random() < 0.5 ? 1 : -1;
  const house = { x: aspect * (0.5 + side * (0.16 + 0.06 * random())), side };
  paintGrove(canvas, aspect, house.x, random);
  paintPath(canvas, house.x - side * 0.02, noise);
  paintHouse(canvas, house.x, 0.742, side, random);
  paintGarden(canvas, aspect, house, random);
  paintFence(canvas, [house.x - 0.19, house.x - side * 0.02], [house.x + 0.19, aspect], 0.797);
  paintRoad(canvas, aspect, noise);
  paintLamp(canvas, aspect * (0.5 - side * (0.2 + 0.08 * random())), roadTop - 0.006, side);
  return canvas;
}

/** A ridge as heights above the frame's bottom line `base`, sampled once per canvas column. */
function ridgeOf(canvas: Canvas, lineAt: (x: number) => number): (x: number) => number {
  const line = new Float32Array(canvas.width + 2);
  for (let column = 0; column < line.length; column += 1) {
    line[column] = lineAt((column + 0.5) / canvas.scale);
  }
  return (x) => line[Math.floor(x * canvas.scale)] as number;
}

function paintRidge(
  canvas: Canvas,
  lineAt: (x: number) => number,
  reach: readonly [top: number, bottom: number],
  ink: Ink,
): void {
  const ridge = ridgeOf(canvas, lineAt);
  const right = canvas.width / canvas.scale;
  fill(canvas, [0, reach[0], right, reach[1]], (x, y) => ridge(x) - y, ink);
}

function paintMountains(canvas: Canvas, noise: Noise): void {
  const ridges = [
    { base: 0.6, rise: 0.25, pace: 1.5, row: 3.3, haze: 0.66, color: [0.3, 0.37, 0.5] },
    { base: 0.61, rise: 0.17, pace: 2.2, row: 9.1, haze: 0.48, color: [0.28, 0.38, 0.44] },
  ] as const;
  for (const { base, rise, pace, row, haze, color } of ridges) {
    const shift = row * 7;
    const line = (x: number): number => base - rise * (noise(x * pace + shift, row) ** 1.3 + 0.08);
    const ink: Ink = (x, y, out) => {
      const slope = noise((x + y * 0.4) * pace * 5, row + y * 14) - 0.5;
      const below = Math.min(1, Math.max(0, (y - line(x)) / 0.16));
      put(out, color, 1 + 0.25 * slope, Math.min(0.9, haze + 0.26 * below));
    };
    paintRidge(canvas, line, [0.3, 0.66], ink);
  }
}

/** Wooded hills: a ridge of tree tops, then fields falling towards the meadow. */
function paintHills(canvas: Canvas, noise: Noise): void {
  const line = (x: number): number => 0.612 - 0.085 * noise(x * 1.3 + 41, 20.5);
  const tops = (x: number): number =>
    line(x) -
    0.012 * noise(x * 26, 77.7) -
    0.008 * Math.abs(Math.sin(x * 57 + 5 * noise(x * 9, 3)));
  paintRidge(canvas, tops, [0.48, 0.7], (x, y, out) => {
    const patch = noise(x * 22, y * 46 + 11);
    put(out, [0.24, 0.37, 0.27], 0.72 + 0.6 * patch, 0.34 - (y - 0.55) * 0.9);
  });
  const fields = (x: number): number => 0.638 - 0.05 * noise(x * 1.1 + 9, 51.5);
  paintRidge(canvas, fields, [0.55, 0.75], (x, y, out) => {
    const patch = Math.floor(noise(x * 1.6 + y * 3, y * 9 + 5) * 9) % 3;
    const color = patch === 0 ? fieldGold : patch === 1 ? fieldGreen : fieldLime;
    const stripes = 0.03 * Math.sin((x * 1.2 + y * 9) * (60 + patch * 21));
    put(out, color, 0.94 + stripes + 0.12 * (noise(x * 12, y * 60) - 0.5), 0.2);
  });
}

const fieldGold = [0.72, 0.66, 0.38] as const;
const fieldGreen = [0.45, 0.6, 0.33] as const;
const fieldLime = [0.56, 0.67, 0.36] as const;

function paintMeadow(canvas: Canvas, noise: Noise): void {
  const line = (x: number): number => 0.674 - 0.04 * noise(x * 0.9 + 3, 31.5);
  paintRidge(canvas, line, [0.6, 1], (x, y, out) => {
    const near = (y - 0.63) / 0.37;
    const scale = 1.6 - near;
    const blades = noise(x * 60 * scale, y * 160 * scale) - 0.5;
    const swathe = noise(x * 3, y * 13) - 0.5;
    const light = 1.06 - 0.22 * near + 0.2 * blades + 0.24 * swathe;
    put(out, [0.42 + 0.05 * swathe, 0.585, 0.27], light, 0.07 * (1 - near));
  });
}

function paintPath(canvas: Canvas, x: number, noise: Noise): void {
  const middle = (y: number): number => x + 0.02 * Math.sin((y - 0.74) * 26);
  const half = (y: number): number => 0.011 + (y - 0.74) * 0.16;
  fill(
    canvas,
    [x - 0.1, 0.735, x + 0.1, roadTop + 0.01],
    (px, py) => (py < 0.737 ? 1 : Math.abs(px - middle(py)) - half(py) - 0.004 * noise(py * 90, 1)),
    (px, py, out) => put(out, [0.72, 0.65, 0.52], 0.86 + 0.26 * noise(px * 70, py * 150), 0.03),
  );
}

function paintGrove(canvas: Canvas, aspect: number, houseX: number, random: Random): void {
  for (let x = 0.02; x < aspect; x += 0.05 + 0.16 * random()) {
    const near = Math.abs(x - houseX) < 0.2;
    const base = 0.672 + 0.025 * random();
    const size = (near ? 0.8 : 1) * (0.07 + 0.06 * random());
    if (random() < 0.5) paintConifer(canvas, x, base, size * 1.3, 0.16, random);
    else paintBroadleaf(canvas, x, base, size, 0.14, random);
  }
}

function paintGarden(
  canvas: Canvas,
  aspect: number,
  house: { readonly x: number; readonly side: number },
  random: Random,
): void {
  const { x, side } = house;
  paintBroadleaf(canvas, x + side * (0.25 + 0.03 * random()), 0.757, 0.23, 0.03, random);
  paintConifer(canvas, x - side * (0.24 + 0.03 * random()), 0.752, 0.2, 0.03, random);
  paintConifer(canvas, x - side * (0.3 + 0.04 * random()), 0.765, 0.15, 0.03, random);
  const away = 0.5 * aspect - side * aspect * (0.34 + 0.08 * random());
  paintBroadleaf(canvas, away, 0.772, 0.25 + 0.05 * random(), 0.02, random);
  for (let bush = 0; bush < 3; bush += 1) {
    const at = x + side * (-0.12 + 0.3 * random());
    paintBroadleaf(canvas, at, 0.763, 0.035 + 0.02 * random(), 0.03, random);
  }
}

/** The road across, its markings, and the verge before it. */
function paintRoad(canvas: Canvas, aspect: number, noise: Noise): void {
  const depth = roadBottom - roadTop;
  const verge = gradient([0.4, 0.5, 0.26], [0.3, 0.42, 0.2], roadTop - 0.02, roadBottom);
  const gravel: Ink = (x, y, out) => {
    verge(x, y, out);
    const light = 0.8 + 0.4 * noise(x * 90, y * 220);
    for (let c = 0; c < 3; c += 1) out[c] = (out[c] as number) * light;
  };
  const edge = (x: number): number => 0.005 * noise(x * 30, 12.5);
  fill(
    canvas,
    [0, roadTop - 0.02, aspect, roadBottom + 0.03],
    (x, y) => Math.max(roadTop - 0.008 - edge(x) - y, y - roadBottom - 0.012 - edge(x + 40)),
    gravel,
  );
  fill(
    canvas,
    [0, roadTop, aspect, roadBottom],
    (_x, y) => Math.max(roadTop - y, y - roadBottom),
    (x, y, out) => {
      const t = (y - roadTop) / depth;
      const worn = 0.05 * Math.cos(t * 4 * Math.PI);
      const grain = 0.12 * (noise(x * 140, y * 300) - 0.5) + 0.1 * (noise(x * 5, y * 30) - 0.5);
      put(out, [0.37, 0.375, 0.4], 0.98 - worn + grain, 0.02);
    },
  );
  const paint = flat([0.88, 0.87, 0.82]);
  for (const [y, thick] of [
    [roadTop + 0.007, 0.0035],
    [roadBottom - 0.009, 0.005],
  ] as const) {
    fill(
      canvas,
      [0, y, aspect, y + thick],
      (_x, py) => Math.max(y - py, py - y - thick),
      paint,
      0.8,
    );
  }
  const middle = roadTop + depth * 0.46;
  for (let x = 0.03; x < aspect; x += 0.19) {
    const dash = (px: number, py: number): number =>
      Math.max(x - px, px - x - 0.095, middle - py, py - middle - 0.0045);
    fill(canvas, [x, middle, x + 0.095, middle + 0.0045], dash, paint, 0.85);
  }
}
