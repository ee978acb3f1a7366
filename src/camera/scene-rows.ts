import type { Ground } from './scene-ground.ts';
import type { SceneKernel } from './scene-kernel.ts';
import type { Light } from './scene-light.ts';
import type { Sky } from './scene-sky.ts';

export type Backdrop = {
  readonly width: number;
  readonly height: number;
  readonly ground: Ground;
  readonly sky: Sky;
  /** Per row: whether any sky shows in it. */
  readonly hasSky: Uint8Array;
  /** The level of each lamp in 1/256, by its number; 0 is no lamp. */
  readonly lampLevels: Uint16Array;
  readonly kernel: SceneKernel;
  /** The kernel's picture: YUYV. */
  readonly bytes: Uint8Array;
  /** The kernel's room for sprites. */
  readonly sprites: Uint8Array;
};

/** Clouds gone by in 1/256 of a pair of pixels, and where the row's grain starts. */
export type Motion = { readonly drift: number; readonly seed: number };

/** Draws one row of the backdrop in the kernel's light: sky, clouds, lit land, lamps and stars. */
export function drawRow(backdrop: Backdrop, line: number, light: Light, motion: Motion): void {
  backdrop.kernel.drawRow(line, motion.seed);
  if (light.stars > 0 && backdrop.hasSky[line] !== 0) drawStars(backdrop, line, light, motion);
}

/** Adds the stars of a row where nothing stands before them, each with a twinkle of its own. */
function drawStars(backdrop: Backdrop, line: number, light: Light, motion: Motion): void {
  const { width, sky, bytes, ground } = backdrop;
  const last = sky.starRow[line + 1] as number;
  for (let star = sky.starRow[line] as number; star < last; star += 1) {
    const column = sky.starColumn[star] as number;
    const pair = (line * width + column) >> 1;
    if (ground.open[pair * 2] !== 255 || ground.open[pair * 2 + 1] !== 255) continue;
    const at = (line * width + column) * 2;
    const cloudAt = line * sky.stride + (((column >> 1) + (motion.drift >> 8)) & (sky.period - 1));
    const clearness = 255 - (sky.clouds[cloudAt * 2] as number);
    const twinkle = 160 + (Math.imul(star + 1, motion.seed) & 127);
    const shown = (((sky.starLuma[star] as number) * light.stars * clearness) >> 16) * twinkle;
    bytes[at] = Math.min(235, (bytes[at] as number) + (shown >> 8));
  }
}
