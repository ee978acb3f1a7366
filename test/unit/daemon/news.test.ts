import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import type { Log } from '../../../src/base/log.ts';
import { createWallClock } from '../../../src/base/time.ts';
import { configSchema } from '../../../src/contract/config.ts';
import { eventCodes } from '../../../src/contract/event-codes.ts';
import { type EventMessage, eventMessageSchema } from '../../../src/contract/messages.ts';
import { openNews } from '../../../src/daemon/news.ts';
import { createManualClock } from '../../support/manual-clock.ts';

async function open(messagesMax = 1000) {
  const wall = { ahead: Date.UTC(2026, 0, 1) - 1000, isSynced: true };
  const lines: string[] = [];
  const say = (_fields: object, sentence: string): number => lines.push(sentence);
  const log: Log = { debug: () => {}, info: say, warn: say, error: say, setLevel: () => {} };
  const clock = createManualClock();
  const wallClock = createWallClock(
    clock,
    () => wall.ahead + clock.now() / 1000,
    () => wall.isSynced,
  );
  const opened = await openNews({
    config: configSchema.parse({ outbox: { messagesMax } }),
    log,
    stateDir: undefined,
    started: { message: 'sightd started', data: { version: '1' } },
    topic: 'sightd/porch/event',
    session: 'session',
    clock,
    wallClock,
  });
  const messages = (): EventMessage[] =>
    opened.outbox
      .oldest(1000)
      .filter(({ kind }) => kind === 'event')
      .map(({ payload }) => eventMessageSchema.parse(JSON.parse(payload)));
  return {
    ...opened,
    lines,
    clock,
    wall,
    wallClock,
    messages,
    codes: () => messages().map(({ code }) => code),
  };
}

const unplugged = fault('camera.unplugged', 'the camera was unplugged', 'Plug it in.');
const busy = fault('camera.busy', 'the camera is busy', 'End the other program.');
const source = { name: 'a camera' } as never;

test('the start is an event, with time, session and a rising id', async () => {
  const { messages, events, clock } = await open();
  clock.advance(1500);
  events.tell('daemon.stopping', 'sightd is stopping: asked', { reason: 'asked' });
  const [started, stopping] = messages();
  assert.equal(started?.code, 'daemon.started');
  assert.equal(started?.session, 'session');
  assert.deepEqual(stopping, {
    session: 'session',
    id: (started?.id ?? 0) + 1,
    at: '2026-01-01T00:00:01.500Z',
    clockSynced: true,
    code: 'daemon.stopping',
    message: 'sightd is stopping: asked',
    data: { reason: 'asked' },
  });
});

test('a camera that is waited for is told once per change of the reason, and when it is back', async () => {
  const { news, codes, messages } = await open();
  news.camera({ kind: 'opening' });
  news.camera({ kind: 'streaming', source });
  for (const reason of [unplugged, unplugged, busy, busy, unplugged]) {
    news.camera({ kind: 'waiting', fault: reason });
  }
  news.camera({ kind: 'streaming', source });
  news.camera({ kind: 'streaming', source });
  assert.deepEqual(codes(), [
    'daemon.started',
    'camera.unplugged',
    'camera.busy',
    'camera.unplugged',
    'camera.back',
  ]);
  assert.equal(messages()[1]?.component, 'camera');
  assert.equal(messages()[1]?.mend, 'Plug it in.');
});

test('a broker that was lost is told of when it is back, with how long it was away', async () => {
  const { news, clock, messages, codes } = await open();
  const away = fault('mqtt.unreachable', 'no connection', 'Check it.');
  news.link({ kind: 'connecting', attempt: 0 });
  news.link({ kind: 'waiting', attempt: 1, fault: away });
  news.link({ kind: 'online', since: clock.now(), protocol: 5 });
  assert.deepEqual(codes(), ['daemon.started'], 'a late first connection is none');
  clock.advance(5000);
  news.link({ kind: 'waiting', attempt: 1, fault: away });
  clock.advance(61_000);
  news.link({ kind: 'connecting', attempt: 1 });
  clock.advance(400);
  news.link({ kind: 'online', since: clock.now(), protocol: 5 });
  assert.equal(messages().at(-1)?.code, 'mqtt.reconnected');
  assert.deepEqual(messages().at(-1)?.data, { goneSeconds: 61.4 });
});

test('a thread that dies is an event with its name', async () => {
  const { news, messages } = await open();
  news.died('inference 2', fault('inference.died', 'it died', 'Report it.'));
  assert.deepEqual(
    [messages().at(-1)?.code, messages().at(-1)?.component],
    ['inference.died', 'inference 2'],
  );
});

test('messages that were given up are one event with their number, once there is room', async () => {
  const { outbox, codes, messages, lines } = await open(10);
  for (let count = 0; count < 50; count += 1) outbox.offer('label', 'label', (id) => `${id}`, true);
  const { lost, waiting } = outbox.figures();
  assert.deepEqual([lost, waiting], [41, 10]);
  assert.ok(!codes().includes('outbox.overflow'));
  for (const { id } of outbox.oldest(5)) outbox.remove(id);
  const overflow = messages().at(-1);
  assert.equal(overflow?.code, 'outbox.overflow');
  assert.equal(overflow?.data?.['lost'], 41);
  assert.equal(overflow?.data?.['labels'], 41);
  assert.ok(lines.includes('messages were given up: the outbox was full'));
  assert.ok('outbox.overflow' in eventCodes);
});

test('a clock that was moved is told of, with how far, and otherwise than one that became right', async () => {
  const { wall, wallClock, messages, lines } = await open();
  wall.ahead += 3_600_000;
  wall.isSynced = false;
  wallClock.look();
  wall.ahead -= 3_600_250;
  wall.isSynced = true;
  wallClock.look();
  const [, stepped, synced] = messages();
  assert.equal(stepped?.code, 'clock.stepped');
  assert.deepEqual(stepped?.data, { stepSeconds: 3600 });
  assert.deepEqual([stepped?.at, stepped?.clockSynced], ['2026-01-01T01:00:00.000Z', false]);
  assert.equal(synced?.code, 'clock.synced');
  assert.deepEqual(synced?.data, { stepSeconds: -3600.25 });
  assert.deepEqual([synced?.at, synced?.clockSynced], ['2025-12-31T23:59:59.750Z', true]);
  assert.ok(lines.includes('the clock was moved; times follow it'));
});

test('a clock that is moved without end is told of now and then, with all that it moved', async () => {
  const { wall, wallClock, messages, clock } = await open();
  for (let count = 0; count < 600; count += 1) {
    clock.advance(1000);
    wall.ahead += 1000;
    wallClock.look();
  }
  const told = messages().filter(({ code }) => code === 'clock.stepped');
  assert.ok(told.length >= 19 && told.length <= 21, `${told.length}`);
  const moved = told.reduce((sum, { data }) => sum + Number(data?.['stepSeconds']), 0);
  assert.ok(moved > 530 && moved <= 600, `${moved}`);
});

test('ids rise whatever becomes of the clock', async () => {
  const { wall, wallClock, messages, events, clock } = await open();
  for (const step of [-3_600_000, 365 * 86_400_000, -400 * 86_400_000]) {
    wall.ahead += step;
    clock.advance(1000);
    wallClock.look();
    events.tell('daemon.stopping', 'once more', {});
  }
  const ids = messages().map(({ id }) => id);
  assert.equal(ids.length, 7);
  assert.deepEqual(
    ids,
    ids.map((_, at) => (ids[0] ?? 0) + at),
  );
});

test('heat and what else the device is short of are events, with their figures', async () => {
  const { news, messages } = await open();
  const full = fault('disk.full', 'only 3 MiB are free for /x', 'Free some.');
  news.surroundings({ kind: 'limited', celsius: 76.2, fpsMax: 7.5 });
  news.surroundings({ kind: 'limited', celsius: undefined, fpsMax: 3.8 });
  news.surroundings({ kind: 'restored', celsius: 69 });
  news.surroundings({ kind: 'worse', fault: full });
  news.surroundings({ kind: 'better', fault: full });
  assert.deepEqual(
    messages()
      .slice(1)
      .map(({ code, component, data, mend }) => [code, component, data, mend]),
    [
      ['power.limited', undefined, { celsius: 76.2, fpsMax: 7.5 }, undefined],
      ['power.limited', undefined, { fpsMax: 3.8 }, undefined],
      ['power.restored', undefined, { celsius: 69 }, undefined],
      ['disk.full', 'disk', undefined, 'Free some.'],
    ],
  );
});
