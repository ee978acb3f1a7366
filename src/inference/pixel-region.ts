import { chromaStepOf, type FrameGeometry, type FrameView } from '../contract/frame.ts';

/** A part of the frame in whole pixels, from the frame's top left corner. */
export type PixelRegion = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** The fewest pixels across and down that are looked at, where the frame has as many. */
const sideMin = 2;

/**
 * The pixels of a region that is given in fractions: its edges lie between the nearest pixels, and
 * between whole samples of chroma.
 */
export function pixelRegionOf(geometry: FrameGeometry, region: FrameView['region']): PixelRegion {
  const step = chromaStepOf(geometry.format);
  const across = pixelsOf(region.x, region.width, geometry.width, step.x);
  const down = pixelsOf(region.y, region.height, geometry.height, step.y);
  return { x: across.start, y: down.start, width: across.length, height: down.length };
}

function pixelsOf(
  start: number,
  length: number,
  pixels: number,
  step: number,
): { readonly start: number; readonly length: number } {
  const edgeOf = (fraction: number): number =>
    Math.min(Math.max(Math.round((fraction * pixels) / step) * step, 0), pixels);
  const shortest = Math.min(sideMin, pixels);
  const first = Math.min(edgeOf(start), pixels - shortest);
  return { start: first, length: Math.max(edgeOf(start + length) - first, shortest) };
}
