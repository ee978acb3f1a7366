import { assert } from '../base/assert.ts';
import { micros, millis } from '../base/time.ts';
import type { ScoredLabel } from './messages.ts';
import type { Classification } from './threads.ts';

/**
 * Classifications as numbers one after the other, which is how they go from thread to thread: to clone
 * their objects costs both threads several times as much. Each is its sequence, ordinal, time of capture
 * and duration, how many of its labels are the best and how many are watched, and then of each label
 * its index and score. Labels are named by whoever knows the model.
 */
export function packClassifications(classifications: readonly Classification[]): Float64Array {
  const count = classifications.reduce(
    (sum, { top, watched }) => sum + headLength + 2 * (top.length + watched.length),
    0,
  );
  const packed = new Float64Array(count);
  let at = 0;
  const put = (value: number): void => {
    packed[at] = value;
    at += 1;
  };
  for (const { sequence, ordinal, capturedAt, inference, top, watched } of classifications) {
    put(sequence);
    put(ordinal);
    put(capturedAt);
    put(inference);
    put(top.length);
    put(watched.length);
    for (const scored of [top, watched]) {
      for (const { index, score } of scored) {
        put(index);
        put(score);
      }
    }
  }
  return packed;
}

const headLength = 6;

/** `labels` are those of the model that classified. */
export function unpackClassifications(
  packed: Float64Array,
  labels: readonly string[],
): Classification[] {
  let at = 0;
  const take = (): number => {
    const value = packed[at];
    assert(value !== undefined, 'packed classifications are whole');
    at += 1;
    return value;
  };
  const takeLabels = (count: number): ScoredLabel[] => {
    const scored: ScoredLabel[] = [];
    for (let left = count; left > 0; left -= 1) {
      const index = take();
      const label = labels[index];
      assert(label !== undefined, 'a score belongs to one of the labels');
      scored.push({ label, index, score: take() });
    }
    return scored;
  };
  const classifications: Classification[] = [];
  while (at < packed.length) {
    const sequence = take();
    const ordinal = take();
    const capturedAt = micros(take());
    const inference = millis(take());
    const best = take();
    const others = take();
    const top = takeLabels(best);
    const watched = takeLabels(others);
    classifications.push({ sequence, ordinal, capturedAt, inference, top, watched });
  }
  return classifications;
}
