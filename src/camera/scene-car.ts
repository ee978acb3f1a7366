import type { Random } from '../base/random.ts';
import {
  boxOf,
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
  roundedBox,
  shine,
  smooth,
  stroke,
} from './scene-paint.ts';
import type { Pool } from './scene-pool.ts';

/** A car's side in units of its length: x from the rear bumper to the front one, y 0 the ground. */
type Shape = {
  readonly hull: readonly number[];
  readonly cabin: readonly number[];
  /** Glass as quadrilaterals. */
  readonly panes: readonly (readonly number[])[];
};

const lowerFront = [
  0.62, -0.203, 0.86, -0.178, 0.965, -0.145, 0.997, -0.1, 0.985, -0.055, 0.9, -0.045,
];

const shapes: readonly Shape[] = [
  {
    hull: [0.1, -0.045, 0.02, -0.06, 0.002, -0.12, 0.02, -0.19, 0.14, -0.205, ...lowerFront],
    cabin: [
      0.11, -0.19, 0.2, -0.262, 0.29, -0.31, 0.4, -0.32, 0.51, -0.313, 0.6, -0.268, 0.71, -0.19,
      0.4, -0.17,
    ],
    panes: [
      [0.2, -0.208, 0.285, -0.288, 0.395, -0.298, 0.395, -0.208],
      [0.42, -0.208, 0.42, -0.298, 0.505, -0.292, 0.575, -0.258, 0.632, -0.208],
    ],
  },
  {
    hull: [0.1, -0.045, 0.02, -0.06, 0.004, -0.12, 0.012, -0.2, 0.14, -0.215, ...lowerFront],
    cabin: [
      0.012, -0.19, 0.045, -0.262, 0.12, -0.322, 0.3, -0.335, 0.46, -0.328, 0.57, -0.28, 0.7, -0.19,
      0.35, -0.17,
    ],
    panes: [
      [0.085, -0.216, 0.13, -0.3, 0.22, -0.313, 0.22, -0.216],
      [0.24, -0.216, 0.24, -0.314, 0.39, -0.314, 0.39, -0.214],
      [0.412, -0.213, 0.412, -0.313, 0.465, -0.307, 0.552, -0.268, 0.622, -0.21],
    ],
  },
  {
    hull: [
      0.1, -0.045, 0.02, -0.06, 0.004, -0.14, 0.008, -0.26, 0.3, -0.29, 0.7, -0.26, 0.88, -0.2,
      0.975, -0.15, 0.997, -0.1, 0.985, -0.055, 0.9, -0.045,
    ],
    cabin: [
      0.008, -0.24, 0.016, -0.345, 0.06, -0.385, 0.34, -0.395, 0.6, -0.385, 0.69, -0.345, 0.83,
      -0.215, 0.4, -0.2,
    ],
    panes: [
      [0.5, -0.24, 0.5, -0.355, 0.575, -0.352, 0.575, -0.24],
      [0.6, -0.24, 0.6, -0.352, 0.665, -0.34, 0.765, -0.238],
    ],
  },
];

const coats: readonly Rgb[] = [
  [0.8, 0.14, 0.13],
  [0.12, 0.33, 0.66],
  [0.93, 0.93, 0.91],
  [0.95, 0.72, 0.14],
  [0.16, 0.5, 0.42],
  [0.56, 0.6, 0.64],
  [0.93, 0.46, 0.14],
  [0.3, 0.12, 0.28],
];

/** Paints a car that drives to the right, `scale` pixels long; its body begins at x 0 and ends at 1. */
export function paintCar(scale: number, random: Random, pool: Pool): Painting {
  const margin = 1.5 / scale;
  const canvas = createCanvas([-0.06 - margin, -0.46, 1.62 + margin, 0.06], scale, pool);
  const shape = shapes[Math.floor(random() * shapes.length)] as Shape;
  const coat = coats[Math.floor(random() * coats.length)] as Rgb;
  return {
    canvas,
    steps: [
      () => paintContact(canvas),
      () => paintShell(canvas, shape.cabin, coat),
      () => paintShell(canvas, shape.hull, coat),
      () => {
        for (const pane of shape.panes) paintPane(canvas, pane);
      },
      () => paintTrim(canvas, shape, coat),
      () => {
        for (const x of [0.195, 0.795]) paintWheel(canvas, x);
      },
      () => paintLamps(canvas),
      () => paintBeam(canvas),
    ],
  };
}

const white: Rgb = [1, 0.93, 0.74];

function paintContact(canvas: Canvas): void {
  const shade = flat([0.05, 0.055, 0.07]);
  for (const [grow, opacity] of [
    [1.08, 0.25],
    [1, 0.35],
    [0.94, 0.4],
  ] as const) {
    const box = [0.5 - 0.5 * grow, -0.03 * grow, 0.5 + 0.5 * grow, 0.03 * grow] as const;
    fill(canvas, box, ellipse(0.5, -0.002, 0.5 * grow, 0.026 * grow), shade, opacity);
  }
}

function paintShell(canvas: Canvas, points: readonly number[], coat: Rgb): void {
  const ink: Ink = (_x, y, out) => {
    const roof = Math.exp(-(((y + 0.315) / 0.03) ** 2));
    const shoulder = Math.exp(-(((y + 0.185) / 0.018) ** 2));
    const sill = Math.max(0, (y + 0.13) / 0.09);
    put(out, coat, 0.86 + 0.2 * roof + 0.22 * shoulder - 0.36 * sill, 0);
    // A clear coat mirrors some sky on what faces up.
    for (let c = 0; c < 3; c += 1) {
      out[c] = Math.min(1, (out[c] as number) + 0.13 * (shoulder + roof));
      out[c + 4] = (coat[c] as number) * 0.1;
    }
  };
  fillOutline(canvas, smooth(points, 4), ink);
}

function paintPane(canvas: Canvas, pane: readonly number[]): void {
  const box = boxOf(pane);
  const ink: Ink = (x, y, out) => {
    const up = (box[3] - y) / (box[3] - box[1]);
    const gleam = Math.max(0, 1 - Math.abs(x + y * 0.8 - box[0] - 0.02 + 0.2) / 0.035);
    put(out, [0.2, 0.26, 0.32], 0.7 + 0.75 * up + 0.5 * gleam, 0);
    out[4] = 0.05;
    out[5] = 0.06;
    out[6] = 0.07;
  };
  fillOutline(canvas, pane, ink);
}

function paintTrim(canvas: Canvas, shape: Shape, coat: Rgb): void {
  const seam = flat([coat[0] * 0.5, coat[1] * 0.5, coat[2] * 0.5]);
  const doors = shape.panes.length === 3 ? [0.23, 0.4, 0.64] : [0.405, 0.64];
  for (const x of doors) {
    fill(
      canvas,
      [x - 0.01, -0.22, x + 0.01, -0.06],
      stroke([x, -0.205], [x - 0.006, -0.075], 0.0022, 0.0022),
      seam,
    );
    fill(
      canvas,
      [x - 0.07, -0.18, x, -0.16],
      roundedBox([x - 0.055, -0.174, x - 0.02, -0.166], 0.003),
      seam,
    );
  }
  const skirt = flat([0.14, 0.145, 0.16]);
  fill(
    canvas,
    [0.02, -0.062, 0.98, -0.036],
    roundedBox([0.02, -0.062, 0.98, -0.036], 0.012),
    skirt,
  );
  fill(canvas, [0.93, -0.115, 1, -0.085], roundedBox([0.945, -0.108, 0.998, -0.088], 0.008), skirt);
  const mirror = flat([coat[0] * 0.8, coat[1] * 0.8, coat[2] * 0.8]);
  fill(canvas, [0.6, -0.23, 0.66, -0.19], ellipse(0.628, -0.213, 0.02, 0.014), mirror);
}

function paintWheel(canvas: Canvas, x: number): void {
  const y = -0.073;
  const box = (r: number): [number, number, number, number] => [x - r, y - r, x + r, y + r];
  const arch = circle(x, y, 0.09);
  fill(
    canvas,
    box(0.09),
    (px, py) => Math.max(arch(px, py), py + 0.045),
    flat([0.06, 0.06, 0.075]),
  );
  fill(canvas, box(0.075), circle(x, y, 0.075), flat([0.1, 0.1, 0.11]));
  fill(canvas, box(0.048), circle(x, y, 0.048), (px, py, out) => {
    const turn = Math.atan2(py - y, px - x);
    const spoke = 0.5 + 0.5 * Math.cos(turn * 5);
    put(out, [0.72, 0.73, 0.76], 0.72 + 0.3 * spoke - (py - y) * 3, 0);
    out[4] = 0.03;
    out[5] = 0.03;
    out[6] = 0.035;
  });
  fill(canvas, box(0.013), circle(x, y, 0.013), flat([0.3, 0.3, 0.33]));
}

function paintLamps(canvas: Canvas): void {
  fill(
    canvas,
    [0.92, -0.16, 1, -0.12],
    ellipse(0.958, -0.139, 0.026, 0.0125),
    flat([0.96, 0.96, 0.9]),
  );
  fill(
    canvas,
    [0, -0.185, 0.04, -0.13],
    roundedBox([0.004, -0.18, 0.024, -0.135], 0.006),
    flat([0.75, 0.08, 0.07]),
  );
  const halo = (px: number, py: number): number =>
    Math.max(0, 1 - Math.hypot(px - 0.97, py + 0.137) / 0.085) ** 2;
  shine(canvas, [0.88, -0.23, 1.07, -0.04], halo, white, 1);
  const tail = (px: number, py: number): number =>
    0.9 * Math.max(0, 1 - Math.hypot(px - 0.012, py + 0.158) / 0.06) ** 1.6;
  shine(canvas, [-0.05, -0.22, 0.08, -0.09], tail, [1, 0.12, 0.06], 1);
}

/** What the headlights light of the air before them. */
function paintBeam(canvas: Canvas): void {
  const beam = (px: number, py: number): number => {
    const away = px - 0.975;
    const across = (py + 0.137 - away * 0.12) / (0.016 + away * 0.17);
    return away < 0
      ? 0
      : 0.34 * Math.max(0, 1 - across * across) * Math.max(0, 1 - away / 0.62) ** 1.4;
  };
  shine(canvas, [0.97, -0.3, 1.62, 0.06], beam, white, 1);
}
