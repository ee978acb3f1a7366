import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros, millis } from '../../../src/base/time.ts';
import { changeLine } from '../../../src/cli/watch/lines.ts';
import { readWatched } from '../../../src/cli/watch/message.ts';
import {
  deviceStateOf,
  devicesMax,
  eventsMax,
  initialWatch,
  isInTrouble,
  resultRateOf,
  stepWatch,
  type WatchedDevice,
  type WatchState,
} from '../../../src/cli/watch/state.ts';
import {
  cameraFault,
  eventOf,
  healthOf,
  labelOf,
  reportedOf,
  resultOf,
  statusOf,
} from '../../support/said.ts';

/** Devices that say things, at times in seconds. */
function createWatch() {
  let state: WatchState = initialWatch('title', millis(0));
  const lines: string[] = [];
  const say = (
    seconds: number,
    topic: string,
    payload: object | string,
    retained = false,
  ): WatchedDevice | undefined => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const watched = readWatched('sightd', {
      topic: `sightd/${topic}`,
      payload: Buffer.from(text),
      retained,
      properties: {},
    });
    assert.ok(watched !== undefined);
    const before = state.devices.get(watched.device);
    state = stepWatch(state, { kind: 'message', watched }, millis(seconds * 1000));
    const after = state.devices.get(watched.device);
    const line = changeLine(before, watched, after);
    if (line !== undefined) lines.push(line);
    return after;
  };
  return { say, lines, state: () => state };
}

const at = (seconds: number) => millis(seconds * 1000);

test('a device is what it says, and stale when it is silent for too long', () => {
  const { say } = createWatch();
  const first = say(0, 'porch/status', statusOf(), true);
  assert.ok(first !== undefined);
  assert.equal(deviceStateOf(first, at(70)), 'online');
  assert.equal(deviceStateOf(first, at(80)), 'stale');
  assert.ok(isInTrouble(first, at(80)));
  // Its own interval of health is two seconds.
  const known = say(1, 'porch/config/reported', reportedOf());
  assert.ok(known !== undefined);
  assert.equal(deviceStateOf(known, at(5)), 'online');
  assert.equal(deviceStateOf(known, at(7)), 'stale');
  const stopped = say(2, 'porch/status', statusOf({ state: 'stopped' }));
  assert.ok(stopped !== undefined);
  assert.equal(deviceStateOf(stopped, at(100)), 'stopped');
  assert.ok(!isInTrouble(stopped, at(100)));
});

test('a late will of an earlier session does not make a running device offline', () => {
  const { say, lines } = createWatch();
  say(0, 'porch/status', statusOf({ session: 'two' }));
  const late = say(1, 'porch/status', statusOf({ session: 'one', state: 'offline' }));
  assert.equal(late?.status?.state, 'online');
  assert.equal(late?.lateWills, 1);
  const own = say(2, 'porch/status', statusOf({ session: 'two', state: 'offline' }));
  assert.equal(own?.status?.state, 'offline');
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? '', /late, of session one/);
});

test('a device whose birth a late will has replaced is online once it says something', () => {
  const { say } = createWatch();
  const will = statusOf({ session: 'one', state: 'offline' });
  assert.equal(say(0, 'porch/status', will, true)?.status?.state, 'offline');
  // What is retained, and labels that were kept while the broker was away, may be of an earlier session.
  say(1, 'porch/health', healthOf({ session: 'two' }), true);
  assert.equal(say(1, 'porch/label', labelOf({ session: 'zero' }))?.status?.state, 'offline');
  const alive = say(2, 'porch/result', resultOf({ session: 'two' }));
  assert.deepEqual([alive?.status?.state, alive?.status?.session], ['online', 'two']);
});

test('the last words of a session do not bring it back', () => {
  const { say } = createWatch();
  say(0, 'porch/status', statusOf({ state: 'stopped' }));
  assert.equal(say(1, 'porch/result', resultOf())?.status?.state, 'stopped');
});

test('results are counted over whole seconds, and those of long ago no more', () => {
  const { say } = createWatch();
  let device: WatchedDevice | undefined;
  for (let tenth = 0; tenth < 80; tenth += 2) device = say(tenth / 10, 'porch/result', resultOf());
  assert.ok(device !== undefined);
  assert.equal(resultRateOf(device, at(8)), 5);
  assert.equal(resultRateOf(device, at(10.5)), 3);
  assert.equal(resultRateOf(device, at(100)), 0);
  const { say: sayOnce } = createWatch();
  const once = sayOnce(3, 'porch/result', resultOf());
  assert.ok(once !== undefined);
  assert.equal(resultRateOf(once, at(3.9)), 0);
  assert.equal(resultRateOf(once, at(4)), 1);
});

test('the newest events are kept, a repeated one once', () => {
  const { say, lines } = createWatch();
  let device: WatchedDevice | undefined;
  for (let id = 1; id <= eventsMax + 3; id += 1) device = say(id, 'porch/event', eventOf({ id }));
  device = say(99, 'porch/event', eventOf({ id: eventsMax + 3 }));
  assert.deepEqual(
    device?.events.map(({ id }) => id),
    Array.from({ length: eventsMax }, (_, index) => index + 4),
  );
  assert.equal(lines.length, eventsMax + 3);
});

test('what cannot be read is counted, and a device may say nothing else', () => {
  const { say, lines } = createWatch();
  say(0, 'odd/health', '{');
  say(1, 'odd/health', '{');
  const device = say(2, 'odd/status', statusOf({ version: '9' }));
  assert.equal(device?.unreadable, 2);
  assert.match(device?.problem ?? '', /^health: no JSON/);
  assert.equal(device?.status?.version, '9');
  assert.equal(lines.length, 2);
  assert.equal(say(3, 'odd/status', { ...statusOf(), mood: 'good' })?.newer, 1);
});

test('whoever clears the status of a device takes it away, but clearing a label does not', () => {
  const { say, state } = createWatch();
  say(0, 'porch/status', statusOf());
  assert.ok(say(1, 'porch/label', '') !== undefined);
  assert.equal(say(2, 'porch/status', ''), undefined);
  assert.equal(state().devices.size, 0);
});

test('devices have a limit, and those beyond it are counted', () => {
  const { say, state } = createWatch();
  for (let device = 0; device < devicesMax + 2; device += 1)
    say(0, `d${device}/status`, statusOf());
  assert.equal(state().devices.size, devicesMax);
  assert.equal(state().turnedAway, 2);
});

test('a pipe gets a line for each change, and none for results or what is as before', () => {
  const { say, lines } = createWatch();
  say(0, 'porch/status', statusOf(), true);
  say(0, 'porch/status', statusOf());
  say(1, 'porch/result', resultOf());
  say(2, 'porch/label', labelOf());
  say(2, 'porch/label', labelOf());
  say(3, 'porch/health', healthOf());
  say(4, 'porch/health', healthOf({ uptimeSeconds: 9 }));
  const waiting = { ...healthOf().camera, state: 'waiting' as const, fault: cameraFault };
  say(5, 'porch/health', healthOf({ state: 'degraded', camera: waiting }));
  const errors = [{ path: 'camera.fps', message: 'too many' }];
  say(6, 'porch/config/reported', reportedOf({ version: 3, state: 'rejected', errors }));
  say(7, 'porch/event', eventOf({ message: 'over\u001b[2J here' }));
  assert.deepEqual(lines, [
    'porch status online sightd 0.1.0 session one',
    'porch label balloon 83 %, before empty',
    'porch health ok',
    'porch health degraded: the camera was unplugged Plug it in again.',
    'porch config/reported version 3 rejected; camera.fps: too many',
    'porch event camera.back: over·[2J here',
  ]);
});

test('a broker that is gone is gone since it was lost, until it is back', () => {
  let state = initialWatch('title', at(0));
  const reason = fault('mqtt.unreachable', 'nobody there', 'Look.');
  const step = (seconds: number, link: Parameters<typeof stepWatch>[1]): void => {
    state = stepWatch(state, link, at(seconds));
  };
  const waiting = { kind: 'waiting', attempt: 1, fault: reason } as const;
  step(1, { kind: 'broker', state: { kind: 'online', since: micros(0), protocol: 5 } });
  step(2, { kind: 'broker', state: waiting });
  step(3, { kind: 'broker', state: { kind: 'connecting', attempt: 1 } });
  step(9, { kind: 'broker', state: waiting });
  assert.deepEqual(state.broker, { kind: 'gone', since: 2000, reason: 'nobody there' });
  step(9, { kind: 'trouble', reason });
  assert.equal(state.refusal, 'nobody there. Look.');
  step(10, { kind: 'broker', state: { kind: 'online', since: micros(0), protocol: 5 } });
  assert.deepEqual(state.broker, { kind: 'online' });
  assert.equal(state.refusal, undefined);
});
