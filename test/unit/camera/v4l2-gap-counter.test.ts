import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { createGapCounter } from '../../../src/camera/v4l2/gap-counter.ts';

function lostIn(...sequences: number[]): number {
  const counter = createGapCounter();
  for (const sequence of sequences) counter.see(sequence);
  return counter.take();
}

test('the first number says nothing of what came before it', () => {
  assert.equal(lostIn(), 0);
  assert.equal(lostIn(0), 0);
  assert.equal(lostIn(17), 0);
});

test('numbers that follow each other have no gap', () => {
  assert.equal(lostIn(5, 6, 7, 8), 0);
});

test('each number that is left out is a lost frame', () => {
  assert.equal(lostIn(5, 7), 1);
  assert.equal(lostIn(0, 4, 5, 10), 7);
});

test('lost frames are told once', () => {
  const counter = createGapCounter();
  counter.see(1);
  counter.see(4);
  assert.equal(counter.take(), 2);
  assert.equal(counter.take(), 0);
  counter.see(6);
  assert.equal(counter.take(), 1);
});

test('numbers go on behind the largest of 32 bits', () => {
  assert.equal(lostIn(2 ** 32 - 1, 0), 0);
  assert.equal(lostIn(2 ** 32 - 2, 2 ** 32 - 1, 0, 1), 0);
  assert.equal(lostIn(2 ** 32 - 1, 3), 3);
  assert.equal(lostIn(2 ** 32 - 3, 1), 3);
});

test('a driver that begins anew, or repeats itself, lost nothing', () => {
  assert.equal(lostIn(1000, 0, 1), 0);
  assert.equal(lostIn(1000, 0, 2), 1);
  assert.equal(lostIn(8, 8, 9), 0);
});

test('any numbers with gaps below 2^31 give the sum of their gaps', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = createRandom(seed);
    const counter = createGapCounter();
    let sequence = Math.floor(random() * 2 ** 32);
    let lost = 0;
    counter.see(sequence);
    for (let frame = 0; frame < 50; frame += 1) {
      const gap = random() < 0.5 ? 0 : Math.floor(2 ** (31 * random())) - 1;
      lost += gap;
      sequence = (sequence + 1 + gap) % 2 ** 32;
      counter.see(sequence);
    }
    assert.equal(counter.take(), lost, `seed ${seed}`);
  }
});
