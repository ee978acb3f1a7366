import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';

const sequence = (seed: number, length: number): number[] => {
  const random = createRandom(seed);
  return Array.from({ length }, random);
};

test('the same seed gives the same numbers', () => {
  assert.deepEqual(sequence(42, 1000), sequence(42, 1000));
});

test('neighbouring seeds give different numbers', () => {
  for (let seed = 0; seed < 100; seed += 1) {
    assert.notDeepEqual(sequence(seed, 4), sequence(seed + 1, 4));
  }
});

test('two generators of one seed do not disturb each other', () => {
  const one = createRandom(7);
  const other = createRandom(7);
  one();
  one();
  assert.deepEqual([other(), other(), other()], sequence(7, 3));
});

test('a seed counts by its lower 32 bits', () => {
  assert.deepEqual(sequence(2 ** 32 + 5, 5), sequence(5, 5));
  assert.deepEqual(sequence(-1, 5), sequence(2 ** 32 - 1, 5));
});

test('every number lies in [0, 1), and their mean and spread are those of chance', () => {
  const numbers = sequence(1, 100_000);
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  assert.ok(numbers.every((value) => value >= 0 && value < 1));
  assert.ok(Math.abs(mean - 0.5) < 0.005, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.002, `variance ${variance}`);
});
