import { unreachable } from '../base/assert.ts';
import type { PixelFormat } from '../contract/frame.ts';
import type { SourceColor } from './color-matrix.ts';
import { UNPACK_RGB3, UNPACK_YUYV } from './plan-layout.ts';
import { everyOtherPixel, everyPixel, type Sampling } from './resampling.ts';

/** Planes that are sampled alike along a row. */
export type PlaneGroup = { readonly planes: number; readonly columns: Sampling };

/** A part of the frame whose rows are blended and unpacked together: all of it in packed formats. */
export type Strip = {
  /** Which unpacking step of the kernel reads it. */
  readonly unpacking: number;
  readonly bytesPerPixel: number;
  readonly rows: Sampling;
  readonly groups: readonly PlaneGroup[];
};

/** How a pixel format becomes planes: their order is that of `colorMatrixOf`'s columns. */
export type PixelPacking = { readonly color: SourceColor; readonly strips: readonly Strip[] };

/** A planar format would have more strips, each with its own start in the frame and its own rows. */
export function packingOf(format: PixelFormat): PixelPacking {
  switch (format) {
    case 'YUYV':
      return {
        color: 'yuv601',
        strips: [
          {
            unpacking: UNPACK_YUYV,
            bytesPerPixel: 2,
            rows: everyPixel,
            groups: [
              { planes: 1, columns: everyPixel },
              { planes: 2, columns: everyOtherPixel },
            ],
          },
        ],
      };
    case 'RGB3':
      return {
        color: 'rgb',
        strips: [
          {
            unpacking: UNPACK_RGB3,
            bytesPerPixel: 3,
            rows: everyPixel,
            groups: [{ planes: 3, columns: everyPixel }],
          },
        ],
      };
    default:
      return unreachable(format);
  }
}
