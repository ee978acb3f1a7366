import { compiled } from '../base/compiled.ts';
import type { Lit } from './scene-ground.ts';
import type { Color, Light } from './scene-light.ts';
import * as field from './scene-plan.ts';
import type { Place, Sprite } from './scene-sprite.ts';

/** Draws rows of sky, clouds and lit land into the picture of its memory, and lays over it what moves. */
export interface SceneKernel {
  /** Rows are drawn in this light from now on, the clouds gone by `drift` of 1/256 of a pair. */
  setLight(light: Light, drift: number): void;
  /** Draws row `line`, with what lamps light in it; its grain starts at `seed`. */
  drawRow(line: number, seed: number): void;
  /** Draws a disc, behind the clouds that have drifted by `shift` pairs, and keeps what it hides. */
  drawDisc(disc: Disc, shift: number): void;
  /** Lays a sprite over the picture in this light, its lamps on to `level` of 256; keeps what it hides. */
  layOver(sprite: Sprite, place: Readonly<Place>, light: Light, level: number): void;
  /** Puts back all that was kept. */
  restore(): void;
}

/** Lengths in pixels; the colour in levels. A bite is taken out of the moon, 0 out of the sun. */
export type Disc = {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly bite: number;
  readonly luma: number;
  readonly u: number;
  readonly v: number;
};

export type SceneSizes = {
  readonly width: number;
  readonly height: number;
  /** Rows of clouds, pairs from one to the next, and pairs until they repeat: see `Sky`. */
  readonly rows: number;
  readonly stride: number;
  readonly period: number;
  readonly litPairs: number;
  /** Room for the sprites of one visit. */
  readonly spriteBytes: number;
};

/** What the kernel works with, all in one WebAssembly memory; its owner fills it before the first row. */
export type SceneMemory = {
  readonly memory: WebAssembly.Memory;
  readonly plan: DataView;
  /** YUYV. */
  readonly bytes: Uint8Array;
  /** Of the ground. */
  readonly open: Uint8Array;
  readonly luma: Uint8Array;
  readonly chroma: Int8Array;
  readonly haze: Uint8Array;
  readonly lit: Lit;
  /** The level of each lamp in 1/256, by its number; 0 is no lamp. */
  readonly lampLevels: Uint16Array;
  /** Of the sky. */
  readonly clouds: Uint8Array;
  /** Two positive luma offsets a word, black's 16 included; the first words again at its end. */
  readonly grain: Int32Array;
  /** The same for sprites, in another order. */
  readonly spriteGrain: Int32Array;
  /** The falling-off of the glow around the sun by distance, in 1/256. */
  readonly falloff: Uint16Array;
  /** Per row of sky: how far its colour is from the zenith's to the horizon's, in 1/256. */
  readonly rowBlend: Uint16Array;
  /** Per row: whether any sky shows in it. */
  readonly hasSky: Uint8Array;
  readonly sprites: Uint8Array;
};

const wasmPageBytes = 65536;
const vectorBytes = 16;

export function createSceneMemory(sizes: SceneSizes): SceneMemory {
  const { width, height, rows, stride, period, litPairs, spriteBytes } = sizes;
  const pairs = (width * height) / 2;
  const addresses: (readonly [at: number, address: number])[] = [];
  let end = field.SCENE_PLAN_BYTES;
  const place = (at: number, bytes: number): number => {
    const address = end;
    addresses.push([at, address]);
    // What is read past the end of a part lies in the next one.
    end += Math.ceil(bytes / vectorBytes) * vectorBytes + field.SPARE_PAIRS * 4;
    return address;
  };
  const picture = place(field.PICTURE, pairs * 4);
  const numbers = pairs * 2;
  const open = place(field.OPEN, numbers);
  const luma = place(field.LUMA, numbers);
  const chroma = place(field.CHROMA, numbers);
  const haze = place(field.HAZE, numbers);
  const litRow = place(field.LIT_ROW, (height + 1) * 4);
  const litPair = place(field.LIT_PAIR, litPairs * 4);
  const litLamp = place(field.LIT_LAMP, litPairs);
  const litGlow = place(field.LIT_GLOW, litPairs * 8);
  const cloudNumbers = (rows + 1) * stride * 2;
  const clouds = place(field.CLOUDS, cloudNumbers);
  const grainWords = field.GRAIN_LENGTH + field.SPARE_PAIRS;
  const grain = place(field.GRAIN, grainWords * 4);
  const falloff = place(field.FALLOFF, field.FALLOFF_LENGTH * 2);
  const rowBlend = place(field.ROW_BLEND, height * 2);
  const spriteGrain = place(field.OVER_GRAIN, grainWords * 4);
  const hasSky = place(field.HAS_SKY, height);
  // A visitor with its glow, at most 0.14 square units, and two discs: a run each in every row, of
  // whole vectors, and together less than half a picture.
  const runs = height * 3;
  place(field.RUNS, runs * 8);
  place(field.KEPT, pairs * 2 + 4096 + runs * vectorBytes);
  const sprites = Math.ceil(end / vectorBytes) * vectorBytes;
  // A sprite is read past its end too.
  end = sprites + spriteBytes + field.SPARE_PAIRS * 4;

  const pages = Math.ceil(end / wasmPageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: false });
  const { buffer } = memory;
  const plan = new DataView(buffer);
  for (const [at, address] of addresses) plan.setInt32(at, address, true);
  plan.setInt32(field.PAIRS, width / 2, true);
  plan.setInt32(field.HEIGHT, height, true);
  plan.setInt32(field.CLOUD_ROWS, rows, true);
  plan.setInt32(field.CLOUD_STRIDE, stride, true);
  plan.setInt32(field.CLOUD_PERIOD, period, true);
  return {
    memory,
    plan,
    bytes: new Uint8Array(buffer, picture, pairs * 4),
    open: new Uint8Array(buffer, open, numbers),
    luma: new Uint8Array(buffer, luma, numbers),
    chroma: new Int8Array(buffer, chroma, numbers),
    haze: new Uint8Array(buffer, haze, numbers),
    lit: {
      row: new Uint32Array(buffer, litRow, height + 1),
      pair: new Uint32Array(buffer, litPair, litPairs),
      lamp: new Uint8Array(buffer, litLamp, litPairs),
      glow: new Int16Array(buffer, litGlow, litPairs * 4),
    },
    lampLevels: new Uint16Array(buffer, field.LAMP_LEVELS, field.LAMP_COUNT),
    clouds: new Uint8Array(buffer, clouds, cloudNumbers),
    grain: new Int32Array(buffer, grain, grainWords),
    spriteGrain: new Int32Array(buffer, spriteGrain, grainWords),
    falloff: new Uint16Array(buffer, falloff, field.FALLOFF_LENGTH),
    rowBlend: new Uint16Array(buffer, rowBlend, height),
    hasSky: new Uint8Array(buffer, hasSky, height),
    sprites: new Uint8Array(buffer, sprites, spriteBytes),
  };
}

/** What `assembly/scene.ts` exports. */
type SceneModule = {
  drawRow(plan: number, line: number, seed: number): void;
  drawDisc(plan: number, shift: number): void;
  layOver(plan: number, sprite: number, left: number, top: number): void;
  restore(plan: number): void;
};

export const sceneCode = new URL('./scene.wasm', import.meta.url);

export function openSceneKernel({ memory, plan }: SceneMemory, width: number): SceneKernel {
  const instance = new WebAssembly.Instance(compiled(sceneCode), { env: { memory } });
  const module = instance.exports as SceneModule;
  return {
    setLight: (light, drift) => {
      plan.setInt32(field.DRIFT, drift, true);
      plan.setFloat64(field.SUN_X, light.sunX * width, true);
      plan.setFloat64(field.SUN_Y, light.sunY, true);
      writeLight(plan, light);
    },
    drawRow: (line, seed) => module.drawRow(0, line, seed),
    drawDisc: (disc, shift) => {
      writeDisc(plan, disc);
      module.drawDisc(0, shift);
    },
    layOver: (sprite, place, light, level) => {
      plan.setInt32(field.OVER_GAIN, light.gain, true);
      writePair(plan, field.OVER_TINT, light.tintU, light.tintV);
      plan.setInt32(field.OVER_LEVEL, level, true);
      module.layOver(0, sprite.address, place.x, place.y);
    },
    restore: () => module.restore(0),
  };
}

function writeDisc(plan: DataView, disc: Disc): void {
  plan.setFloat64(field.DISC_X, disc.x, true);
  plan.setFloat64(field.DISC_Y, disc.y, true);
  plan.setFloat64(field.DISC_RADIUS, disc.radius, true);
  plan.setFloat64(field.DISC_BITE, disc.bite, true);
  plan.setFloat64(field.DISC_LUMA, disc.luma, true);
  plan.setFloat64(field.DISC_U, disc.u, true);
  plan.setFloat64(field.DISC_V, disc.v, true);
}

function writeLight(plan: DataView, light: Light): void {
  const { air } = light;
  plan.setInt32(field.LAMPS, light.lamps, true);
  plan.setInt32(field.GAIN, light.gain, true);
  writePair(plan, field.TINT, light.tintU, light.tintV);
  plan.setInt32(field.AIR_LUMA, air.y >> 8, true);
  writePair(plan, field.AIR_CHROMA, air.u >> 8, air.v >> 8);
  writeColor(plan, field.ZENITH, light.zenith);
  writeColor(plan, field.HORIZON, light.horizon);
  writeColor(plan, field.GLOW, light.glow);
  writeColor(plan, field.CLOUD_LIT, light.cloudLit);
  writeColor(plan, field.CLOUD_DARK, light.cloudDark);
}

function writePair(plan: DataView, at: number, left: number, right: number): void {
  plan.setInt16(at, left, true);
  plan.setInt16(at + 2, right, true);
}

function writeColor(plan: DataView, at: number, { y, u, v }: Color): void {
  plan.setInt32(at, y, true);
  plan.setInt32(at + 4, u, true);
  plan.setInt32(at + 8, v, true);
}
