import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filtersOf, readWatched } from '../../../src/cli/watch/message.ts';
import { healthOf, labelOf, statusOf } from '../../support/said.ts';

const read = (topic: string, payload: unknown, base = 'sightd') =>
  readWatched(base, {
    topic,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    retained: false,
    properties: {},
  });

test('all devices are found with a wildcard, one by its exact topics', () => {
  for (const device of [undefined, 'porch']) {
    const filters = filtersOf('a/b', device);
    assert.equal(filters.length, 6);
    for (const filter of filters) {
      assert.ok(filter.startsWith(`a/b/${device ?? '+'}/`), filter);
      assert.ok(!filter.includes('desired'), filter);
    }
  }
});

test('a topic names its device, also below a base of several levels', () => {
  const watched = read('a/b/porch/config/reported', 'x', 'a/b');
  assert.equal(watched?.device, 'porch');
  assert.equal(watched?.reading.kind, 'unreadable');
  const strangers = ['other/porch/status', 'a/b/status', 'a/b//status', 'a/b/porch/snapshot'];
  for (const topic of strangers) assert.equal(read(topic, statusOf(), 'a/b'), undefined, topic);
});

test('a message of the contract is read; the empty one that clears a topic is told apart', () => {
  assert.deepEqual(read('sightd/porch/status', statusOf())?.reading, {
    kind: 'read',
    said: { name: 'status', message: statusOf() },
    isNewer: false,
  });
  assert.deepEqual(read('sightd/porch/label', '')?.reading, { kind: 'cleared', name: 'label' });
});

test('fields of a later version are left out, wherever they are, and the rest is read', () => {
  const health = healthOf();
  const later = {
    ...health,
    humidity: 3,
    camera: { ...health.camera, lens: 'wide', angle: 1 },
  };
  const reading = read('sightd/porch/health', later)?.reading;
  assert.deepEqual(reading, {
    kind: 'read',
    said: { name: 'health', message: health },
    isNewer: true,
  });
});

test('what is none of the contract says what is wrong with it', () => {
  const rows: readonly [payload: unknown, problem: RegExp][] = [
    ['not json', /^no JSON/],
    ['null', /expected object/],
    ['[[[[1]]]]', /expected object/],
    [{ ...labelOf(), id: 'seven' }, /^id: .*number/],
    [{ ...labelOf(), id: 'seven', more: 1 }, /^id: .*number/],
    [{ __proto__: null, id: 1 }, /^session/],
  ];
  for (const [payload, problem] of rows) {
    const reading = read('sightd/porch/label', payload)?.reading;
    assert.ok(reading?.kind === 'unreadable');
    assert.match(reading.problem, problem);
  }
  const bytes = { topic: 'sightd/porch/label', retained: false, properties: {} };
  const broken = readWatched('sightd', { ...bytes, payload: Buffer.from([0x22, 0xff, 0x22]) });
  assert.equal(broken?.reading.kind, 'unreadable');
});
