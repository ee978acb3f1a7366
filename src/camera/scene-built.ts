import type { Random } from '../base/random.ts';
import {
  type Box,
  boxOf,
  type Canvas,
  circle,
  ellipse,
  fill,
  fillOutline,
  flat,
  gradient,
  type Ink,
  put,
  type Rgb,
  roundedBox,
  shine,
  stroke,
} from './scene-paint.ts';
import { paintShade } from './scene-trees.ts';

/** The lamps of the land: each is switched by itself. */
export const lampKinds = { street: 1, porch: 2, windows: [3, 4, 5, 6] } as const;

const warm: Rgb = [1, 0.74, 0.36];

function fillBox(canvas: Canvas, box: Box, radius: number, ink: Ink): void {
  fill(canvas, box, roundedBox(box, radius), ink);
}

/** A farmhouse on the ground at (x, base); its gable looks to `side`, 1 is right. */
export function paintHouse(
  canvas: Canvas,
  x: number,
  base: number,
  side: number,
  random: Random,
): void {
  const walls: readonly Rgb[] = [
    [0.93, 0.89, 0.8],
    [0.86, 0.74, 0.6],
    [0.82, 0.86, 0.84],
    [0.78, 0.46, 0.38],
  ];
  const wall = walls[Math.floor(random() * walls.length)] as Rgb;
  const at = (dx: number): number => x + side * dx;
  const eaves = base - 0.092;
  const ridge = base - 0.172;
  paintShade(canvas, at(0.01), base + 0.002, 0.2, 0.014);
  paintChimney(canvas, at(-0.075), ridge);
  const front = gradient([wall[0], wall[1], wall[2]], tone(wall, 0.86), eaves, base, 0.02);
  const gable = flat(tone(wall, 0.78), 0.02);
  fillOutline(canvas, [at(-0.15), eaves, at(0.06), eaves, at(0.06), base, at(-0.15), base], front);
  const peak = at(0.107);
  fillOutline(
    canvas,
    [at(0.06), base, at(0.06), eaves, peak, ridge + 0.004, at(0.155), eaves, at(0.155), base],
    gable,
  );
  paintRoof(canvas, [
    at(-0.168),
    eaves + 0.012,
    at(-0.118),
    ridge,
    peak,
    ridge,
    at(0.053),
    eaves + 0.012,
  ]);
  const trim = flat([0.5, 0.27, 0.21], 0.02);
  for (const foot of [0.053, 0.166] as const) {
    const from = [peak, ridge] as const;
    const to = [at(foot), eaves + 0.012] as const;
    const box: Box = [
      Math.min(from[0], to[0]) - 0.01,
      ridge - 0.01,
      Math.max(from[0], to[0]) + 0.01,
      eaves + 0.03,
    ];
    fill(canvas, box, stroke(from, to, 0.0045, 0.0045), trim);
  }
  const sill = base - 0.036;
  const [first, second, third, attic] = lampKinds.windows;
  paintWindow(canvas, at(-0.115), sill, 0.036, 0.04, first);
  paintWindow(canvas, at(0.025), sill, 0.036, 0.04, second);
  paintWindow(canvas, at(0.107), sill, 0.03, 0.04, third);
  paintWindow(canvas, at(0.107), eaves + 0.002, 0.022, 0.026, attic);
  paintDoor(canvas, at(-0.045), base);
}

function tone(color: Rgb, light: number): Rgb {
  return [color[0] * light, color[1] * light, color[2] * light];
}

function paintChimney(canvas: Canvas, x: number, ridge: number): void {
  const brick = flat([0.56, 0.36, 0.29], 0.02);
  fillBox(canvas, [x - 0.012, ridge - 0.036, x + 0.012, ridge + 0.03], 0, brick);
  fillBox(
    canvas,
    [x - 0.015, ridge - 0.042, x + 0.015, ridge - 0.034],
    0.001,
    flat([0.42, 0.3, 0.26]),
  );
}

function paintRoof(canvas: Canvas, points: readonly number[]): void {
  const box = boxOf(points);
  fillOutline(canvas, points, (px, py, out) => {
    const course = (py - box[1]) / (box[3] - box[1]);
    const tile =
      0.05 * Math.sin(course * 50) + 0.035 * Math.sin(px * 420 + Math.floor(course * 8) * 2);
    put(out, [0.66, 0.34, 0.25], 1.04 - 0.16 * course + tile, 0.02);
  });
}

function paintWindow(
  canvas: Canvas,
  x: number,
  bottom: number,
  width: number,
  height: number,
  lamp: number,
): void {
  const box: Box = [x - width / 2, bottom - height, x + width / 2, bottom];
  const frame: Box = [box[0] - 0.004, box[1] - 0.004, box[2] + 0.004, box[3] + 0.004];
  fillBox(canvas, frame, 0.001, flat([0.95, 0.94, 0.9]));
  fillBox(canvas, box, 0, gradient([0.36, 0.47, 0.58], [0.2, 0.25, 0.31], box[1], box[3]));
  const bar = (px: number, py: number): boolean =>
    Math.abs(px - x) < 0.0022 || Math.abs(py - bottom + height * 0.55) < 0.0022;
  const inside = roundedBox(box, 0.001);
  shine(
    canvas,
    box,
    (px, py) => (inside(px, py) < 0 ? (bar(px, py) ? 0.25 : 0.95) : 0),
    warm,
    lamp,
  );
  const mullion = flat([0.95, 0.94, 0.9]);
  fillBox(canvas, [x - 0.0018, box[1], x + 0.0018, box[3]], 0, mullion);
  const halo: Box = [x - width * 2, bottom - height * 2, x + width * 2, bottom + height];
  const middle = bottom - height / 2;
  const spread = (px: number, py: number): number =>
    inside(px, py) < 0
      ? 0
      : 0.16 * Math.max(0, 1 - Math.hypot(px - x, py - middle) / (width * 1.9)) ** 2;
  shine(canvas, halo, spread, warm, lamp);
}

function paintDoor(canvas: Canvas, x: number, base: number): void {
  fillBox(canvas, [x - 0.018, base - 0.068, x + 0.018, base], 0.002, flat([0.93, 0.91, 0.86]));
  fillBox(canvas, [x - 0.014, base - 0.064, x + 0.014, base], 0.001, flat([0.27, 0.37, 0.36]));
  fill(
    canvas,
    [x, base - 0.034, x + 0.014, base - 0.026],
    circle(x + 0.009, base - 0.03, 0.002),
    flat([0.9, 0.8, 0.5]),
  );
  const top = base - 0.078;
  const pool = (px: number, py: number): number =>
    0.75 * Math.max(0, 1 - Math.hypot(px - x, (py - top) * 0.75) / 0.075) ** 2;
  shine(canvas, [x - 0.08, top - 0.04, x + 0.08, base + 0.012], pool, warm, lampKinds.porch);
}

/** Posts and rails along `y` over each of the given spans. */
export function paintFence(
  canvas: Canvas,
  gate: readonly [number, number],
  rest: readonly [number, number],
  y: number,
): void {
  const wood: Ink = gradient([0.78, 0.73, 0.64], [0.6, 0.54, 0.46], y - 0.028, y);
  const gap = Math.max(gate[1], gate[0]);
  for (let x = 0.012; x < rest[1]; x += 0.044) {
    if (Math.abs(x - gap) < 0.045) continue;
    fillBox(canvas, [x - 0.0028, y - 0.03, x + 0.0028, y], 0.001, wood);
    if (Math.abs(x + 0.044 - gap) < 0.045) continue;
    for (const rail of [0.024, 0.013]) {
      fillBox(canvas, [x, y - rail - 0.0018, x + 0.044, y - rail + 0.0018], 0, wood);
    }
  }
}

/** A street lamp on the ground at (x, base), reaching over the road to `side`. */
export function paintLamp(canvas: Canvas, x: number, base: number, side: number): void {
  const steel = flat([0.3, 0.32, 0.35]);
  const top = base - 0.29;
  const head = x + side * 0.062;
  fill(canvas, [x - 0.01, top, x + 0.01, base], stroke([x, top], [x, base], 0.0028, 0.0048), steel);
  const bend = [x + side * 0.018, top - 0.02] as const;
  const arm: Box = [Math.min(x, head) - 0.02, top - 0.04, Math.max(x, head) + 0.02, top + 0.02];
  fill(canvas, arm, stroke([x, top], bend, 0.0028, 0.0026), steel);
  fill(canvas, arm, stroke(bend, [head, top - 0.024], 0.0026, 0.0026), steel);
  fill(canvas, arm, ellipse(head, top - 0.021, 0.019, 0.006), steel);
  const light: Rgb = [1, 0.86, 0.58];
  const bulb = ellipse(head, top - 0.016, 0.013, 0.004);
  const halo = (px: number, py: number): number => {
    const away = Math.hypot(px - head, py - top + 0.014);
    return (bulb(px, py) < 0 ? 1 : 0) + 0.55 * Math.max(0, 1 - away / 0.1) ** 3;
  };
  shine(canvas, [head - 0.1, top - 0.12, head + 0.1, top + 0.09], halo, light, lampKinds.street);
  const ground = base + 0.04;
  const beam = (px: number, py: number): number => {
    const down = (py - top) / (ground - top);
    const across = (px - head) / (0.02 + 0.17 * down);
    return down < 0 ? 0 : 0.17 * Math.max(0, 1 - across * across) * (1 - 0.7 * down);
  };
  shine(canvas, [head - 0.2, top, head + 0.2, ground], beam, light, lampKinds.street);
  const pool = (px: number, py: number): number =>
    0.5 * Math.max(0, 1 - Math.hypot((px - head) / 0.26, (py - ground) / 0.06)) ** 1.5;
  shine(
    canvas,
    [head - 0.26, ground - 0.06, head + 0.26, ground + 0.06],
    pool,
    light,
    lampKinds.street,
  );
}
