import type { Random } from '../../src/base/random.ts';
import {
  backward,
  createPass,
  forward,
  type Network,
  type Pass,
  parametersOf,
  softmax,
} from './network.ts';
import { pictureBytes, pictureSide, type Samples } from './samples.ts';

/** A byte becomes `(byte − 128) / 64`: the same as dequantizing with this scale and zero point. */
export const inputScale = 1 / 64;
export const inputZero = 128;

export type Schedule = {
  readonly epochs: number;
  readonly batch: number;
  /** The step size at its highest; it rises over the first epoch's tenth and then falls to zero. */
  readonly rate: number;
};

/** A sample that is right by this much has next to nothing to teach, and is not gone back through. */
const sure = 0.997;

/** Trains by Adam on the cross entropy; `report` hears of each epoch. */
export function train(
  network: Network,
  samples: Samples,
  schedule: Schedule,
  random: Random,
  report: (epoch: number, loss: number, accuracy: number) => void,
): void {
  const pass = createPass(network);
  const adam = createAdam(parametersOf(network), pass.gradients);
  const count = samples.labels.length;
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const picture = new Float64Array(pictureBytes);
  const slopes = new Float64Array(network.labels);
  const total = schedule.epochs * Math.floor(count / schedule.batch);
  let step = 0;
  for (let epoch = 0; epoch < schedule.epochs; epoch += 1) {
    shuffle(order, random);
    let loss = 0;
    let right = 0;
    for (let first = 0; first + schedule.batch <= count; first += schedule.batch) {
      for (const index of order.subarray(first, first + schedule.batch)) {
        augment(samples.pictures, index, picture, random);
        const label = samples.labels[index] as number;
        forward(pass, picture);
        softmax(pass.scores, slopes);
        loss -= Math.log(Math.max(1e-12, slopes[label] as number));
        if (topOf(slopes) === label) right += 1;
        if ((slopes[label] as number) > sure) continue;
        slopes[label] = (slopes[label] as number) - 1;
        backward(pass, slopes);
      }
      step += 1;
      const warm = Math.min(1, step / (0.1 * (total / schedule.epochs)));
      adam(schedule.rate * warm * 0.5 * (1 + Math.cos((Math.PI * step) / total)), schedule.batch);
    }
    report(epoch + 1, loss / count, right / count);
  }
}

function shuffle(order: Uint32Array, random: Random): void {
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
}

/** Normalises a sample, mirrored half of the time, with another exposure and a little noise. */
function augment(pictures: Uint8Array, index: number, out: Float64Array, random: Random): void {
  const mirrored = random() < 0.5;
  const gain = 0.9 + 0.2 * random();
  const offset = (random() - 0.5) * 16;
  const start = index * pictureBytes;
  let noise = Math.floor(random() * 0x7fffffff) | 1;
  for (let pixel = 0; pixel < pictureSide * pictureSide; pixel += 1) {
    const column = pixel % pictureSide;
    const from = mirrored ? pixel - column + pictureSide - 1 - column : pixel;
    noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
    const shift = offset + (noise >> 24) / 48;
    for (let c = 0; c < 3; c += 1) {
      const value = (pictures[start + from * 3 + c] as number) * gain + shift;
      out[pixel * 3 + c] = (Math.max(0, Math.min(255, value)) - inputZero) * inputScale;
    }
  }
}

/** Normalises a picture as it is. */
export function normalise(pictures: Uint8Array, index: number, out: Float64Array): void {
  const start = index * pictureBytes;
  for (let i = 0; i < pictureBytes; i += 1) {
    out[i] = ((pictures[start + i] as number) - inputZero) * inputScale;
  }
}

export function topOf(values: ArrayLike<number>): number {
  let top = 0;
  for (let i = 1; i < values.length; i += 1) {
    if ((values[i] as number) > (values[top] as number)) top = i;
  }
  return top;
}

/** The probabilities of every sample, one row each. */
export function inferAll(pass: Pass, samples: Samples): Float64Array {
  const { labels } = pass.network;
  const count = samples.labels.length;
  const picture = new Float64Array(pictureBytes);
  const rows = new Float64Array(count * labels);
  for (let index = 0; index < count; index += 1) {
    normalise(samples.pictures, index, picture);
    forward(pass, picture);
    softmax(pass.scores, rows.subarray(index * labels, (index + 1) * labels));
  }
  return rows;
}

/** Adam with its usual constants; a step uses the mean gradient of a batch and clears it. */
function createAdam(
  parameters: readonly Float64Array[],
  gradients: readonly Float64Array[],
): (rate: number, batch: number) => void {
  const means = parameters.map((values) => new Float64Array(values.length));
  const squares = parameters.map((values) => new Float64Array(values.length));
  let steps = 0;
  return (rate, batch) => {
    steps += 1;
    const meanScale = 1 / (1 - 0.9 ** steps);
    const squareScale = 1 / (1 - 0.999 ** steps);
    for (const [index, values] of parameters.entries()) {
      const gradient = gradients[index] as Float64Array;
      const mean = means[index] as Float64Array;
      const square = squares[index] as Float64Array;
      for (let i = 0; i < values.length; i += 1) {
        const slope = (gradient[i] as number) / batch;
        mean[i] = 0.9 * (mean[i] as number) + 0.1 * slope;
        square[i] = 0.999 * (square[i] as number) + 0.001 * slope * slope;
        const stride =
          ((mean[i] as number) * meanScale) /
          (Math.sqrt((square[i] as number) * squareScale) + 1e-8);
        values[i] = (values[i] as number) - rate * (stride + 1e-3 * (values[i] as number));
      }
      gradient.fill(0);
    }
  };
}
