import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { growthOf, lineOf, type Sample } from '../../soak/leak.ts';

/** A session of an hour that is looked at every five seconds, with noise of half a megabyte. */
function sessionOf(slope: number, openFiles: (hours: number) => number = () => 30): Sample[] {
  const random = createRandom(7);
  return Array.from({ length: 720 }, (_, at) => {
    const hours = at / 720;
    const warming = 8 * Math.exp(-hours * 40);
    return {
      at: 1_700_000_000_000 + hours * 3_600_000,
      residentMegabytes: 130 - warming + slope * hours + random() - 0.5,
      openFiles: openFiles(hours),
      threads: 10,
    };
  });
}

test('a line through points is theirs', () => {
  const { slope, error } = lineOf([0, 1, 2, 3], [1, 3, 5, 7]);
  assert.equal(slope, 2);
  assert.equal(error, 0);
});

test('a session that does not grow is told from one that does, warm-up and noise left aside', () => {
  const flat = growthOf(sessionOf(0));
  assert.ok(flat !== undefined && Math.abs(flat.slope) <= flat.error + 0.2, `${flat?.slope}`);
  assert.ok(flat.error < 0.6, `${flat.error}`);
  const leaking = growthOf(sessionOf(5));
  assert.ok(leaking !== undefined && leaking.slope - leaking.error > 1, `${leaking?.slope}`);
});

test('files that stay open are seen', () => {
  const growth = growthOf(sessionOf(0, (hours) => 30 + Math.floor(hours * 8)));
  assert.deepEqual(growth?.openFiles, { first: 33, least: 33, most: 37 });
});

test('too little says nothing', () => {
  assert.equal(growthOf(sessionOf(0).slice(0, 10)), undefined);
  assert.equal(growthOf([]), undefined);
});
