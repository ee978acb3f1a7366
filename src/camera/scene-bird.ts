import type { Random } from '../base/random.ts';
import {
  type Canvas,
  circle,
  createCanvas,
  ellipse,
  fill,
  fillOutline,
  flat,
  type Ink,
  type Painting,
  put,
  type Rgb,
  smooth,
} from './scene-paint.ts';
import type { Pool } from './scene-pool.ts';

/** Pictures of one beat of the wings. */
export const birdPoses = 12;

type Plumage = {
  readonly body: Rgb;
  readonly wing: Rgb;
  readonly tip: Rgb;
  readonly beak: Rgb;
};

const plumages: readonly Plumage[] = [
  {
    body: [0.97, 0.97, 0.95],
    wing: [0.72, 0.75, 0.8],
    tip: [0.14, 0.14, 0.17],
    beak: [0.95, 0.62, 0.16],
  },
  {
    body: [0.16, 0.16, 0.2],
    wing: [0.12, 0.12, 0.16],
    tip: [0.06, 0.06, 0.09],
    beak: [0.3, 0.28, 0.26],
  },
  {
    body: [0.5, 0.33, 0.2],
    wing: [0.4, 0.26, 0.17],
    tip: [0.18, 0.12, 0.1],
    beak: [0.85, 0.7, 0.3],
  },
  {
    body: [0.62, 0.2, 0.16],
    wing: [0.3, 0.24, 0.24],
    tip: [0.14, 0.12, 0.13],
    beak: [0.92, 0.75, 0.3],
  },
];

/** Lit by the moon at night, on top of the ground's light: a bird is up where it is brighter. */
function plumageInk(above: Rgb, below: Rgb, top: number, bottom: number): Ink {
  return (_x, y, out) => {
    const t = Math.min(1, Math.max(0, (y - top) / (bottom - top)));
    const light = 1.04 - 0.26 * t;
    const color: [number, number, number] = [0, 0, 0];
    for (let c = 0; c < 3; c += 1) {
      color[c] = (above[c] as number) * (1 - t) + (below[c] as number) * t;
    }
    put(out, color, light, 0);
    for (let c = 0; c < 3; c += 1) out[c + 4] = 0.13 + color[c as 0 | 1 | 2] * 0.28;
  };
}

/**
 * Paints one pose of a bird that flies to the right, `scale` pixels from beak to tail; x 0 is the
 * tip of its tail and y 0 the top of its wings' beat.
 */
export function paintBird(scale: number, pose: number, random: Random, pool: Pool): Painting {
  const margin = 1.5 / scale;
  const canvas = createCanvas([-margin, -0.04 - margin, 1 + margin, 0.94 + margin], scale, pool);
  const plumage = plumages[Math.floor(random() * plumages.length)] as Plumage;
  const turn = (pose / birdPoses) * 2 * Math.PI;
  const beat = 0.4 * Math.cos(turn) + 0.04;
  // The tip follows the arm a little late, as feathers do.
  const tip = 0.44 * Math.cos(turn - 0.5) + 0.05;
  const lift = -0.02 * Math.cos(turn);
  const paint = (): void => {
    paintWing(canvas, plumage, [0.07, lift, beat * 0.86, tip * 0.86], 0.78);
    paintBody(canvas, plumage, lift);
    paintWing(canvas, plumage, [0, lift, beat, tip], 1);
  };
  return { canvas, steps: [paint] };
}

function paintBody(canvas: Canvas, plumage: Plumage, lift: number): void {
  const { body, beak } = plumage;
  const belly: Rgb = [body[0] * 0.78, body[1] * 0.78, body[2] * 0.8];
  const ink = plumageInk(body, belly, 0.38 + lift, 0.55 + lift);
  const y = (at: number): number => at + lift;
  const hull = smooth(
    [
      0.02,
      y(0.47),
      0.2,
      y(0.43),
      0.42,
      y(0.385),
      0.66,
      y(0.375),
      0.78,
      y(0.345),
      0.86,
      y(0.36),
      0.895,
      y(0.405),
      0.84,
      y(0.455),
      0.7,
      y(0.52),
      0.5,
      y(0.545),
      0.3,
      y(0.515),
      0.04,
      y(0.525),
      0.1,
      y(0.495),
    ],
    4,
  );
  fillOutline(canvas, [0.87, y(0.378), 0.99, y(0.418), 0.87, y(0.432)], flat(beak));
  fillOutline(canvas, hull, ink);
  fill(
    canvas,
    [0.8, y(0.37), 0.84, y(0.41)],
    circle(0.825, y(0.392), 0.012),
    flat([0.05, 0.05, 0.06]),
  );
}

/** `pose`: the shift to the right, the lift of the body, how high the arm and the tip are. */
function paintWing(
  canvas: Canvas,
  plumage: Plumage,
  pose: readonly [number, number, number, number],
  shade: number,
): void {
  const [shift, lift, arm, tip] = pose;
  const root = 0.42 + lift;
  const x = (at: number): number => at + shift;
  const outline = smooth(
    [
      x(0.66),
      root,
      x(0.68),
      root - arm * 0.45,
      x(0.58),
      root - arm * 0.8,
      x(0.36),
      root - tip,
      x(0.33),
      root - tip * 0.82,
      x(0.36),
      root - arm * 0.45,
      x(0.3),
      root + 0.015,
      x(0.45),
      root + 0.045,
    ],
    5,
  );
  const tone = (color: Rgb): Rgb => [color[0] * shade, color[1] * shade, color[2] * shade];
  const reach = root - tip;
  const ink = plumageInk(
    tone(plumage.tip),
    tone(plumage.wing),
    reach,
    reach + (root - reach) * 0.4,
  );
  fillOutline(canvas, outline, ink);
  const shoulder = plumageInk(tone(plumage.wing), tone(plumage.wing), root - 0.05, root + 0.06);
  const box = [x(0.34), root - 0.05, x(0.66), root + 0.05] as const;
  fill(canvas, box, ellipse(x(0.5), root + 0.006, 0.16, 0.04), shoulder, shade);
}
