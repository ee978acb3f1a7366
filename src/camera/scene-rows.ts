import type { Ground } from './scene-ground.ts';
import type { Light } from './scene-light.ts';
import type { Sky } from './scene-sky.ts';

/** Words of grain: two positive luma offsets each, in 1/256 of a level, black's 16 included. */
export const grainLength = 1 << 12;

export type Backdrop = {
  readonly width: number;
  readonly height: number;
  readonly ground: Ground;
  readonly sky: Sky;
  /** Per row: whether any sky shows in it. */
  readonly hasSky: Uint8Array;
  /** Per row of sky: how far its colour is from the zenith's to the horizon's, in 1/256. */
  readonly rowBlend: Uint16Array;
  readonly grain: Int32Array;
  /** The falling-off of the glow around the sun by distance, in 1/256. */
  readonly falloff: Uint16Array;
  /** The level of each lamp in 1/256, by its number; 0 is no lamp. */
  readonly lampLevels: Uint16Array;
  /** YUYV, and the same bytes as little-endian words: Y0 U Y1 V. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly kept: Kept;
};

/**
 * What the sun, the moon and the visitor hide for one frame, in the order it was hidden: runs of
 * pairs, two numbers each (the first pair, how many), and their words one after the other.
 */
export type Kept = {
  count: number;
  runs: number;
  readonly run: Int32Array;
  readonly word: Int32Array;
};

/** Keeps `count` pairs from `first` on, to be put back by `restore`. */
export function keep(backdrop: Backdrop, first: number, count: number): void {
  const { kept, words } = backdrop;
  const { run, word } = kept;
  run[2 * kept.runs] = first;
  run[2 * kept.runs + 1] = count;
  kept.runs += 1;
  const to = kept.count;
  for (let k = 0; k < count; k += 1) word[to + k] = words[first + k] as number;
  kept.count = to + count;
}

/** Puts back all that was kept, the last first: things drawn over one another come off in turn. */
export function restore(backdrop: Backdrop): void {
  const { kept, words } = backdrop;
  const { run, word } = kept;
  let from = kept.count;
  for (let index = kept.runs - 1; index >= 0; index -= 1) {
    const first = run[2 * index] as number;
    const count = run[2 * index + 1] as number;
    from -= count;
    for (let k = 0; k < count; k += 1) words[first + k] = word[from + k] as number;
  }
  kept.count = 0;
  kept.runs = 0;
}

/** Clouds gone by in 1/256 of a pair of pixels, and where the row's grain starts. */
export type Motion = { readonly drift: number; readonly seed: number };

/** Draws one row of the backdrop: sky, clouds, lit land, lamps and stars. */
export function drawRow(backdrop: Backdrop, line: number, light: Light, motion: Motion): void {
  if (backdrop.hasSky[line] === 0) drawLand(backdrop, line, light, motion.seed);
  else drawSky(backdrop, line, light, motion);
  if (light.lamps > 0) drawLit(backdrop, line);
  if (light.stars > 0 && backdrop.hasSky[line] !== 0) drawStars(backdrop, line, light, motion);
}

/** U and V, or twice the same luma, in one word: see `Ground`. */
export function pairOf(low: number, high: number): number {
  return (low + Math.imul(high, 65536)) | 0;
}

/** Chroma 128 in both halves, in 1/256. */
export const grey = 0x80008000 | 0;
/** The whole levels of a word in 1/256 levels: luma moves down into place, chroma lies there. */
export const lumaBits = 0x00ff00ff;
export const chromaBits = 0xff00ff00 | 0;

function drawLand(backdrop: Backdrop, line: number, light: Light, seed: number): void {
  const { width, grain, words } = backdrop;
  const { luma, chroma, haze } = backdrop.ground;
  const { gain, air } = light;
  const tint = pairOf(light.tintU, light.tintV);
  const airY = air.y >> 8;
  const airUV = pairOf(air.u >> 8, air.v >> 8);
  let pair = (line * width) >> 1;
  const end = pair + (width >> 1);
  for (let g = seed; pair < end; pair += 1, g += 1) {
    const l = luma[pair] as number;
    const h = haze[pair] as number;
    // Every sum ends in `| 0`: words wrap, and the compiler must not leave 32-bit integers.
    let y = (Math.imul(l, gain) + Math.imul(h, airY)) | 0;
    y = (y + (grain[g & (grainLength - 1)] as number)) | 0;
    let uv = (Math.imul(chroma[pair] as number, gain) + Math.imul(l & 0xffff, tint)) | 0;
    uv = (uv + ((Math.imul(h & 0xffff, airUV) + grey) | 0)) | 0;
    words[pair] = ((y >>> 8) & lumaBits) | (uv & chromaBits);
  }
}

/** Pairs that share one chroma of clear sky, and a straight run of its luma. */
const skyStep = 16;
/**
 * The sky of one stretch: chroma, the luma of its first pair and what each next one has more; what
 * all of a cloud's dark and of its sunlit part add. Set here and not handed over, for no object is
 * made per stretch.
 */
const stretch = { luma: 0, slope: 0, uv: 0, dark: 0, darkUV: 0, lit: 0, litUV: 0 };

/** `warmth` and `next`: how much of the sun's glow there is where it begins and ends, in 1/256. */
function openStretch(light: Light, blend: number, warmth: number, next: number): void {
  const { zenith, horizon, glow, cloudDark } = light;
  const luma = clearLuma(light, blend, warmth);
  const u = chromaIn(part(zenith.u, horizon.u, blend) + ((glow.u * warmth) >> 8));
  const v = chromaIn(part(zenith.v, horizon.v, blend) + ((glow.v * warmth) >> 8));
  stretch.luma = Math.imul(luma, 0x10001);
  stretch.slope = Math.imul((clearLuma(light, blend, next) - luma) >> 4, 0x10001);
  stretch.uv = (pairOf(u, v) + grey) | 0;
  stretch.dark = (cloudDark.y - luma) >> 8;
  stretch.darkUV = pairOf((cloudDark.u - u) >> 8, (cloudDark.v - v) >> 8);
}

function clearLuma(light: Light, blend: number, warmth: number): number {
  const luma = part(light.zenith.y, light.horizon.y, blend) + ((light.glow.y * warmth) >> 8);
  return Math.min(211 << 8, luma);
}

function part(from: number, to: number, blend: number): number {
  return from + (((to - from) * blend) >> 8);
}

function chromaIn(value: number): number {
  return Math.max(-110 << 8, Math.min(110 << 8, value));
}

function drawSky(backdrop: Backdrop, line: number, light: Light, motion: Motion): void {
  const { width, height, falloff } = backdrop;
  const { cloudLit, cloudDark } = light;
  const blend = backdrop.rowBlend[line] as number;
  const rise = Math.abs(line / height - 0.6 + light.sunY);
  const rowGlow = falloff[Math.min(1023, Math.floor(rise * 1360))] as number;
  const sun = light.sunX * width;
  const pairs = width >> 1;
  stretch.lit = (cloudLit.y - cloudDark.y) >> 8;
  stretch.litUV = pairOf((cloudLit.u - cloudDark.u) >> 8, (cloudLit.v - cloudDark.v) >> 8);
  if (rowGlow < 6) {
    openStretch(light, blend, 0, 0);
    drawStretch(backdrop, line, 0, pairs, light, motion);
    return;
  }
  let warmth = 0;
  for (let x = -skyStep; x < pairs; x += skyStep) {
    const away = Math.floor((Math.abs((x + skyStep) * 2 - sun) / height) * 1020);
    const next = (rowGlow * (falloff[Math.min(1023, away)] as number)) >> 8;
    if (x >= 0) {
      openStretch(light, blend, warmth, next);
      drawStretch(backdrop, line, x, Math.min(pairs, x + skyStep), light, motion);
    }
    warmth = next;
  }
}

function drawStretch(
  backdrop: Backdrop,
  line: number,
  from: number,
  until: number,
  light: Light,
  motion: Motion,
): void {
  const { grain, words, width } = backdrop;
  const { clouds, period } = backdrop.sky;
  const { open } = backdrop.ground;
  const { slope, uv, dark, darkUV, lit, litUV } = stretch;
  const first = Math.imul(line, width >> 1);
  const row = Math.imul(line, period);
  const mask = period - 1;
  const later = motion.drift & 255;
  const shift = (motion.drift >> 8) | 0;
  const seed = motion.seed | 0;
  let y = stretch.luma;
  let next = clouds[row + ((from + shift) & mask)] as number;
  for (let x = from; x < until; x += 1) {
    const here = next;
    next = clouds[row + ((x + 1 + shift) & mask)] as number;
    let luma = y;
    let chroma = uv;
    if ((here | next) !== 0) {
      const mixed = (Math.imul(here, 256 - later) + Math.imul(next, later)) | 0;
      const a = (mixed >>> 8) & 255;
      const s = mixed >>> 24;
      luma = (luma + Math.imul((Math.imul(a, dark) + Math.imul(s, lit)) | 0, 0x10001)) | 0;
      chroma = (chroma + ((Math.imul(a, darkUV) + Math.imul(s, litUV)) | 0)) | 0;
    }
    const pair = first + x;
    if ((open[pair] as number) === 0x00ff00ff) {
      luma = (luma + (grain[(x + seed) & (grainLength - 1)] as number)) | 0;
      words[pair] = ((luma >>> 8) & lumaBits) | (chroma & chromaBits);
    } else {
      words[pair] = overlaid(backdrop, pair, luma, chroma, light, x + seed);
    }
    y = (y + slope) | 0;
  }
}

/** One pair of land with the sky (luma, chroma) behind it. */
function overlaid(
  backdrop: Backdrop,
  pair: number,
  luma: number,
  chroma: number,
  light: Light,
  g: number,
): number {
  const { ground, grain } = backdrop;
  const { gain, air } = light;
  const seen = ground.open[pair] as number;
  const l = ground.luma[pair] as number;
  const h = ground.haze[pair] as number;
  const beside = ((seen & 0xffff) + (seen >>> 16)) >> 1;
  const sky = pairOf(((chroma >>> 8) & 255) - 128, (chroma >>> 24) - 128);
  let y = (Math.imul(seen, (luma >>> 8) & 255) + Math.imul(l, gain)) | 0;
  y = (y + Math.imul(h, air.y >> 8)) | 0;
  y = (y + (grain[g & (grainLength - 1)] as number)) | 0;
  let uv = (Math.imul(beside, sky) + Math.imul(ground.chroma[pair] as number, gain)) | 0;
  uv = (uv + Math.imul(l & 0xffff, pairOf(light.tintU, light.tintV))) | 0;
  uv = (uv + Math.imul(h & 0xffff, pairOf(air.u >> 8, air.v >> 8))) | 0;
  uv = (uv + grey) | 0;
  return ((y >>> 8) & lumaBits) | (uv & chromaBits);
}

/** Adds what lamps light in a row. */
function drawLit(backdrop: Backdrop, line: number): void {
  const { ground, bytes, lampLevels } = backdrop;
  const { litPair, litLamp, litGlow } = ground;
  const last = ground.litRow[line + 1] as number;
  for (let lit = ground.litRow[line] as number; lit < last; lit += 1) {
    const level = lampLevels[litLamp[lit] as number] as number;
    const at = (litPair[lit] as number) * 4;
    for (let byte = 0; byte < 4; byte += 1) {
      const sum =
        (bytes[at + byte] as number) + (((litGlow[lit * 4 + byte] as number) * level) >> 8);
      bytes[at + byte] = Math.max(16, Math.min(235, sum));
    }
  }
}

/** Adds the stars of a row where nothing stands before them, each with a twinkle of its own. */
function drawStars(backdrop: Backdrop, line: number, light: Light, motion: Motion): void {
  const { width, sky, bytes, ground } = backdrop;
  const last = sky.starRow[line + 1] as number;
  for (let star = sky.starRow[line] as number; star < last; star += 1) {
    const column = sky.starColumn[star] as number;
    const pair = (line * width + column) >> 1;
    if (ground.open[pair] !== 0x00ff00ff) continue;
    const at = (line * width + column) * 2;
    const cloudAt = line * sky.period + (((column >> 1) + (motion.drift >> 8)) & (sky.period - 1));
    const clearness = 255 - ((sky.clouds[cloudAt] as number) & 255);
    const twinkle = 160 + (Math.imul(star + 1, motion.seed) & 127);
    const shown = (((sky.starLuma[star] as number) * light.stars * clearness) >> 16) * twinkle;
    bytes[at] = Math.min(235, (bytes[at] as number) + (shown >> 8));
  }
}
