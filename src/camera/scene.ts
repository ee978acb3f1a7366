import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/libc.ts';
import { createRandom } from '../base/random.ts';
import { type Micros, micros } from '../base/time.ts';
import { type FrameGeometry, frameBytesOf } from '../contract/frame.ts';
import { lampKinds } from './scene-built.ts';
import { createDiscs } from './scene-disc.ts';
import { groundOf, litOf } from './scene-ground.ts';
import { createSceneMemory, openSceneKernel, type SceneMemory } from './scene-kernel.ts';
import { horizonLine, paintLand } from './scene-land.ts';
import { createLight, type Light, lightAt } from './scene-light.ts';
import { GRAIN_LENGTH } from './scene-plan.ts';
import { type Backdrop, drawRow } from './scene-rows.ts';
import { createSky, skySizeOf } from './scene-sky.ts';
import { createVisitor, spriteBytesMax } from './scene-visitor.ts';
import { type SceneLabel, unitOf, visiblePartOf, visitAt } from './scene-visits.ts';

export { type SceneLabel, sceneLabels } from './scene-visits.ts';

/** The picture that the daemon watches when there is no camera. */
export interface Scene {
  /** YUYV, BT.601 limited range, rows without padding. */
  readonly geometry: FrameGeometry;
  /** Draws the picture of scene time `at` into `target`. Same seed, size and time: same bytes. */
  draw(target: Uint8Array, at: Micros): void;
  /** What is there at that time, and how much of it, in [0, 1], is inside the picture. */
  truthAt(at: Micros): { readonly label: SceneLabel; readonly visible: number };
}

/**
 * The backdrop is one picture that is redrawn a few rows a tick, each row in its turn by chance
 * within its group. A turn comes every `rowTicks`, and more often while the light changes fast, so
 * that rows of different age look alike. What a row shows is then a function of the time alone: its
 * last turn is at most `memoryTicks` ago, also where the pace changes in between.
 */
const ticksPerSecond = 60;
const rowTicks = 48;
const fastRowTicks = 16;
const memoryTicks = rowTicks + fastRowTicks;
/** Pixels per second that clouds drift in a picture 480 high. */
const cloudPace = 1.1;

export function createScene(options: {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}): Scene {
  const { width, height, seed } = options;
  assert(Number.isInteger(width) && width >= 64 && width <= 1920, 'a scene is 64 to 1920 wide');
  assert(width % 2 === 0, 'a scene has an even width: YUYV rows hold pairs of pixels');
  assert(Number.isInteger(height) && height >= 48 && height <= 1080, 'a scene is 48 to 1080 high');
  const geometry: FrameGeometry = {
    format: 'YUYV',
    width,
    height,
    stride: width * 2,
    color: 'bt601',
  };
  const frameBytes = frameBytesOf(geometry);
  const backdrop = createBackdrop(width, height, seed);
  const refresh = createRefresh(backdrop, seed);
  const visitor = createVisitor(backdrop, seed);
  const discs = createDiscs(backdrop);
  const light = createLight();
  return {
    geometry,
    draw: (target, at) => {
      assert(target.length >= frameBytes, 'the target holds a whole frame');
      refresh(at);
      lightAt(at, light);
      discs.draw(light, driftAt(at, height) >> 8);
      visitor.draw(at, light);
      copyBytes(target, backdrop.bytes);
      backdrop.kernel.restore();
    },
    truthAt: (at) => {
      const visit = visitAt(seed, at);
      const visible = visiblePartOf(visit, at, width, height);
      return { label: visible > 0 ? visit.label : 'empty', visible };
    },
  };
}

/** Brings the backdrop to a time: draws the rows whose turn it was since the time before. */
function createRefresh(backdrop: Backdrop, seed: number): (at: Micros) => void {
  const { height } = backdrop;
  const order = shuffleRows(height, seed);
  const light = createLight();
  const motion = { drift: 0, seed: 0 };
  /** In which call a row was last drawn: of several turns in one call only the latest counts. */
  const drawnIn = new Uint32Array(height);
  let call = 0;
  let shown = Number.NEGATIVE_INFINITY;

  function redraw(tick: number): void {
    const at = micros((tick * 1e6) / ticksPerSecond);
    lightAt(at, light);
    if (light.lamps > 0) switchLamps(backdrop.lampLevels, light);
    motion.drift = driftAt(at, height);
    backdrop.kernel.setLight(light, motion.drift);
    const ticks = light.fast ? fastRowTicks : rowTicks;
    const phase = ((tick % ticks) + ticks) % ticks;
    for (let turn = phase; turn < order.length; turn += ticks) {
      const line = order[turn] as number;
      if (line >= height || drawnIn[line] === call) continue;
      drawnIn[line] = call;
      motion.seed = (Math.imul(line, 0x9e35) + Math.imul(tick, 0x7f4a)) & 0xffff;
      drawRow(backdrop, line, light, motion);
    }
  }

  return (at) => {
    const tick = Math.floor((at * ticksPerSecond) / 1e6);
    const near = tick >= shown && tick - shown <= memoryTicks;
    const first = near ? shown + 1 : tick - memoryTicks + 1;
    call = (call + 1) >>> 0;
    for (let due = tick; due >= first; due -= 1) redraw(due);
    shown = tick;
  };
}

/** In 1/256 of a pair of pixels; wraps long after the clouds repeat. */
function driftAt(at: Micros, height: number): number {
  return Math.floor(((at / 1e6) * cloudPace * height * 128) / 480) % 0x1000_0000;
}

/** The street lamp and the porch go with the dark; windows are lit one after the other. */
function switchLamps(levels: Uint16Array, light: Light): void {
  levels[lampKinds.street] = light.lamps;
  levels[lampKinds.porch] = light.lamps;
  for (const [index, lamp] of lampKinds.windows.entries()) {
    const level = Math.round((light.lamps - 36 * (index + 1)) * 2.4);
    levels[lamp] = Math.min(256, Math.max(0, level));
  }
}

function createBackdrop(width: number, height: number, seed: number): Backdrop {
  const canvas = paintLand(width, height, seed);
  assert(canvas.width === width && canvas.height === height, 'the land fills the picture');
  const lit = litOf(canvas);
  const memory = createSceneMemory({
    ...{ width, height, spriteBytes: spriteBytesMax(unitOf(width, height)) },
    ...skySizeOf(width, height),
    litPairs: lit.pair.length,
  });
  const { bytes, hasSky, lampLevels, sprites } = memory;
  memory.lit.row.set(lit.row);
  memory.lit.pair.set(lit.pair);
  memory.lit.lamp.set(lit.lamp);
  memory.lit.glow.set(lit.glow);
  const ground = groundOf(canvas, memory);
  const sky = createSky(width, height, seed, memory.clouds);
  fillGrain(memory, seed);
  for (let row = 0; row < height; row += 1) {
    hasSky[row] = seesSky(ground.open, row, width);
    const blend = Math.min(1, row / (height * horizonLine)) ** 1.5;
    memory.rowBlend[row] = Math.round(256 * blend);
  }
  for (let step = 0; step < memory.falloff.length; step += 1) {
    memory.falloff[step] = Math.round(255 * Math.exp(-((step / 400) ** 1.3)));
  }
  return {
    width,
    height,
    ground,
    sky,
    hasSky,
    lampLevels,
    kernel: openSceneKernel(memory, width),
    bytes,
    sprites,
  };
}

/**
 * For each group of `rowTicks` rows, the order in which its rows are redrawn, by their numbers. With
 * `fastRowTicks`, a part of `rowTicks`, the same order gives each row a turn that much more often.
 */
function shuffleRows(height: number, seed: number): Uint16Array {
  const random = createRandom(seed ^ 0x70a3);
  const groups = Math.ceil(height / rowTicks);
  const order = Uint16Array.from({ length: groups * rowTicks }, (_, index) => index);
  for (let group = 0; group < groups; group += 1) {
    for (let last = rowTicks - 1; last > 0; last -= 1) {
      const a = group * rowTicks + last;
      const b = group * rowTicks + Math.floor(random() * (last + 1));
      [order[a], order[b]] = [order[b] as number, order[a] as number];
    }
  }
  return order;
}

function seesSky(open: Uint8Array, row: number, width: number): number {
  const line = open.subarray(row * width, (row + 1) * width);
  return line.some((value) => value !== 0) ? 1 : 0;
}

/** Roughly normal from 0 to 5 levels, 0.8 wide, on top of black's 16; it also dithers the sky. */
function fillGrain({ grain, spriteGrain }: SceneMemory, seed: number): void {
  const random = createRandom(seed ^ 0x6a41);
  const level = (): number =>
    (16 << 8) + Math.floor(((random() + random() + random()) * 5 * 256) / 3);
  for (let index = 0; index < GRAIN_LENGTH; index += 1) grain[index] = level() + level() * 65536;
  for (let index = 0; index < GRAIN_LENGTH; index += 1) {
    spriteGrain[index] = grain[(index * 3) & (GRAIN_LENGTH - 1)] as number;
  }
  for (const words of [grain, spriteGrain]) words.copyWithin(GRAIN_LENGTH, 0);
}
