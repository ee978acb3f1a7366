import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import type { Log } from '../../../src/base/log.ts';
import { createFailureLog } from '../../../src/daemon/failure-log.ts';

type Line = { readonly level: string; readonly fields: object; readonly sentence: string };

function createLines(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const write = (level: string) => (fields: object, sentence: string) => {
    lines.push({ level, fields, sentence });
  };
  const log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: () => {},
  };
  return { log, lines };
}

const broken = (name: string) => fault('camera.frame-unreadable', name, 'Replace it.');

test('the first failure is a line at once', () => {
  const { log, lines } = createLines();
  createFailureLog(log).add(broken('a'));
  assert.deepEqual(lines, [
    { level: 'warn', fields: { fault: broken('a') }, sentence: 'a frame failed' },
  ]);
});

test('those that follow are one line, with their number and the last of them', () => {
  const { log, lines } = createLines();
  const failures = createFailureLog(log);
  for (const name of ['a', 'b', 'c', 'd']) failures.add(broken(name));
  assert.equal(lines.length, 1);
  failures.flush();
  assert.equal(lines.length, 2);
  assert.deepEqual(lines[1]?.fields, { count: 3, last: broken('d') });
});

test('a single failure is not told twice, and silence is not told at all', () => {
  const { log, lines } = createLines();
  const failures = createFailureLog(log);
  failures.flush();
  failures.add(broken('a'));
  failures.flush();
  failures.flush();
  assert.equal(lines.length, 1);
});

test('after a flush the next failure is a line at once, and the count begins anew', () => {
  const { log, lines } = createLines();
  const failures = createFailureLog(log);
  for (const name of ['a', 'b']) failures.add(broken(name));
  failures.flush();
  for (const name of ['c', 'd']) failures.add(broken(name));
  assert.deepEqual(lines[2]?.fields, { fault: broken('c') });
  failures.flush();
  assert.deepEqual(lines[3]?.fields, { count: 1, last: broken('d') });
});

test('a frame that fails all day costs two lines an interval', () => {
  const { log, lines } = createLines();
  const failures = createFailureLog(log);
  for (let interval = 0; interval < 10; interval += 1) {
    for (let frame = 0; frame < 900; frame += 1) failures.add(broken('a'));
    failures.flush();
  }
  assert.equal(lines.length, 20);
});
