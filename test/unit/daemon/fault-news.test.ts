import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros } from '../../../src/base/time.ts';
import { createFaultNews } from '../../../src/daemon/fault-news.ts';

const hot = fault('power.hot', 'it is hot', 'Cool it.');
const full = fault('disk.full', 'it is full', 'Free some.');

function createListener() {
  const news = createFaultNews();
  return (seconds: number, ...present: (typeof hot)[]): string[] =>
    news(present, micros(seconds * 1_000_000)).map(
      ({ kind, fault: { code } }) => `${kind} ${code}`,
    );
}

test('what is wrong is told once, and when it is over', () => {
  const hear = createListener();
  assert.deepEqual(hear(0), []);
  assert.deepEqual(hear(1, hot), ['worse power.hot']);
  assert.deepEqual(hear(2, { ...hot, message: 'it is hotter' }), []);
  assert.deepEqual(hear(3, hot, full), ['worse disk.full']);
  assert.deepEqual(hear(4, full), ['better power.hot']);
  assert.deepEqual(hear(5), ['better disk.full']);
  assert.deepEqual(hear(6), []);
});

test('what comes and goes is told once in ten minutes', () => {
  const hear = createListener();
  const told: string[] = [];
  for (let second = 0; second < 3600; second += 1) {
    told.push(...(second % 20 < 10 ? hear(second, hot) : hear(second)));
  }
  assert.equal(told.filter((one) => one === 'worse power.hot').length, 6);
  assert.equal(told.length, 12);
});

test('what comes back and stays is told, when it may be', () => {
  const hear = createListener();
  hear(0, hot);
  hear(10);
  assert.deepEqual(hear(20, hot), []);
  assert.deepEqual(hear(599, hot), []);
  assert.deepEqual(hear(600, hot), ['worse power.hot']);
});
