import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionEnd, firstChoice, nextChoice } from '../../../src/mqtt/protocol-choice.ts';

/** The versions spoken when connections end in this way, one after the other. */
function spoken(wanted: 'auto' | 5 | '3.1.1', ends: readonly ConnectionEnd[]): number[] {
  let choice = firstChoice(wanted);
  const versions = [choice.protocol];
  for (const end of ends) {
    choice = nextChoice(choice, end);
    versions.push(choice.protocol);
  }
  return versions;
}

test('a version that is configured is the only one', () => {
  for (const end of ['version refused', 'no answer', 'other'] as const) {
    assert.deepEqual(spoken(5, [end, end]), [5, 5, 5]);
    assert.deepEqual(spoken('3.1.1', [end, end]), [4, 4, 4]);
  }
});

test('auto remembers a refusal for good', () => {
  const ends = ['other', 'version refused', 'other', 'no answer', 'other'] as const;
  assert.deepEqual(spoken('auto', ends), [5, 5, 4, 4, 4, 4]);
});

test('auto takes silence for a question: each version in turn, and 5 again after anything else', () => {
  assert.deepEqual(spoken('auto', ['no answer', 'no answer', 'no answer']), [5, 4, 5, 4]);
  assert.deepEqual(spoken('auto', ['no answer', 'other', 'other']), [5, 4, 5, 5]);
});
