import { assert } from '../base/assert.ts';
import type { ScoredLabel } from '../contract/messages.ts';

/** Turns logits into probabilities in place; shifted by the largest, so that nothing overflows. */
export function softmax(scores: Float32Array): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (const score of scores) largest = Math.max(largest, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i += 1) {
    const power = Math.exp((scores[i] as number) - largest);
    scores[i] = power;
    sum += power;
  }
  for (let i = 0; i < scores.length; i += 1) scores[i] = (scores[i] as number) / sum;
}

/** The `k` best of `scores`, best first; of equal ones the lower index first. One pass, no sorting of all. */
export function topK(scores: Float32Array, labels: readonly string[], k: number): ScoredLabel[] {
  assert(scores.length === labels.length, 'one label per score');
  const best: number[] = [];
  /** What must be exceeded to be among the best, once there are `k`. */
  let bar = Number.NaN;
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] as number;
    if (score <= bar) continue;
    let place = best.length;
    while (place > 0 && (scores[best[place - 1] as number] as number) < score) place -= 1;
    best.splice(place, 0, index);
    if (best.length > k) best.pop();
    if (best.length === k) bar = scores[best[k - 1] as number] as number;
  }
  return best.map((index) => ({
    label: labels[index] as string,
    index,
    score: scores[index] as number,
  }));
}
