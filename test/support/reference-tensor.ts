import type { FrameGeometry } from '../../src/contract/frame.ts';
import type { ModelInput } from '../../src/contract/manifest.ts';

/**
 * What the tensor kernel computes, in double precision, one step after the other, and sharing no
 * code with it. The filter, along each axis: an element is the mean of the frame over the element's
 * own footprint, at least one sample wide; the frame goes on with its outermost samples. Along rows,
 * planes are first halved by averaging neighbours until a footprint is at most three samples.
 * YUYV is BT.601 of limited range, its chroma sampled at the even pixels.
 */
export function referenceLevels(
  frame: Uint8Array,
  geometry: FrameGeometry,
  input: ModelInput,
): Float64Array {
  const { width, height } = geometry;
  const place = placeOf(input, width, height);
  const resampled = planesOf(frame, geometry).map((plane) => {
    const tall = plane.rows.map((row) => resampleRow(row, plane.spacing, place.x));
    const columns = transposed(tall).map((column) => resampleExactly(column, 1, 0.5, place.y));
    return transposed(columns);
  });
  const channels = input.color === 'gray' ? 1 : 3;
  const levels = new Float64Array(input.width * input.height * channels);
  for (let y = 0; y < input.height; y += 1) {
    for (let x = 0; x < input.width; x += 1) {
      const samples = resampled.map((plane) => plane[y - place.y.first]?.[x - place.x.first]);
      const colors = colorsOf(samples, geometry.format, input.color);
      colors.forEach((level, c) => {
        const pixel = y * input.width + x;
        const nhwc = pixel * channels + c;
        const nchw = c * input.width * input.height + pixel;
        levels[input.layout === 'nhwc' ? nhwc : nchw] = Math.min(Math.max(level, 0), 255);
      });
    }
  }
  return levels;
}

/** `size` elements from `first` on are made of the pixels [start, start + size · scale). */
type Place = { start: number; scale: number; first: number; size: number };

function placeOf(input: ModelInput, width: number, height: number): { x: Place; y: Place } {
  const { resize } = input;
  if (resize.rule === 'center-crop') {
    const scale = Math.min(
      width / (input.width / resize.fraction),
      height / (input.height / resize.fraction),
    );
    // Scaled first, cropped then, at a whole element: the smaller half is cut off before.
    const x0 = scale * Math.floor((width / scale - input.width) / 2 + 1e-6);
    const y0 = scale * Math.floor((height / scale - input.height) / 2 + 1e-6);
    return {
      x: { start: x0, scale, first: 0, size: input.width },
      y: { start: y0, scale, first: 0, size: input.height },
    };
  }
  let w = input.width;
  let h = input.height;
  if (resize.rule === 'letterbox') {
    const zoom = Math.min(input.width / width, input.height / height);
    w = Math.max(1, Math.round(width * zoom));
    h = Math.max(1, Math.round(height * zoom));
  }
  return {
    x: { start: 0, scale: width / w, first: Math.floor((input.width - w) / 2), size: w },
    y: { start: 0, scale: height / h, first: Math.floor((input.height - h) / 2), size: h },
  };
}

/** A channel of the frame; one sample for every `spacing` pixels of a row. */
type Plane = { rows: number[][]; spacing: number };

function planesOf(frame: Uint8Array, { format, width, height, stride }: FrameGeometry): Plane[] {
  const plane = (first: number, step: number, count: number, spacing: number): Plane => ({
    spacing,
    rows: Array.from({ length: height }, (_, y) =>
      Array.from({ length: count }, (_, x) => frame[y * stride + first + x * step] ?? Number.NaN),
    ),
  });
  if (format === 'RGB3') return [0, 1, 2].map((c) => plane(c, 3, width, 1));
  return [plane(0, 2, width, 1), plane(1, 4, width / 2, 2), plane(3, 4, width / 2, 2)];
}

function resampleRow(row: number[], spacing: number, place: Place): number[] {
  let samples = row;
  let step = spacing;
  let center = 0.5;
  while (place.scale / step > 3 + 1e-6) {
    samples = halved(samples);
    center += step / 2;
    step *= 2;
  }
  return resampleExactly(samples, step, center, place);
}

function halved(samples: number[]): number[] {
  return Array.from({ length: Math.ceil(samples.length / 2) }, (_, i) => {
    const left = samples[2 * i] ?? Number.NaN;
    return (left + (samples[2 * i + 1] ?? left)) / 2;
  });
}

/** Samples lie every `step` pixels, the first one's centre at `center`. */
function resampleExactly(samples: number[], step: number, center: number, place: Place): number[] {
  return Array.from({ length: place.size }, (_, i) => {
    const middle = (place.start + (i + 0.5) * place.scale - center) / step;
    const half = Math.max(1, place.scale / step) / 2;
    let sum = 0;
    for (let s = Math.floor(middle - half - 1); s <= Math.ceil(middle + half + 1); s += 1) {
      const overlap = Math.min(s + 0.5, middle + half) - Math.max(s - 0.5, middle - half);
      const sample = samples[Math.min(Math.max(s, 0), samples.length - 1)] ?? Number.NaN;
      if (overlap > 0) sum += overlap * sample;
    }
    return sum / (2 * half);
  });
}

function transposed(rows: number[][]): number[][] {
  return (rows[0] ?? []).map((_, x) => rows.map((row) => row[x] ?? Number.NaN));
}

/** The tensor's channels from one sample of each plane; samples outside the picture are undefined. */
function colorsOf(
  samples: (number | undefined)[],
  format: FrameGeometry['format'],
  color: ModelInput['color'],
): number[] {
  const [a, b, c] = samples;
  const [red, green, blue] =
    a === undefined || b === undefined || c === undefined
      ? [114, 114, 114]
      : format === 'RGB3'
        ? [a, b, c]
        : rgbOfYuv(a, b, c);
  if (color === 'rgb') return [red, green, blue];
  if (color === 'bgr') return [blue, green, red];
  // Before clamping, luma is what is left of YUV: its chroma cancels out.
  return [0.299 * red + 0.587 * green + 0.114 * blue];
}

/** ITU-R BT.601-7, 2.5: Y from 16 to 235, Cb and Cr from 16 to 240. */
function rgbOfYuv(y: number, cb: number, cr: number): [number, number, number] {
  const luma = (y - 16) / 219;
  const b = (cb - 128) / 224;
  const r = (cr - 128) / 224;
  const red = luma + 1.402 * r;
  const blue = luma + 1.772 * b;
  const green = (luma - 0.299 * red - 0.114 * blue) / 0.587;
  return [red * 255, green * 255, blue * 255];
}
