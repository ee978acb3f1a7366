import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros, millis } from '../../../src/base/time.ts';
import {
  type Notification,
  notificationText,
  watchdogMicros,
} from '../../../src/systemd/notification.ts';

const rows: readonly [Notification, string][] = [
  [{ kind: 'ready', status: 'watching porch' }, 'READY=1\nSTATUS=watching porch'],
  [{ kind: 'status', text: '25 frames a second' }, 'STATUS=25 frames a second'],
  [{ kind: 'status', text: '' }, 'STATUS='],
  [{ kind: 'extend-timeout', by: millis(1500.0004) }, 'EXTEND_TIMEOUT_USEC=1500000'],
  [{ kind: 'extend-timeout', by: millis(-1) }, 'EXTEND_TIMEOUT_USEC=0'],
  [{ kind: 'reloading', at: micros(12_345_678) }, 'RELOADING=1\nMONOTONIC_USEC=12345678'],
  [{ kind: 'stopping', status: 'stopping' }, 'STOPPING=1\nSTATUS=stopping'],
  [{ kind: 'keep-alive' }, 'WATCHDOG=1'],
];

for (const [notification, text] of rows) {
  test(`${JSON.stringify(notification)} is ${JSON.stringify(text)}`, () =>
    assert.equal(notificationText(notification), text));
}

const statusOf = (text: string): string =>
  notificationText({ kind: 'status', text }).slice('STATUS='.length);

test('a status cannot say anything else to systemd: it is one line', () => {
  const text = 'camera "a\nWATCHDOG=trigger\r\nb\0c\u2028d\x1b[31m" left\n';
  assert.equal(statusOf(text), 'camera "a WATCHDOG=trigger b c d [31m" left');
});

test('a status is cut where systemd would still take it, and stays UTF-8', () => {
  assert.equal(statusOf('x'.repeat(250)), 'x'.repeat(250));
  assert.equal(statusOf('x'.repeat(251)), `${'x'.repeat(249)}…`);
  // The 249th and 250th are the halves of one character.
  const cut = statusOf(`${'x'.repeat(248)}${'🎥'.repeat(9)}`);
  assert.equal(cut, `${'x'.repeat(248)}…`);
  assert.ok(Buffer.byteLength(statusOf('€'.repeat(9999))) < 1024);
});

test('the watchdog is this process’s only when systemd says so', () => {
  const micros = (environment: NodeJS.ProcessEnv) => watchdogMicros(environment, 42);
  assert.equal(micros({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' }), 30_000_000);
  assert.equal(micros({ WATCHDOG_USEC: '30000000' }), 30_000_000);
  assert.equal(micros({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '43' }), undefined);
  assert.equal(micros({ WATCHDOG_PID: '42' }), undefined);
  for (const text of ['', '0', '-1', '1e6', '30s', '18446744073709551615']) {
    assert.equal(micros({ WATCHDOG_USEC: text }), undefined, text);
  }
});
