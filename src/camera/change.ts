import { unreachable } from '../base/assert.ts';
import type { FrameGeometry, PixelFormat } from '../contract/frame.ts';

const columns = 32;
const rows = 24;

/** Measures how much a frame differs from the one before it, on a coarse grid of its brightness. */
export interface ChangeMeter {
  /** Mean absolute difference of brightness, 0 to 255; 255 for the first frame. */
  measure(pixels: Uint8Array, geometry: FrameGeometry): number;
  /** The brightness of the frame that was measured last, on the grid. */
  readonly grid: Uint8Array;
}

export function createChangeMeter(): ChangeMeter {
  const grid = new Uint8Array(columns * rows);
  let isFirst = true;
  return {
    grid,
    measure: (pixels, geometry) => {
      const { step, offset } = brightnessOf(geometry.format);
      let sum = 0;
      for (let row = 0; row < rows; row += 1) {
        const y = Math.floor(((row + 0.5) * geometry.height) / rows);
        for (let column = 0; column < columns; column += 1) {
          const x = Math.floor(((column + 0.5) * geometry.width) / columns);
          const value = pixels[y * geometry.stride + x * step + offset] as number;
          const at = row * columns + column;
          sum += Math.abs(value - (grid[at] as number));
          grid[at] = value;
        }
      }
      const score = isFirst ? 255 : sum / (columns * rows);
      isFirst = false;
      return score;
    },
  };
}

/** Where a row's brightness lies: bytes from one pixel to the next, and to the first. */
function brightnessOf(format: PixelFormat): { readonly step: number; readonly offset: number } {
  switch (format) {
    case 'YUYV':
    case 'YVYU':
      return { step: 2, offset: 0 };
    case 'UYVY':
      return { step: 2, offset: 1 };
    case 'RGB3':
    case 'BGR3':
      // The green channel stands for the brightness.
      return { step: 3, offset: 1 };
    case 'NV12':
    case 'NV21':
    case 'YU12':
    case 'YV12':
    case 'GREY':
      // The plane of luma comes first.
      return { step: 1, offset: 0 };
    default:
      return unreachable(format);
  }
}
