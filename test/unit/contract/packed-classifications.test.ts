import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros, millis } from '../../../src/base/time.ts';
import {
  packClassifications,
  unpackClassifications,
} from '../../../src/contract/packed-classifications.ts';
import type { Classification } from '../../../src/contract/threads.ts';

const labels = ['cat', 'dog', 'bird'];

const scored = (index: number, score: number) => ({ label: labels[index] as string, index, score });

const cat: Classification = {
  sequence: 2 ** 40,
  ordinal: 7,
  capturedAt: micros(123_456_789_012),
  inference: millis(4.125),
  top: [scored(0, Math.fround(0.7)), scored(2, Math.fround(0.2))],
  watched: [scored(2, Math.fround(0.2))],
};
const nothing: Classification = { ...cat, sequence: 1, top: [], watched: [] };

test('classifications come out as they went in, in their order', () => {
  for (const batch of [[], [cat], [nothing, cat, nothing], [cat, cat]]) {
    assert.deepEqual(unpackClassifications(packClassifications(batch), labels), batch);
  }
});

test('what is cut off, or of another model, is not taken for something else', () => {
  const packed = packClassifications([cat]);
  assert.throws(() => unpackClassifications(packed.subarray(0, -1), labels), /whole/);
  assert.throws(() => unpackClassifications(packed, labels.slice(0, 2)), /one of the labels/);
});
