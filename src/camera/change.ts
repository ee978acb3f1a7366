import { unreachable } from '../base/assert.ts';
import type { FrameGeometry } from '../contract/frame.ts';

const columns = 32;
const rows = 24;

/** Measures how much a frame differs from the one before it, on a coarse grid of its brightness. */
export interface ChangeMeter {
  /** Mean absolute difference of brightness, 0 to 255; 255 for the first frame. */
  measure(pixels: Uint8Array, geometry: FrameGeometry): number;
}

export function createChangeMeter(): ChangeMeter {
  const before = new Uint8Array(columns * rows);
  let isFirst = true;
  return {
    measure: (pixels, geometry) => {
      const step = bytesPerPixelOf(geometry);
      // The green channel stands for the brightness of RGB; YUYV begins with it.
      const channel = geometry.format === 'RGB3' ? 1 : 0;
      let sum = 0;
      for (let row = 0; row < rows; row += 1) {
        const y = Math.floor(((row + 0.5) * geometry.height) / rows);
        for (let column = 0; column < columns; column += 1) {
          const x = Math.floor(((column + 0.5) * geometry.width) / columns);
          const value = pixels[y * geometry.stride + x * step + channel] as number;
          const at = row * columns + column;
          sum += Math.abs(value - (before[at] as number));
          before[at] = value;
        }
      }
      const score = isFirst ? 255 : sum / (columns * rows);
      isFirst = false;
      return score;
    },
  };
}

function bytesPerPixelOf(geometry: FrameGeometry): number {
  switch (geometry.format) {
    case 'YUYV':
      return 2;
    case 'RGB3':
      return 3;
    default:
      return unreachable(geometry.format);
  }
}
