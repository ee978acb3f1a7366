import { assert } from '../base/assert.ts';
import type { Pool } from './scene-pool.ts';

/**
 * Painting for the scene: anti-aliased shapes given by their distance, on a canvas that keeps what a
 * surface reflects apart from what it emits, so that one painting can be lit for any hour.
 *
 * Coordinates are in units that the canvas scales to pixels; x grows right, y grows down.
 */
export type Rgb = readonly [number, number, number];

/** Floats per pixel: reflected r g b, cover, haze, emitted r g b; the first five premultiplied. */
export const canvasChannels = 8;

export type Canvas = {
  readonly width: number;
  readonly height: number;
  /** Pixels per unit. */
  readonly scale: number;
  /** The unit coordinates of the left and the top edge. */
  readonly left: number;
  readonly top: number;
  readonly values: Float32Array;
  /** Which lamp makes a pixel emit; 0 is none. */
  readonly lamps: Uint8Array;
};

/** A canvas and what is still to be painted on it, in this order: a step is short. */
export type Painting = { readonly canvas: Canvas; readonly steps: (() => void)[] };

export type Box = readonly [left: number, top: number, right: number, bottom: number];
/** Signed distance to the edge of a shape in units, negative inside. */
export type Distance = (x: number, y: number) => number;
/** Writes the paint at a point: r g b in [0, 1], haze in [0, 1], emitted r g b. */
export type Ink = (x: number, y: number, out: Float32Array) => void;

export function createCanvas(box: Box, scale: number, pool: Pool): Canvas {
  // A size that is whole but for rounding is not one pixel more.
  const width = Math.max(1, Math.ceil((box[2] - box[0]) * scale - 1e-6));
  const height = Math.max(1, Math.ceil((box[3] - box[1]) * scale - 1e-6));
  return {
    width,
    height,
    scale,
    left: box[0],
    top: box[1],
    values: pool.floats(width * height * canvasChannels),
    lamps: pool.bytes(width * height),
  };
}

const drop = new Float32Array(7);

/** Paints `ink` wherever `distance` is negative, with a soft edge one pixel wide. */
export function fill(canvas: Canvas, box: Box, distance: Distance, ink: Ink, opacity = 1): void {
  const { scale, left, top, values } = canvas;
  const x0 = Math.max(0, Math.floor((box[0] - left) * scale) - 1);
  const x1 = Math.min(canvas.width, Math.ceil((box[2] - left) * scale) + 1);
  const y0 = Math.max(0, Math.floor((box[1] - top) * scale) - 1);
  const y1 = Math.min(canvas.height, Math.ceil((box[3] - top) * scale) + 1);
  for (let row = y0; row < y1; row += 1) {
    const y = top + (row + 0.5) / scale;
    for (let column = x0; column < x1; column += 1) {
      const x = left + (column + 0.5) / scale;
      const inside = 0.5 - distance(x, y) * scale;
      if (inside <= 0) continue;
      ink(x, y, drop);
      const over = Math.min(1, inside) * opacity;
      blend(values, (row * canvas.width + column) * canvasChannels, over);
    }
  }
}

function blend(values: Float32Array, at: number, over: number): void {
  const under = 1 - over;
  const reflected = over * (1 - (drop[3] as number));
  values[at] = (values[at] as number) * under + (drop[0] as number) * reflected;
  values[at + 1] = (values[at + 1] as number) * under + (drop[1] as number) * reflected;
  values[at + 2] = (values[at + 2] as number) * under + (drop[2] as number) * reflected;
  values[at + 3] = (values[at + 3] as number) * under + over;
  values[at + 4] = (values[at + 4] as number) * under + (drop[3] as number) * over;
  for (let channel = 5; channel < 8; channel += 1) {
    values[at + channel] =
      (values[at + channel] as number) * under + (drop[channel - 1] as number) * over;
  }
}

/** Lines that a row of pixels is cut into; an outline's edge gets that many steps down a pixel. */
const linesPerRow = 5;
const crossings = new Float64Array(64);

/** Paints `ink` within a closed outline of x, y pairs: much quicker than by distance. Rows may be limited. */
export function fillOutline(
  canvas: Canvas,
  points: readonly number[],
  ink: Ink,
  rows: readonly [from: number, until: number] = [0, canvas.height],
): void {
  const { scale, left, top, width } = canvas;
  const box = boxOf(points);
  const y0 = Math.max(rows[0], Math.floor((box[1] - top) * scale));
  const y1 = Math.min(rows[1], Math.ceil((box[3] - top) * scale));
  const cover = new Float32Array(width + 1);
  for (let row = y0; row < y1; row += 1) {
    cover.fill(0);
    for (let line = 0; line < linesPerRow; line += 1) {
      const count = cross(points, top + (row + (line + 0.5) / linesPerRow) / scale);
      for (let k = 0; k + 1 < count; k += 2) {
        const from = ((crossings[k] as number) - left) * scale;
        coverSpan(cover, width, from, ((crossings[k + 1] as number) - left) * scale);
      }
    }
    const y = top + (row + 0.5) / scale;
    for (let column = 0; column < width; column += 1) {
      const over = cover[column] as number;
      if (over === 0) continue;
      ink(left + (column + 0.5) / scale, y, drop);
      blend(canvas.values, (row * width + column) * canvasChannels, Math.min(1, over));
    }
  }
}

/** Finds where a level line crosses the outline, from left to right, and returns how often. */
function cross(points: readonly number[], y: number): number {
  let count = 0;
  for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
    const ay = points[i + 1] as number;
    const by = points[j + 1] as number;
    if (ay > y === by > y || count === crossings.length) continue;
    const ax = points[i] as number;
    crossings[count] = ax + (((points[j] as number) - ax) * (y - ay)) / (by - ay);
    count += 1;
  }
  crossings.subarray(0, count).sort();
  return count;
}

/** Adds one line's span, in pixels, to the cover of a row. */
function coverSpan(cover: Float32Array, width: number, from: number, until: number): void {
  const a = Math.max(0, from);
  const b = Math.min(width, until);
  for (let column = Math.floor(a); column < b; column += 1) {
    const inside = Math.min(b, column + 1) - Math.max(a, column);
    cover[column] = (cover[column] as number) + inside / linesPerRow;
  }
}

/** Adds light of `color` around what emits it: `strength` in [0, 1] at a point. */
export function shine(
  canvas: Canvas,
  box: Box,
  strength: (x: number, y: number) => number,
  color: Rgb,
  lamp: number,
): void {
  assert(lamp > 0, 'light comes from a lamp');
  const { scale, left, top, values } = canvas;
  const x0 = Math.max(0, Math.floor((box[0] - left) * scale));
  const x1 = Math.min(canvas.width, Math.ceil((box[2] - left) * scale));
  const y0 = Math.max(0, Math.floor((box[1] - top) * scale));
  const y1 = Math.min(canvas.height, Math.ceil((box[3] - top) * scale));
  for (let row = y0; row < y1; row += 1) {
    for (let column = x0; column < x1; column += 1) {
      const s = strength(left + (column + 0.5) / scale, top + (row + 0.5) / scale);
      if (s <= 0.004) continue;
      const pixel = row * canvas.width + column;
      canvas.lamps[pixel] = lamp;
      for (let channel = 0; channel < 3; channel += 1) {
        const at = pixel * canvasChannels + 5 + channel;
        values[at] = Math.min(1, (values[at] as number) + (color[channel] as number) * s);
      }
    }
  }
}

/** One colour. */
export function flat(color: Rgb, haze = 0): Ink {
  return (_x, _y, out) => put(out, color, 1, haze);
}

/** One colour at `top`, running into another at `bottom`. */
export function gradient(above: Rgb, below: Rgb, top: number, bottom: number, haze = 0): Ink {
  return (_x, y, out) => {
    const t = Math.min(1, Math.max(0, (y - top) / (bottom - top)));
    for (let c = 0; c < 3; c += 1) {
      out[c] = (above[c] as number) * (1 - t) + (below[c] as number) * t;
    }
    out[3] = haze;
    out.fill(0, 4);
  };
}

/** Writes `color` times `light`, nothing emitted. */
export function put(out: Float32Array, color: Rgb, light: number, haze: number): void {
  out[0] = color[0] * light;
  out[1] = color[1] * light;
  out[2] = color[2] * light;
  out[3] = haze;
  out[4] = 0;
  out[5] = 0;
  out[6] = 0;
}

export function circle(x: number, y: number, radius: number): Distance {
  return (px, py) => Math.hypot(px - x, py - y) - radius;
}

/** Exact on the axes and near the edge, which is where the soft edge looks. */
export function ellipse(x: number, y: number, rx: number, ry: number): Distance {
  return (px, py) => {
    const dx = (px - x) / rx;
    const dy = (py - y) / ry;
    const k = Math.hypot(dx, dy);
    if (k < 1e-6) return -Math.min(rx, ry);
    return ((k - 1) * k) / Math.hypot(dx / rx, dy / ry);
  };
}

export function roundedBox(box: Box, radius: number): Distance {
  const cx = (box[0] + box[2]) / 2;
  const cy = (box[1] + box[3]) / 2;
  const hx = (box[2] - box[0]) / 2 - radius;
  const hy = (box[3] - box[1]) / 2 - radius;
  return (px, py) => {
    const qx = Math.abs(px - cx) - hx;
    const qy = Math.abs(py - cy) - hy;
    const outside = Math.hypot(Math.max(qx, 0), Math.max(qy, 0));
    return outside + Math.min(Math.max(qx, qy), 0) - radius;
  };
}

/** A stroke from a to b whose radius runs from `ra` to `rb`. */
export function stroke(
  a: readonly [number, number],
  b: readonly [number, number],
  ra: number,
  rb: number,
): Distance {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const length2 = dx * dx + dy * dy;
  return (px, py) => {
    const along = ((px - a[0]) * dx + (py - a[1]) * dy) / length2;
    const t = Math.min(1, Math.max(0, along));
    return Math.hypot(px - a[0] - dx * t, py - a[1] - dy * t) - (ra + (rb - ra) * t);
  };
}

/** A smooth closed outline through the given x, y pairs (Catmull-Rom, `steps` points a span). */
export function smooth(points: readonly number[], steps: number): number[] {
  const count = points.length / 2;
  const at = (i: number, axis: number): number =>
    points[2 * ((i + count) % count) + axis] as number;
  const outline: number[] = [];
  for (let i = 0; i < count; i += 1) {
    for (let step = 0; step < steps; step += 1) {
      const t = step / steps;
      for (let axis = 0; axis < 2; axis += 1) {
        const [a, b, c, d] = [at(i - 1, axis), at(i, axis), at(i + 1, axis), at(i + 2, axis)];
        const bend = (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t;
        outline.push(b + 0.5 * ((c - a) * t + bend));
      }
    }
  }
  return outline;
}

export function boxOf(points: readonly number[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i] as number);
    right = Math.max(right, points[i] as number);
    top = Math.min(top, points[i + 1] as number);
    bottom = Math.max(bottom, points[i + 1] as number);
  }
  return [left, top, right, bottom];
}
