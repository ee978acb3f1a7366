import type { Micros } from '../base/time.ts';
import type { Rgb } from './scene-paint.ts';

/** A whole day of the scene, in microseconds. */
export const dayLength = 120_000_000;

/**
 * The light of one instant in the units of the row kernel: luma without its offset (0 to 219) and
 * chroma around zero (-112 to 112), both times 256; gains and levels of 256 mean one.
 */
export type Light = {
  /** Where the sun and the moon stand: 0 to 1 from the left edge, and above the horizon in heights. */
  sunX: number;
  sunY: number;
  moonX: number;
  moonY: number;
  /** What a surface reflects of its luma, and the chroma that coloured light adds per luma. */
  gain: number;
  tintU: number;
  tintV: number;
  zenith: Color;
  horizon: Color;
  /** The air between the eye and far hills. */
  air: Color;
  /** What the sun adds to the sky around it. */
  glow: Color;
  cloudLit: Color;
  cloudDark: Color;
  /** Whether it changes fast: dusk and dawn, at up to ten levels a second. */
  fast: boolean;
  /** How far lamps are on, and how far stars show. */
  lamps: number;
  stars: number;
};

export type Color = { y: number; u: number; v: number };

type Hour = {
  readonly elevation: number;
  readonly zenith: Rgb;
  readonly horizon: Rgb;
  readonly light: Rgb;
  readonly glow: Rgb;
  readonly cloudLit: Rgb;
  readonly cloudDark: Rgb;
  readonly lamps: number;
  readonly stars: number;
};

/** The day by the sun's elevation, colours in 8-bit sRGB; in between is linear. */
const hours: readonly Hour[] = [
  {
    elevation: -0.6,
    zenith: [9, 13, 33],
    horizon: [27, 37, 70],
    light: [58, 66, 98],
    glow: [0, 0, 0],
    cloudLit: [48, 56, 86],
    cloudDark: [22, 27, 50],
    lamps: 1,
    stars: 1,
  },
  {
    elevation: -0.36,
    zenith: [24, 34, 78],
    horizon: [92, 76, 112],
    light: [84, 84, 122],
    glow: [64, 22, 2],
    cloudLit: [104, 78, 110],
    cloudDark: [44, 44, 82],
    lamps: 1,
    stars: 0.45,
  },
  {
    elevation: -0.1,
    zenith: [54, 76, 142],
    horizon: [236, 150, 112],
    light: [158, 132, 140],
    glow: [90, 46, 6],
    cloudLit: [246, 150, 120],
    cloudDark: [104, 86, 126],
    lamps: 0.85,
    stars: 0,
  },
  {
    elevation: 0.16,
    zenith: [84, 134, 200],
    horizon: [250, 206, 160],
    light: [240, 208, 176],
    glow: [70, 54, 22],
    cloudLit: [255, 228, 204],
    cloudDark: [178, 160, 172],
    lamps: 0,
    stars: 0,
  },
  {
    elevation: 0.5,
    zenith: [66, 132, 208],
    horizon: [190, 220, 240],
    light: [255, 250, 240],
    glow: [40, 36, 24],
    cloudLit: [252, 252, 250],
    cloudDark: [184, 196, 212],
    lamps: 0,
    stars: 0,
  },
  {
    elevation: 1.2,
    zenith: [50, 116, 200],
    horizon: [178, 214, 240],
    light: [255, 254, 250],
    glow: [34, 32, 24],
    cloudLit: [255, 255, 255],
    cloudDark: [190, 202, 218],
    lamps: 0,
    stars: 0,
  },
];

const dark = (): Color => ({ y: 0, u: 0, v: 0 });

export function createLight(): Light {
  return {
    sunX: 0,
    sunY: 0,
    moonX: 0,
    moonY: 0,
    gain: 0,
    tintU: 0,
    tintV: 0,
    zenith: dark(),
    horizon: dark(),
    air: dark(),
    glow: dark(),
    cloudLit: dark(),
    cloudDark: dark(),
    fast: false,
    lamps: 0,
    stars: 0,
  };
}

/** Scene time 0 is a morning; days are a little longer than nights. */
const morning = 0.11;
const summer = 0.2;

export function lightAt(at: Micros, light: Light): void {
  const turn = at / dayLength + morning;
  const angle = 2 * Math.PI * (turn - Math.floor(turn));
  const elevation = Math.sin(angle) + summer;
  light.sunX = 0.5 - 0.4 * Math.cos(angle);
  light.sunY = elevation * 0.42;
  light.moonX = 0.5 + 0.36 * Math.cos(angle + 0.35);
  light.moonY = (-Math.sin(angle + 0.35) - 0.05) * 0.48;
  light.fast = elevation > -0.42 && elevation < 0.26;
  let upper = 1;
  while (upper < hours.length - 1 && (hours[upper] as Hour).elevation < elevation) upper += 1;
  const a = hours[upper - 1] as Hour;
  const b = hours[upper] as Hour;
  const t = Math.min(1, Math.max(0, (elevation - a.elevation) / (b.elevation - a.elevation)));
  mix(light.zenith, a.zenith, b.zenith, t);
  mix(light.horizon, a.horizon, b.horizon, t);
  mix(light.glow, a.glow, b.glow, t);
  mix(light.cloudLit, a.cloudLit, b.cloudLit, t);
  mix(light.cloudDark, a.cloudDark, b.cloudDark, t);
  mix(light.air, a.light, b.light, t);
  // 219 of luma is a gain of one; what the light's own chroma adds to a grey goes with the luma.
  light.gain = Math.round(light.air.y / 219);
  light.tintU = Math.round(light.air.u / 219);
  light.tintV = Math.round(light.air.v / 219);
  // Far hills fade towards the sky behind them, a little bluer and darker than the horizon itself.
  light.air.y = (light.horizon.y * 13 + light.zenith.y * 3) >> 4;
  light.air.u = (light.horizon.u * 10 + light.zenith.u * 6) >> 4;
  light.air.v = (light.horizon.v * 10 + light.zenith.v * 6) >> 4;
  light.lamps = Math.round(256 * (a.lamps * (1 - t) + b.lamps * t));
  light.stars = Math.round(256 * (a.stars * (1 - t) + b.stars * t));
}

function mix(out: Color, a: Rgb, b: Rgb, t: number): void {
  const red = a[0] * (1 - t) + b[0] * t;
  const green = a[1] * (1 - t) + b[1] * t;
  const blue = a[2] * (1 - t) + b[2] * t;
  // White is 211, so that the grain of up to 5 levels stays legal without a clamp per pixel.
  const s = 256 / 255;
  out.y = Math.round(0.963 * s * lumaOf(red, green, blue));
  out.u = Math.round(s * chromaUOf(red, green, blue));
  out.v = Math.round(s * chromaVOf(red, green, blue));
}

/** BT.601, limited range, without the offsets: 0 to 219 and -112 to 112 for colours of 0 to 1. */
export function lumaOf(red: number, green: number, blue: number): number {
  return 65.481 * red + 128.553 * green + 24.966 * blue;
}

export function chromaUOf(red: number, green: number, blue: number): number {
  return -37.797 * red - 74.203 * green + 112 * blue;
}

export function chromaVOf(red: number, green: number, blue: number): number {
  return 112 * red - 93.786 * green - 18.214 * blue;
}
