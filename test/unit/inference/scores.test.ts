import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { softmax, topK } from '../../../src/inference/scores.ts';

const softened = (...logits: number[]): number[] => {
  const scores = Float32Array.from(logits);
  softmax(scores);
  return [...scores];
};

const isNear = (a: number | undefined, b: number): boolean =>
  Math.abs((a ?? Number.NaN) - b) < 1e-6;

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `label ${i}`);

test('logits become the probabilities that the formula says', () => {
  const [a, b, c] = softened(1, 2, 3);
  assert.ok(isNear(a, 0.0900306) && isNear(b, 0.2447285) && isNear(c, 0.6652409));
});

test('logits too large for an exponential overflow nothing', () => {
  assert.deepEqual(softened(1e30, 1e30), [0.5, 0.5]);
  assert.deepEqual(softened(3e38, -3e38, 0), [1, 0, 0]);
  assert.deepEqual(softened(-1e30, -1e30), [0.5, 0.5]);
  const [a, b] = softened(1000, 1001);
  assert.ok(isNear(a, 0.2689414) && isNear(b, 0.7310586));
});

test('a logit of minus infinity is a probability of 0', () => {
  assert.deepEqual(softened(0, Number.NEGATIVE_INFINITY), [1, 0]);
});

test('probabilities sum to 1 and keep the order of the logits', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = createRandom(seed);
    const logits = Array.from({ length: 1000 }, () => (random() - 0.5) * 40);
    const scores = softened(...logits);
    const sum = scores.reduce((total, score) => total + score, 0);
    assert.ok(Math.abs(sum - 1) < 1e-4, `seed ${seed}: ${sum}`);
    const best = logits.indexOf(Math.max(...logits));
    assert.equal(scores.indexOf(Math.max(...scores)), best, `seed ${seed}`);
  }
});

test('the best scores come with their labels and their places, best first', () => {
  const scores = Float32Array.from([0.25, 0.5, 0.125, 0.0625]);
  assert.deepEqual(topK(scores, ['a', 'b', 'c', 'd'], 2), [
    { label: 'b', index: 1, score: 0.5 },
    { label: 'a', index: 0, score: 0.25 },
  ]);
});

test('of equal scores the lower place comes first, at the last place too', () => {
  const scores = Float32Array.from([0.5, 1, 0.5, 1, 0.5]);
  const places = (k: number) => topK(scores, namesOf(5), k).map(({ index }) => index);
  assert.deepEqual(places(1), [1]);
  assert.deepEqual(places(3), [1, 3, 0]);
  assert.deepEqual(places(5), [1, 3, 0, 2, 4]);
});

test('more labels than there are is all of them', () => {
  assert.equal(topK(new Float32Array(3), namesOf(3), 20).length, 3);
});

test('the best are those that sorting all would give, ties and negative scores included', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = createRandom(seed);
    const count = 1 + Math.floor(random() * 60);
    // Few different values, so that there are ties.
    const scores = Float32Array.from({ length: count }, () => Math.floor(random() * 12) / 4 - 1);
    const k = 1 + Math.floor(random() * 20);
    const sorted = [...scores]
      .map((score, index) => ({ label: `label ${index}`, index, score }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, k);
    assert.deepEqual(topK(scores, namesOf(count), k), sorted, `seed ${seed}`);
  }
});

test('scores without a label each are a bug', () => {
  assert.throws(() => topK(new Float32Array(3), namesOf(4), 1), /invariant broken/);
});
