import type { FrameGeometry, FrameView, PixelFormat } from '../../src/contract/frame.ts';

/** Samples along an axis: one for every `spacing` pixels, the first one's centre at `origin`. */
export type Samples = { spacing: number; origin: number };

/** A channel of a picture. */
export type Plane = { rows: number[][]; x: Samples; y: Samples };

/** Where a plane's samples are in a frame: `at(x, y)` is the byte of sample `x` of row `y`. */
type Layout = {
  at: (x: number, y: number, stride: number, height: number) => number;
  x: Samples;
  y: Samples;
};

const every: Samples = { spacing: 1, origin: 0.5 };
/** Chroma along rows: at the place of the even pixels. */
const even: Samples = { spacing: 2, origin: 0.5 };
/** Chroma from row to row, where rows share it: in the middle of two. */
const between: Samples = { spacing: 2, origin: 1 };

/** A packed channel: its first byte, and the bytes from one sample to the next. */
const packed = (first: number, step: number, x: Samples): Layout => ({
  at: (i, row, stride) => row * stride + first + i * step,
  x,
  y: every,
});
const luma = packed(0, 1, every);
const pair = (first: number): Layout => ({
  at: (i, row, stride, height) => height * stride + row * stride + first + i * 2,
  x: even,
  y: between,
});
/** The first or second quarter-size plane after the luma plane. */
const quarter = (index: number): Layout => ({
  at: (i, row, stride, height) => height * stride + ((index * height) / 2 + row) * (stride / 2) + i,
  x: even,
  y: between,
});

/** Y, U and V, or R, G and B, in each format; from the fourccs' descriptions in V4L2's documents. */
const layouts: Readonly<Record<PixelFormat, readonly Layout[]>> = {
  YUYV: [packed(0, 2, every), packed(1, 4, even), packed(3, 4, even)],
  UYVY: [packed(1, 2, every), packed(0, 4, even), packed(2, 4, even)],
  YVYU: [packed(0, 2, every), packed(3, 4, even), packed(1, 4, even)],
  RGB3: [packed(0, 3, every), packed(1, 3, every), packed(2, 3, every)],
  BGR3: [packed(2, 3, every), packed(1, 3, every), packed(0, 3, every)],
  GREY: [luma],
  NV12: [luma, pair(0), pair(1)],
  NV21: [luma, pair(1), pair(0)],
  YU12: [luma, quarter(0), quarter(1)],
  YV12: [luma, quarter(1), quarter(0)],
};

/** The region of a frame as planes. */
export function planesOf(
  frame: Uint8Array,
  { format, width, height, stride }: FrameGeometry,
  region: FrameView['region'],
): { planes: Plane[]; width: number; height: number } {
  const steps = layouts[format].at(-1) ?? luma;
  const across = cut(region.x, region.width, width, steps.x.spacing);
  const down = cut(region.y, region.height, height, steps.y.spacing);
  const planes = layouts[format].map(({ at, x, y }) => ({
    x,
    y,
    rows: range(down, y.spacing).map((row) =>
      range(across, x.spacing).map((i) => frame[at(i, row, stride, height)] ?? Number.NaN),
    ),
  }));
  return { planes, width: across.end - across.start, height: down.end - down.start };
}

/** Writes every sample of a frame: `levelAt(x, y, channel)`, at the pixel that the sample belongs to. */
export function fillPlanes(
  frame: Uint8Array,
  { format, width, height, stride }: FrameGeometry,
  levelAt: (x: number, y: number, channel: number) => number,
): void {
  layouts[format].forEach(({ at, x, y }, channel) => {
    for (let row = 0; row < height / y.spacing; row += 1) {
      for (let i = 0; i < width / x.spacing; i += 1) {
        frame[at(i, row, stride, height)] = levelAt(i * x.spacing, row * y.spacing, channel);
      }
    }
  });
}

type Cut = { start: number; end: number };

/** The pixels between the edges, each rounded to a multiple of `step`; two of them at least. */
function cut(start: number, length: number, pixels: number, step: number): Cut {
  let first = step * Math.round((start * pixels) / step);
  let end = Math.min(pixels, step * Math.round(((start + length) * pixels) / step));
  if (end - first < 2) {
    first = Math.max(0, Math.min(first, pixels - 2));
    end = Math.min(pixels, first + 2);
  }
  return { start: first, end };
}

function range({ start, end }: Cut, spacing: number): number[] {
  return Array.from({ length: (end - start) / spacing }, (_, i) => start / spacing + i);
}
