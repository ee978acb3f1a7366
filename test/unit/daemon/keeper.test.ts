import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Millis, millis } from '../../../src/base/time.ts';
import { createKeeper, type Seen, sentenceOf } from '../../../src/daemon/keeper.ts';
import type { Notifier } from '../../../src/systemd/notifier.ts';
import { allOk } from '../../support/all-ok.ts';
import { createManualClock } from '../../support/manual-clock.ts';

/** A systemd that writes down what it hears. */
function listening(watchdog: Millis | undefined) {
  const heard: string[] = [];
  const notifier: Notifier = {
    watchdog,
    ready: (status) => heard.push(`ready ${status}`),
    status: (text) => heard.push(`status ${text}`),
    extendTimeout: (by) => heard.push(`extend ${by}`),
    reload: (work) => heard.push(`reload ${work()}`),
    stopping: (status) => heard.push(`stopping ${status}`),
    keepAlive: () => heard.push('alive'),
    [Symbol.dispose]: () => {},
  };
  const clock = createManualClock();
  return { heard, clock, keeper: createKeeper(notifier, clock) };
}

const seen = (more: Partial<Seen> = {}): Seen => ({
  isReady: true,
  isProgressing: true,
  state: 'ok',
  components: allOk,
  classified: 0,
  label: undefined,
  ...more,
});

test('the watchdog hears of progress at every look, and of nothing else', () => {
  const { heard, clock, keeper } = listening(millis(30_000));
  for (let second = 0; second < 60; second += 1) {
    keeper.look(seen({ isProgressing: second < 20 }));
    clock.advance(1000);
  }
  assert.equal(heard.filter((word) => word === 'alive').length, 20);
});

test('a short watchdog is looked at in time, and without one nothing is said to it', () => {
  assert.equal(listening(millis(1500)).keeper.period, 500);
  const { heard, keeper } = listening(undefined);
  assert.equal(keeper.period, 1000);
  keeper.look(seen());
  assert.ok(!heard.includes('alive'));
});

test('it is ready once, as soon as there is something to see; until then it asks for time', () => {
  const { heard, clock, keeper } = listening(undefined);
  for (let second = 0; second < 60; second += 1) {
    keeper.look(seen({ isReady: false, state: 'starting' }));
    clock.advance(1000);
  }
  const asked = heard.filter((word) => word.startsWith('extend')).length;
  assert.ok(asked >= 3 && asked <= 5, `${asked} times`);
  assert.ok(!heard.some((word) => word.startsWith('ready')));
  keeper.look(seen());
  keeper.look(seen());
  assert.equal(heard.filter((word) => word.startsWith('ready')).length, 1);
});

test('a start that hangs is not granted more time', () => {
  const { heard, clock, keeper } = listening(undefined);
  for (let second = 0; second < 60; second += 1) {
    keeper.look(seen({ isReady: false, isProgressing: false, state: 'starting' }));
    clock.advance(1000);
  }
  assert.ok(!heard.some((word) => word.startsWith('extend')));
});

test('the status line changes no oftener than every two seconds, and says the rate', () => {
  const { heard, clock, keeper } = listening(undefined);
  for (let tenth = 0; tenth < 100; tenth += 1) {
    keeper.look(seen({ classified: tenth * tenth }));
    clock.advance(100);
  }
  const lines = heard.filter((word) => word.startsWith('status'));
  assert.ok(lines.length >= 3 && lines.length <= 5, lines.join('\n'));
  assert.match(lines.at(-1) ?? '', /^status [\d.]+ frames\/s, ok$/);
});

test('the line says what is seen, or what is wrong first', () => {
  const label = { name: 'person', score: 0.934 };
  assert.equal(sentenceOf(seen({ label }), 4.81), 'person 93 %, 4.8 frames/s, ok');
  const camera = { state: 'waiting', fault: 'camera.missing', message: 'no camera' } as const;
  const wrong = seen({ state: 'degraded', components: { ...allOk, camera } });
  assert.equal(sentenceOf(wrong, 0), 'degraded; camera: no camera');
});
