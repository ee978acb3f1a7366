import type { Disc } from './scene-kernel.ts';
import { horizonLine } from './scene-land.ts';
import { chromaUOf, chromaVOf, type Light, lumaOf } from './scene-light.ts';
import type { Backdrop } from './scene-rows.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Draws the sun and the moon where and when they shine. */
export interface Discs {
  /** The clouds have drifted by `shift` pairs. */
  draw(light: Light, shift: number): void;
}

export function createDiscs({ width, height, kernel }: Backdrop): Discs {
  const radius = height * 0.034;
  const sun: Mutable<Disc> = { ...discOf(1, 0.97, 0.84), radius, bite: 0 };
  const moon: Mutable<Disc> = { ...discOf(0.94, 0.94, 0.87), radius, bite: radius * 0.5 };
  return {
    draw: (light, shift) => {
      if (light.sunY > -0.1) {
        sun.x = light.sunX * width;
        sun.y = (horizonLine - light.sunY) * height;
        kernel.drawDisc(sun, shift);
      }
      if (light.lamps > 0) {
        moon.x = light.moonX * width;
        moon.y = (horizonLine - light.moonY) * height;
        kernel.drawDisc(moon, shift);
      }
    },
  };
}

function discOf(r: number, g: number, b: number): Omit<Disc, 'radius' | 'bite'> {
  return {
    x: 0,
    y: 0,
    luma: 16 + 0.96 * lumaOf(r, g, b),
    u: 128 + chromaUOf(r, g, b),
    v: 128 + chromaVOf(r, g, b),
  };
}
