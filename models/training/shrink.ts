import type { FrameGeometry } from '../../src/contract/frame.ts';

/** How a picture is sampled: `reach` widens what an output pixel averages; shifts are in outputs. */
export type Sampling = { readonly reach: number; readonly left: number; readonly top: number };

/** The weight of each input position for each output one, `from` position by position. */
type Weights = { readonly from: number; readonly weights: Float64Array };

/**
 * Squashes a YUYV frame (BT.601, limited range) to `side` × `side` × 3 RGB bytes. Every output pixel
 * is the plain mean of the area it stands for: simple, and close to what any resizing with
 * antialiasing gives.
 */
export function shrink(
  frame: Uint8Array,
  geometry: FrameGeometry,
  picture: Uint8Array,
  side: number,
  sampling: Sampling,
): void {
  const columns = areasOf(geometry.width, side, sampling.reach, sampling.left);
  const rows = areasOf(geometry.height, side, sampling.reach, sampling.top);
  const sums = new Float64Array(side * 3);
  const line = new Float64Array(side * 3);
  for (let y = 0; y < side; y += 1) {
    const { from, weights } = rows[y] as Weights;
    sums.fill(0);
    for (let k = 0; k < weights.length; k += 1) {
      averageRow(frame, (from + k) * geometry.stride, columns, line);
      const weight = weights[k] as number;
      for (let i = 0; i < sums.length; i += 1) {
        sums[i] = (sums[i] as number) + weight * (line[i] as number);
      }
    }
    writeRow(sums, picture, y * side * 3);
  }
}

function areasOf(length: number, side: number, reach: number, shift: number): Weights[] {
  const scale = length / side;
  return Array.from({ length: side }, (_, index) => {
    const middle = (index + 0.5 + shift) * scale;
    const half = (reach * scale) / 2;
    const start = Math.max(0, Math.min(length - 1, middle - half));
    const end = Math.max(start + 1, Math.min(length, middle + half));
    const from = Math.floor(start);
    const weights = new Float64Array(Math.min(length, Math.ceil(end)) - from);
    let total = 0;
    for (let k = 0; k < weights.length; k += 1) {
      weights[k] = Math.min(end, from + k + 1) - Math.max(start, from + k);
      total += weights[k] as number;
    }
    return { from, weights: weights.map((weight) => weight / total) };
  });
}

/** The mean Y, U and V of each output column along one row of the frame. */
function averageRow(
  frame: Uint8Array,
  row: number,
  columns: readonly Weights[],
  line: Float64Array,
): void {
  let to = 0;
  for (const { from, weights } of columns) {
    let luma = 0;
    let u = 0;
    let v = 0;
    for (let k = 0; k < weights.length; k += 1) {
      const weight = weights[k] as number;
      const pair = row + ((from + k) >> 1) * 4;
      luma += weight * (frame[row + (from + k) * 2] as number);
      u += weight * (frame[pair + 1] as number);
      v += weight * (frame[pair + 3] as number);
    }
    line[to] = luma;
    line[to + 1] = u;
    line[to + 2] = v;
    to += 3;
  }
}

function writeRow(sums: Float64Array, picture: Uint8Array, to: number): void {
  for (let i = 0; i < sums.length; i += 3) {
    const luma = 1.164384 * ((sums[i] as number) - 16);
    const u = (sums[i + 1] as number) - 128;
    const v = (sums[i + 2] as number) - 128;
    picture[to + i] = byteOf(luma + 1.596027 * v);
    picture[to + i + 1] = byteOf(luma - 0.391762 * u - 0.812968 * v);
    picture[to + i + 2] = byteOf(luma + 2.017232 * u);
  }
}

function byteOf(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
