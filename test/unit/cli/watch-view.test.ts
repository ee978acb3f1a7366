import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros, millis } from '../../../src/base/time.ts';
import { readWatched } from '../../../src/cli/watch/message.ts';
import { initialWatch, stepWatch, type WatchState } from '../../../src/cli/watch/state.ts';
import { cellsOf, cut, fit, plainOf, printable, wrapped } from '../../../src/cli/watch/text.ts';
import { renderWatch } from '../../../src/cli/watch/view.ts';
import {
  cameraFault,
  eventOf,
  healthOf,
  labelOf,
  reportedOf,
  resultOf,
  statusOf,
} from '../../support/said.ts';

const start = Date.UTC(2026, 4, 4, 14, 17, 1);

function stateAfter(said: readonly (readonly [topic: string, payload: unknown])[]): WatchState {
  const online = { kind: 'online', since: micros(0), protocol: 5 } as const;
  const connected = stepWatch(
    initialWatch('mqtt://localhost:1883 sightd/+', millis(start)),
    { kind: 'broker', state: online },
    millis(start),
  );
  return said.reduce<WatchState>((state, [topic, payload]) => {
    const bytes = Buffer.from(JSON.stringify(payload));
    const message = { topic: `sightd/${topic}`, payload: bytes, retained: false, properties: {} };
    const watched = readWatched('sightd', message);
    assert.ok(watched !== undefined);
    return stepWatch(state, { kind: 'message', watched }, millis(start));
  }, connected);
}

const linesOf = (state: WatchState, columns: number, rows: number): string[] =>
  renderWatch(state, columns, rows, new Date(start).toISOString()).map(plainOf);

const waitingCamera = { ...healthOf().camera, state: 'waiting' as const, fault: cameraFault };
const porch = [
  ['porch/status', statusOf()],
  ['porch/health', healthOf()],
  ['porch/label', labelOf()],
  ['porch/result', resultOf()],
  ['porch/event', eventOf()],
] as const;
const garden = [
  ['garden/status', statusOf()],
  ['garden/health', healthOf({ state: 'degraded', camera: waitingCamera })],
] as const;

test('on 100 columns two devices are whole: row, trouble with its mend, figures, events', () => {
  const said = [
    ...porch,
    ...garden,
    ['porch/config/reported', reportedOf({ version: 7 })] as const,
  ];
  assert.deepEqual(linesOf(stateAfter(said), 100, 30), [
    'sightd watch  2 devices, 2 online, 1 in trouble  14:17:01 UTC  mqtt://localhost:1883 sightd/+',
    '  DEVICE  STATE    LABEL    NEWEST   CONFIDENCE           RES/S    FPS  HEALTH     MEMORY  RESTARTS',
    '● garden  online   –        –        –                 –    0.0   29.9  degraded    74 MB         1',
    '    waiting for the camera: the camera was unplugged',
    '      Plug it in again.',
    '    latency 0.9 ms, p99 2.9 · 2 reopens, 1 restart · 74 MB, 12 % of a core · up 90 min · scene',
    '    640×480 at 30 fps · scene-visitors 1.0.0 · sightd 0.1.0',
    '',
    '● porch   online   balloon  balloon  ██████████··   83 %    0.0   29.9  ok          74 MB         1',
    '    latency 0.9 ms, p99 2.9 · 2 reopens, 1 restart · 74 MB, 12 % of a core · up 90 min · scene',
    '    640×480 at 30 fps · scene-visitors 1.0.0 · sightd 0.1.0',
    '    14:17:01  config version 7 applied',
    '    14:17:01  camera.back  the camera is back',
    '',
  ]);
});

test('no line is wider than the terminal, nor are there more than it has rows', () => {
  const said = [
    ...porch,
    ...garden,
    ['a-device-with-a-very-long-name-of-more-than-forty-letters/status', statusOf()] as const,
    ['日本/status', statusOf()] as const,
    ['日本/label', labelOf({ label: '🎈 風船 '.repeat(9) })] as const,
    ['日本/result', resultOf({ top: [{ label: '🎈', index: 0, score: 1 }] })] as const,
    ['odd/health', { broken: 'x'.repeat(300) }] as const,
  ];
  const state = stateAfter(said);
  for (let columns = 1; columns <= 200; columns += 3) {
    for (const rows of [1, 2, 3, 5, 8, 24, 60]) {
      const lines = linesOf(state, columns, rows);
      assert.ok(lines.length <= Math.max(0, rows - 1), `${lines.length} of ${rows}`);
      for (const line of lines) assert.ok(cellsOf(line) < Math.max(2, columns), line);
    }
  }
});

test('on 40 columns there are name, state and label', () => {
  const [, heading, row] = linesOf(stateAfter(porch), 40, 10);
  assert.match(heading ?? '', /DEVICE +STATE +LABEL/);
  assert.match(row ?? '', /● porch +online +balloon/);
});

test('of fifty devices as many are shown as fit, those in trouble first, and the rest counted', () => {
  const many = Array.from(
    { length: 50 },
    (_, number) => [`d${number}/status`, statusOf()] as const,
  );
  const trouble = ['d49/status', statusOf({ state: 'offline' })] as const;
  const lines = linesOf(stateAfter([...many, trouble]), 80, 24);
  assert.equal(lines.length, 23);
  assert.match(lines[0] ?? '', /50 devices, 49 online, 1 in trouble/);
  assert.match(lines[2] ?? '', /d49 +offline/);
  assert.match(lines[3] ?? '', /d0 +online/);
  assert.match(lines[22] ?? '', /… 30 more/);
  const whole = linesOf(stateAfter([...many, trouble]), 80, 54);
  assert.match(whole[2] ?? '', /d0 /);
  assert.match(whole[51] ?? '', /d49 /);
});

test('a device that is gone shows nothing as if it were now', () => {
  const offline = ['porch/status', statusOf({ state: 'offline' })] as const;
  const [, , row] = linesOf(stateAfter([...porch, offline]), 100, 5);
  assert.match(row ?? '', /● porch +offline +balloon +– +– +– +– +– +– +–/);
});

test('nothing yet, no broker, and a refused subscription are said', () => {
  const empty = stateAfter([]);
  assert.match(linesOf(empty, 100, 24).join('\n'), /No device has said anything yet/);
  const reason = fault('mqtt.subscription-refused', 'not\u001b[31m allowed', 'Ask.');
  const waiting = { kind: 'waiting', attempt: 1, fault: reason } as const;
  const gone = stepWatch(empty, { kind: 'broker', state: waiting }, millis(start));
  const later = stepWatch(gone, { kind: 'tick' }, millis(start + 12_000));
  assert.match(linesOf(later, 100, 24)[1] ?? '', /no broker for 12 s, trying again: not·\[31m/);
  const refused = stepWatch(empty, { kind: 'trouble', reason }, millis(start));
  assert.match(linesOf(refused, 100, 24)[1] ?? '', /allowed\. Ask\./);
});

test('text is measured in cells, and what would move the cursor is not let through', () => {
  assert.equal(cellsOf('日本 a\u0301🎈'), 8);
  assert.equal(cut('balloons', 5), 'ball…');
  assert.equal(cut('日本日本', 4), '日…');
  assert.equal(fit('日', 4), '日  ');
  assert.equal(fit('7', 3, 'right'), '  7');
  assert.equal(printable('a\u001b[2J\u202eb\n'), 'a·[2J·b·');
  assert.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
});
