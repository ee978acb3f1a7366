import { chromaUOf, chromaVOf, lumaOf } from './scene-light.ts';
import { type Backdrop, keep } from './scene-rows.ts';

type Disc = { readonly luma: number; readonly u: number; readonly v: number };

function discOf(r: number, g: number, b: number): Disc {
  return {
    luma: 16 + 0.96 * lumaOf(r, g, b),
    u: 128 + chromaUOf(r, g, b),
    v: 128 + chromaVOf(r, g, b),
  };
}

const sun = discOf(1, 0.97, 0.84);
const moon = discOf(0.94, 0.94, 0.87);

/**
 * Draws the sun or the moon, behind the land and behind the clouds, which have drifted by `shift`
 * pairs; keeps what it hides. The place is in pixels.
 */
export function drawDisc(
  backdrop: Backdrop,
  place: { readonly x: number; readonly y: number; readonly radius: number },
  kind: 'sun' | 'moon',
  shift: number,
): void {
  const { width, sky } = backdrop;
  const { radius } = place;
  const disc = kind === 'sun' ? sun : moon;
  // The moon's dark part is a second disc before it, off to the upper left.
  const bite = kind === 'moon' ? radius * 0.5 : radius * 4;
  const y0 = Math.max(0, Math.floor(place.y - radius - 1));
  const y1 = Math.min(sky.rows, Math.ceil(place.y + radius + 1));
  for (let y = y0; y < y1; y += 1) {
    const dy = y + 0.5 - place.y;
    const half = Math.sqrt(Math.max(0, (radius + 1) ** 2 - dy * dy));
    const x0 = Math.max(0, Math.floor(place.x - half) & ~1);
    const x1 = Math.min(width, (Math.ceil(place.x + half) + 1) & ~1);
    if (x0 >= x1) continue;
    keep(backdrop, (y * width + x0) >> 1, (x1 - x0) >> 1);
    for (let x = x0; x < x1; x += 2) {
      const a = partOf(x + 0.5 - place.x, dy, radius, bite);
      const b = partOf(x + 1.5 - place.x, dy, radius, bite);
      if (a + b === 0) continue;
      const cloudAt = y * sky.period + (((x >> 1) + shift) & (sky.period - 1));
      const clear = 1 - (0.8 * ((sky.clouds[cloudAt] as number) & 255)) / 255;
      blendPair(backdrop, (y * width + x) >> 1, disc, a * clear, b * clear);
    }
  }
}

function blendPair(backdrop: Backdrop, pair: number, disc: Disc, a: number, b: number): void {
  const { bytes, ground } = backdrop;
  const open = ground.open[pair] as number;
  const left = (a * (open & 0xffff)) / 255;
  const right = (b * (open >>> 16)) / 255;
  const both = (left + right) / 2;
  const at = pair * 4;
  bytes[at] = (bytes[at] as number) * (1 - left) + disc.luma * left;
  bytes[at + 1] = (bytes[at + 1] as number) * (1 - both) + disc.u * both;
  bytes[at + 2] = (bytes[at + 2] as number) * (1 - right) + disc.luma * right;
  bytes[at + 3] = (bytes[at + 3] as number) * (1 - both) + disc.v * both;
}

/** How much of a pixel that is (dx, dy) from the middle the disc covers. */
function partOf(dx: number, dy: number, radius: number, bite: number): number {
  const square = dx * dx + dy * dy;
  if (bite > 2 * radius && square < (radius - 0.5) * (radius - 0.5)) return 1;
  const inside = Math.min(1, Math.max(0, radius + 0.5 - Math.sqrt(square)));
  if (inside === 0 || bite > 2 * radius) return inside;
  const ex = dx + bite;
  const ey = dy + bite * 0.5;
  const outside = Math.sqrt(ex * ex + ey * ey) - radius * 0.94 + 0.5;
  return inside * Math.min(1, Math.max(0, outside));
}
