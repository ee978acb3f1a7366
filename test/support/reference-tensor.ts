import type { FrameColor, FrameGeometry, FrameView } from '../../src/contract/frame.ts';
import type { ModelInput } from '../../src/contract/manifest.ts';
import { type Plane, planesOf, type Samples } from './reference-planes.ts';

/**
 * What the tensor kernel computes, in double precision, one step after the other, and sharing no
 * code with it: the frame is cut and turned as a picture, then prepared. The filter, along each axis:
 * an element is the mean of the picture over the element's own footprint, at least one sample wide;
 * the picture goes on with its outermost samples. Along what were the frame's rows, from where their
 * first pixels are now, planes are first halved by averaging neighbours until a footprint is at most
 * three samples.
 */
export function referenceLevels(
  frame: Uint8Array,
  geometry: FrameGeometry,
  input: ModelInput,
  view: FrameView,
): Float64Array {
  const { planes, width, height } = turned(planesOf(frame, geometry, view.region), view.rotate);
  const place = placeOf(input, width, height);
  // What was the frame's first column is now the last one, or its rows are now columns.
  const halving = {
    x: { 0: 'first', 180: 'last', 90: 'none', 270: 'none' } as const,
    y: { 0: 'none', 180: 'none', 90: 'first', 270: 'last' } as const,
  };
  const resampled = planes.map((plane) => {
    const wide = plane.rows.map((row) =>
      resample({ ...plane.x, values: row, pixels: width }, place.x, halving.x[view.rotate]),
    );
    const columns = transposed(wide).map((column) =>
      resample({ ...plane.y, values: column, pixels: height }, place.y, halving.y[view.rotate]),
    );
    return transposed(columns);
  });
  const channels = input.color === 'gray' ? 1 : 3;
  const levels = new Float64Array(input.width * input.height * channels);
  for (let y = 0; y < input.height; y += 1) {
    for (let x = 0; x < input.width; x += 1) {
      const samples = resampled.map((plane) => plane[y - place.y.first]?.[x - place.x.first]);
      const colors = colorsOf(samples, geometry, input.color);
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

type Picture = { planes: Plane[]; width: number; height: number };

/** The picture turned clockwise, a quarter at a time; samples stay where they are in it. */
function turned(picture: Picture, degrees: FrameView['rotate']): Picture {
  let { planes, width, height } = picture;
  for (let left: number = degrees; left > 0; left -= 90) {
    const before = height;
    planes = planes.map((plane) => ({
      rows: transposed(plane.rows.toReversed()),
      x: { ...plane.y, origin: lastOf(plane.y, plane.rows.length, before) },
      y: plane.x,
    }));
    [width, height] = [height, width];
  }
  return { planes, width, height };
}

/** Where the last of the samples lies, seen from the other end. */
function lastOf({ spacing, origin }: Samples, count: number, pixels: number): number {
  return pixels - (origin + (count - 1) * spacing);
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

/** The samples of one row or column, which is `pixels` long. */
type Line = Samples & { values: number[]; pixels: number };

function resample(line: Line, place: Place, halving: 'first' | 'last' | 'none'): number[] {
  let current = line;
  while (halving !== 'none' && place.scale / current.spacing > 3 + 1e-6) {
    current = halving === 'first' ? halved(current) : flipped(halved(flipped(current)));
  }
  return resampleExactly(current, place);
}

function flipped(line: Line): Line {
  const origin = lastOf(line, line.values.length, line.pixels);
  return { ...line, values: line.values.toReversed(), origin };
}

function halved(line: Line): Line {
  const { values, spacing, origin } = line;
  const pairs = Array.from({ length: Math.ceil(values.length / 2) }, (_, i) => {
    const left = values[2 * i] ?? Number.NaN;
    return (left + (values[2 * i + 1] ?? left)) / 2;
  });
  return { ...line, values: pairs, spacing: spacing * 2, origin: origin + spacing / 2 };
}

function resampleExactly({ values, spacing, origin }: Line, place: Place): number[] {
  return Array.from({ length: place.size }, (_, i) => {
    const middle = (place.start + (i + 0.5) * place.scale - origin) / spacing;
    const half = Math.max(1, place.scale / spacing) / 2;
    let sum = 0;
    for (let s = Math.floor(middle - half - 1); s <= Math.ceil(middle + half + 1); s += 1) {
      const overlap = Math.min(s + 0.5, middle + half) - Math.max(s - 0.5, middle - half);
      const sample = values[Math.min(Math.max(s, 0), values.length - 1)] ?? Number.NaN;
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
  { format, color: sent }: FrameGeometry,
  color: ModelInput['color'],
): number[] {
  const [a, b = 128, c = 128] = samples;
  const isRgb = format === 'RGB3' || format === 'BGR3';
  const luma = isRgb ? lumaPartsOf('bt601') : lumaPartsOf(sent);
  const [red, green, blue] =
    a === undefined ? [114, 114, 114] : isRgb ? [a, b, c] : rgbOfYuv(a, b, c, sent);
  if (color === 'rgb') return [red, green, blue];
  if (color === 'bgr') return [blue, green, red];
  // Before clamping, luma is what is left of YUV: its chroma cancels out.
  return [luma.red * red + (1 - luma.red - luma.blue) * green + luma.blue * blue];
}

/** The parts of red and blue in luma: ITU-R BT.601-7, 2.5.1, and BT.709-6, 3.2. */
function lumaPartsOf(color: FrameColor): { red: number; blue: number } {
  const isNew = color === 'bt709' || color === 'bt709-full';
  return isNew ? { red: 0.2126, blue: 0.0722 } : { red: 0.299, blue: 0.114 };
}

/** Limited range has Y from 16 to 235, Cb and Cr from 16 to 240; full range (JFIF) 0 to 255. */
function rgbOfYuv(y: number, cb: number, cr: number, color: FrameColor): [number, number, number] {
  const isFull = color.endsWith('full');
  const parts = lumaPartsOf(color);
  const luma = isFull ? y / 255 : (y - 16) / 219;
  const b = (cb - 128) / (isFull ? 255 : 224);
  const r = (cr - 128) / (isFull ? 255 : 224);
  const red = luma + 2 * (1 - parts.red) * r;
  const blue = luma + 2 * (1 - parts.blue) * b;
  const green = (luma - parts.red * red - parts.blue * blue) / (1 - parts.red - parts.blue);
  return [red * 255, green * 255, blue * 255];
}
