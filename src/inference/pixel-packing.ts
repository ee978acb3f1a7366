import { assert, unreachable } from '../base/assert.ts';
import type { FrameGeometry } from '../contract/frame.ts';
import type { SourceColor } from './color-matrix.ts';
import {
  UNPACK_PAIRS,
  UNPACK_RGB3,
  UNPACK_SINGLE,
  UNPACK_UYVY,
  UNPACK_YUYV,
} from './plan-layout.ts';
import { betweenPixels, everyOtherPixel, everyPixel, type Sampling } from './resampling.ts';

/**
 * Planes that are sampled alike along a row, in the order in which the unpacking step makes them.
 * A plane's number is its column in `colorMatrixOf`; the numbers of a group follow on one another.
 */
export type PlaneGroup = { readonly planes: readonly PlaneNumber[]; readonly columns: Sampling };
type PlaneNumber = 0 | 1 | 2;

/** A part of the frame whose rows are blended and unpacked together: all of it in packed formats. */
export type Strip = {
  /** Which unpacking step of the kernel reads it, and how many pixels of a row one step is. */
  readonly unpacking: number;
  readonly stepPixels: number;
  /** Bytes from the frame's first to the strip's first, and from row to row. */
  readonly start: number;
  readonly stride: number;
  /** `unit.pixels` along a row lie in `unit.bytes`. */
  readonly unit: { readonly pixels: number; readonly bytes: number };
  readonly rows: Sampling;
  readonly groups: readonly PlaneGroup[];
};

/** How a pixel format becomes planes; luma, or one of the colours, is in the first strip and group. */
export type PixelPacking = { readonly color: SourceColor; readonly strips: readonly Strip[] };

/**
 * How a frame of this geometry becomes planes. Chroma is sited as in MPEG-2: along rows at the even
 * pixels, from row to row in the middle of two.
 */
export function packingOf(geometry: FrameGeometry): PixelPacking {
  const { format, stride, height, color } = geometry;
  const planeBytes = stride * height;
  switch (format) {
    case 'YUYV':
      return { color, strips: [foursOf(UNPACK_YUYV, stride, [1, 2])] };
    case 'YVYU':
      return { color, strips: [foursOf(UNPACK_YUYV, stride, [2, 1])] };
    case 'UYVY':
      return { color, strips: [foursOf(UNPACK_UYVY, stride, [1, 2])] };
    case 'RGB3':
      return { color: 'rgb', strips: [triplesOf(stride, [0, 1, 2])] };
    case 'BGR3':
      return { color: 'rgb', strips: [triplesOf(stride, [2, 1, 0])] };
    case 'GREY':
      return { color, strips: [lumaOf(stride)] };
    case 'NV12':
      return { color, strips: [lumaOf(stride), pairsOf(planeBytes, stride, [1, 2])] };
    case 'NV21':
      return { color, strips: [lumaOf(stride), pairsOf(planeBytes, stride, [2, 1])] };
    case 'YU12':
      return { color, strips: [lumaOf(stride), ...chromaPlanesOf(geometry, [1, 2])] };
    case 'YV12':
      return { color, strips: [lumaOf(stride), ...chromaPlanesOf(geometry, [2, 1])] };
    default:
      return unreachable(format);
  }
}

/** Two pixels in four bytes. */
function foursOf(unpacking: number, stride: number, chroma: readonly PlaneNumber[]): Strip {
  return {
    unpacking,
    stepPixels: 16,
    start: 0,
    stride,
    unit: { pixels: 2, bytes: 4 },
    rows: everyPixel,
    groups: [
      { planes: [0], columns: everyPixel },
      { planes: chroma, columns: everyOtherPixel },
    ],
  };
}

/** A pixel in three bytes. */
function triplesOf(stride: number, planes: readonly PlaneNumber[]): Strip {
  return {
    unpacking: UNPACK_RGB3,
    stepPixels: 16,
    start: 0,
    stride,
    unit: { pixels: 1, bytes: 3 },
    rows: everyPixel,
    groups: [{ planes, columns: everyPixel }],
  };
}

/** A plane of luma, the frame's first. */
function lumaOf(stride: number): Strip {
  return {
    unpacking: UNPACK_SINGLE,
    stepPixels: 32,
    start: 0,
    stride,
    unit: { pixels: 1, bytes: 1 },
    rows: everyPixel,
    groups: [{ planes: [0], columns: everyPixel }],
  };
}

/** Both planes of chroma, sample by sample in turn. */
function pairsOf(start: number, stride: number, planes: readonly PlaneNumber[]): Strip {
  return {
    unpacking: UNPACK_PAIRS,
    stepPixels: 32,
    start,
    stride,
    unit: { pixels: 2, bytes: 2 },
    rows: betweenPixels,
    groups: [{ planes, columns: everyOtherPixel }],
  };
}

/** The planes of chroma, one after the other. */
function chromaPlanesOf(
  { stride, height }: FrameGeometry,
  planes: readonly PlaneNumber[],
): readonly Strip[] {
  assert(stride % 2 === 0, 'rows of chroma are half as long as rows of luma');
  const planeBytes = (stride / 2) * (height / 2);
  return planes.map((plane, index) => ({
    unpacking: UNPACK_SINGLE,
    stepPixels: 64,
    start: stride * height + index * planeBytes,
    stride: stride / 2,
    unit: { pixels: 2, bytes: 1 },
    rows: betweenPixels,
    groups: [{ planes: [plane], columns: everyOtherPixel }],
  }));
}
