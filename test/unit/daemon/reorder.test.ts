import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { createReorder } from '../../../src/daemon/reorder.ts';

function collect() {
  const emitted: string[] = [];
  return { emitted, reorder: createReorder<string>((item) => emitted.push(item)) };
}

test('what comes in order goes on at once', () => {
  const { emitted, reorder } = collect();
  reorder.put(1, 'a');
  assert.deepEqual(emitted, ['a']);
  reorder.put(2, 'b');
  assert.deepEqual(emitted, ['a', 'b']);
});

test('what comes early waits for all before it', () => {
  const { emitted, reorder } = collect();
  reorder.put(3, 'c');
  reorder.put(2, 'b');
  assert.deepEqual(emitted, []);
  reorder.put(1, 'a');
  assert.deepEqual(emitted, ['a', 'b', 'c']);
});

test('an ordinal that came to nothing holds nobody up', () => {
  const { emitted, reorder } = collect();
  reorder.put(3, 'c');
  reorder.put(1, undefined);
  reorder.put(2, undefined);
  reorder.put(4, undefined);
  reorder.put(5, 'e');
  assert.deepEqual(emitted, ['c', 'e']);
});

test('any order in comes out in order, each once', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = createRandom(seed);
    const { emitted, reorder } = collect();
    const waiting: number[] = [];
    const expected: string[] = [];
    for (let ordinal = 1; ordinal <= 200 || waiting.length > 0; ordinal += 1) {
      if (ordinal <= 200) waiting.push(ordinal);
      if (waiting.length < 4 && ordinal <= 200) continue;
      const [done] = waiting.splice(Math.floor(random() * waiting.length), 1) as [number];
      reorder.put(done, done % 7 === 0 ? undefined : `frame ${done}`);
    }
    for (let ordinal = 1; ordinal <= 200; ordinal += 1) {
      if (ordinal % 7 !== 0) expected.push(`frame ${ordinal}`);
    }
    assert.deepEqual(emitted, expected, `seed ${seed}`);
  }
});
