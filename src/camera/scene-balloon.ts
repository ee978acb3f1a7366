import type { Random } from '../base/random.ts';
import {
  type Canvas,
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
  stroke,
} from './scene-paint.ts';
import type { Pool } from './scene-pool.ts';

/** The envelope in units of the balloon's height: widest at `waist`, open at `mouth`. */
const waist = 0.36;
const mouth = 0.8;
const radius = 0.355;
const mouthRadius = 0.055;

const palettes: readonly (readonly Rgb[])[] = [
  [
    [0.88, 0.2, 0.16],
    [0.97, 0.79, 0.24],
    [0.96, 0.93, 0.86],
  ],
  [
    [0.14, 0.36, 0.68],
    [0.95, 0.95, 0.93],
    [0.88, 0.26, 0.2],
  ],
  [
    [0.45, 0.2, 0.52],
    [0.96, 0.6, 0.2],
    [0.97, 0.85, 0.4],
  ],
  [
    [0.1, 0.52, 0.5],
    [0.95, 0.88, 0.66],
    [0.9, 0.45, 0.24],
  ],
  [
    [0.93, 0.42, 0.52],
    [0.97, 0.9, 0.86],
    [0.4, 0.62, 0.82],
  ],
];

function radiusAt(y: number): number {
  if (y < waist) return Math.sqrt(Math.max(0, radius ** 2 - (waist - y) ** 2));
  const t = Math.min(1, (y - waist) / (mouth - waist));
  return mouthRadius + (radius - mouthRadius) * (1 - t * t * (1.25 - 0.25 * t));
}

/** The envelope's outline as x, y pairs, in finer steps near the top, where it turns level. */
function outlineOf(): number[] {
  const steps = 36;
  const right: number[] = [];
  const left: number[] = [];
  for (let step = 0; step <= steps; step += 1) {
    const y = mouth * (step / steps) ** 1.6;
    right.push(radiusAt(y), y);
    left.unshift(-radiusAt(y), y);
  }
  return [...right, ...left];
}

/** The envelope is painted in as many steps. */
const bands = 6;

/** Which of three colours a point has, from its gore (0 to 1 around the visible half) and height. */
type Pattern = (gore: number, y: number) => number;
const patterns: readonly Pattern[] = [
  (gore) => Math.floor(gore * 8) % 2,
  (gore) => Math.floor(gore * 9) % 3,
  (gore, y) => (y < 0.16 || y > 0.62 ? 0 : 1 + (Math.floor(gore * 8) % 2)),
  (gore, y) => {
    const zigzag = Math.abs(((gore * 8) % 1) - 0.5) * 0.16;
    return y + zigzag < 0.26
      ? 0
      : y + zigzag < 0.36
        ? 1
        : y + zigzag < 0.46
          ? 2
          : y + zigzag < 0.56
            ? 1
            : 0;
  },
  (gore, y) => (Math.floor(gore * 8) + Math.floor(y * 9)) % 2,
];

/** Paints a hot-air balloon, `scale` pixels high; x 0 is its middle and y 0 its top. */
export function paintBalloon(scale: number, random: Random, pool: Pool): Painting {
  const margin = 1.5 / scale;
  const canvas = createCanvas([-0.36 - margin, -margin, 0.36 + margin, 1 + margin], scale, pool);
  const palette = palettes[Math.floor(random() * palettes.length)] as readonly Rgb[];
  const pattern = patterns[Math.floor(random() * patterns.length)] as Pattern;
  const turn = random();
  const ink = envelopeInk(palette, pattern, turn);
  const outline = outlineOf();
  const band = Math.ceil((canvas.height * mouth) / bands) + 1;
  const cloth = Array.from({ length: bands }, (_, index) => (): void => {
    fillOutline(canvas, outline, ink, [index * band, (index + 1) * band]);
  });
  return {
    canvas,
    steps: [() => paintBasket(canvas), ...cloth, () => paintMouth(canvas)],
  };
}

function paintMouth(canvas: Canvas): void {
  const scoop = flat([0.2, 0.17, 0.16]);
  fill(
    canvas,
    [-0.06, mouth - 0.012, 0.06, mouth + 0.012],
    ellipse(0, mouth, mouthRadius, 0.011),
    scoop,
  );
  paintFlame(canvas);
}

function envelopeInk(palette: readonly Rgb[], pattern: Pattern, turn: number): Ink {
  return (x, y, out) => {
    const across = Math.min(1, Math.max(-1, x / Math.max(0.001, radiusAt(y))));
    const gore = Math.asin(across) / Math.PI + 0.5 + turn / 8;
    const color = palette[pattern(gore, y)] as Rgb;
    const facing = Math.sqrt(1 - across * across);
    const up = (waist - y) / 0.5;
    const bulge = 0.05 * Math.cos(((gore * 16) % 1) * 2 * Math.PI);
    const light = 0.56 - 0.24 * across + 0.22 * up + 0.3 * facing - bulge * facing;
    put(out, color, Math.max(0.25, light), 0);
    const sheen = 0.16 * Math.exp(-(((across + 0.38) / 0.2) ** 2) - ((y - 0.24) / 0.13) ** 2);
    // At night the burner lights the cloth from within, most where it is near.
    const lit = 0.2 + 0.62 * Math.exp(-(((y - mouth) / 0.34) ** 2)) * (0.5 + 0.5 * facing);
    for (let c = 0; c < 3; c += 1) {
      out[c] = Math.min(1, (out[c] as number) + sheen);
      out[c + 4] = (color[c] as number) * lit * (c === 2 ? 0.72 : 1);
    }
  };
}

function paintBasket(canvas: Canvas): void {
  const rope = flat([0.28, 0.24, 0.2]);
  for (const [from, to] of [
    [-0.05, -0.052],
    [-0.02, -0.018],
    [0.02, 0.018],
    [0.05, 0.052],
  ] as const) {
    const line = stroke([from, mouth - 0.01], [to, 0.92], 0.0035, 0.0035);
    fill(canvas, [-0.07, mouth - 0.02, 0.07, 0.93], line, rope);
  }
  fill(
    canvas,
    [-0.06, 0.9, 0.06, 1],
    roundedBox([-0.058, 0.905, 0.058, 0.998], 0.014),
    (x, y, out) => {
      const weave = 0.12 * Math.sin(x * 330) * Math.sin(y * 330);
      put(out, [0.58, 0.4, 0.23], 0.9 + weave - x * 2.2 - (y - 0.95) * 2, 0);
      out[4] = 0.1;
      out[5] = 0.065;
      out[6] = 0.03;
    },
  );
  const rim = flat([0.36, 0.22, 0.13]);
  fill(
    canvas,
    [-0.065, 0.895, 0.065, 0.915],
    roundedBox([-0.063, 0.898, 0.063, 0.912], 0.006),
    rim,
  );
}

function paintFlame(canvas: Canvas): void {
  const flame = (x: number, y: number): number => {
    const up = (0.9 - y) / 0.1;
    const across = x / (0.016 * Math.max(0.15, 1 - up * 0.8));
    return up < 0 || up > 1 ? 0 : Math.max(0, 1 - across * across);
  };
  shine(canvas, [-0.03, 0.8, 0.03, 0.9], flame, [1, 0.84, 0.42], 1);
}
