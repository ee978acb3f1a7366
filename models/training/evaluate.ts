import { assert } from '../../src/base/assert.ts';
import type { ModelFile } from '../../src/contract/threads.ts';
import { openSession } from '../../src/inference/open.ts';
import { topOf } from './learn.ts';
import { pictureBytes, type Samples } from './samples.ts';

export type Evaluation = {
  /** One row of probabilities a sample. */
  readonly rows: Float64Array;
  /** The median time of one inference, in milliseconds. */
  readonly medianMilliseconds: number;
};

/** Runs the model on every sample, on one thread. */
export async function runModel(model: ModelFile, samples: Samples): Promise<Evaluation> {
  const tensor = new Uint8Array(pictureBytes);
  const opened = await openSession(model, tensor, 1);
  assert(opened.ok, `the model that was just written opens: ${opened.ok || opened.fault.message}`);
  const session = opened.value;
  const count = samples.labels.length;
  const labels = model.labels.length;
  const rows = new Float64Array(count * labels);
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    tensor.set(samples.pictures.subarray(index * pictureBytes, (index + 1) * pictureBytes));
    const start = performance.now();
    const scores = await session.run();
    times.push(performance.now() - start);
    assert(scores.ok, 'the model runs');
    rows.set(scores.value, index * labels);
  }
  await session.close();
  times.sort((a, b) => a - b);
  return { rows, medianMilliseconds: times[times.length >> 1] ?? 0 };
}

/** Row by truth, column by answer. */
export function confusionOf(rows: Float64Array, truths: Uint8Array, labels: number): number[][] {
  const table = Array.from({ length: labels }, () => new Array<number>(labels).fill(0));
  for (const [index, truth] of truths.entries()) {
    const answer = topOf(rows.subarray(index * labels, (index + 1) * labels));
    const line = table[truth] as number[];
    line[answer] = (line[answer] as number) + 1;
  }
  return table;
}

export function accuracyOf(confusion: readonly (readonly number[])[]): number {
  const total = confusion.flat().reduce((sum, value) => sum + value, 0);
  return confusion.reduce((sum, line, truth) => sum + (line[truth] as number), 0) / total;
}

/** The share of samples on which two sets of rows give the same answer. */
export function agreementOf(a: Float64Array, b: Float64Array, labels: number): number {
  let same = 0;
  for (let at = 0; at < a.length; at += labels) {
    if (topOf(a.subarray(at, at + labels)) === topOf(b.subarray(at, at + labels))) same += 1;
  }
  return (same * labels) / a.length;
}
