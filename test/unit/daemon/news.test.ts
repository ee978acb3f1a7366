import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import type { Log } from '../../../src/base/log.ts';
import { createWallClock } from '../../../src/base/time.ts';
import { configSchema } from '../../../src/contract/config.ts';
import {
  type EventMessage,
  eventCodes,
  eventMessageSchema,
} from '../../../src/contract/messages.ts';
import { openNews } from '../../../src/daemon/news.ts';
import { createManualClock } from '../../support/manual-clock.ts';

async function open(messagesMax = 1000) {
  const lines: string[] = [];
  const say = (_fields: object, sentence: string): number => lines.push(sentence);
  const log: Log = { debug: () => {}, info: say, warn: say, error: say, setLevel: () => {} };
  const clock = createManualClock();
  const opened = await openNews({
    config: configSchema.parse({ outbox: { messagesMax } }),
    log,
    stateDir: undefined,
    topic: 'sightd/porch/event',
    session: 'session',
    clock,
    wallClock: createWallClock(clock, () => Date.UTC(2026, 0, 1)),
  });
  const messages = (): EventMessage[] =>
    opened.outbox
      .oldest(1000)
      .filter(({ kind }) => kind === 'event')
      .map(({ payload }) => eventMessageSchema.parse(JSON.parse(payload)));
  return { ...opened, lines, clock, messages, codes: () => messages().map(({ code }) => code) };
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

test('a thread that is started again is an event with its name', async () => {
  const { news, messages } = await open();
  news.restart('inference 2', fault('inference.died', 'it died', 'Report it.'));
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
