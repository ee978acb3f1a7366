import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { unixAddressOf } from '../../src/base/datagram.ts';
import { millis, systemClock } from '../../src/base/time.ts';
import { type Notifier, openNotifier } from '../../src/systemd/notifier.ts';
import { openNotifySocket } from '../support/notify-socket.ts';

const open = (name: string | undefined): Notifier =>
  openNotifier({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '30000000' }, systemClock);

function sayAll(notifier: Notifier): void {
  notifier.extendTimeout(millis(5000));
  notifier.ready('watching');
  notifier.reload(() => 'reloaded');
  notifier.status('busy');
  notifier.keepAlive();
  notifier.stopping('bye');
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

for (const kind of ['path', 'abstract'] as const) {
  test(`systemd hears each message at its ${kind} socket, in order`, () => {
    using socket = openNotifySocket(kind);
    using notifier = open(socket.name);
    const before = systemClock.now();
    sayAll(notifier);
    const messages = socket.received();
    const at = Number(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(messages[2] ?? '')?.[1]);
    assert.ok(at >= before && at <= systemClock.now(), String(at));
    assert.deepEqual(messages.toSpliced(2, 1), [
      'EXTEND_TIMEOUT_USEC=5000000',
      'READY=1\nSTATUS=watching',
      'READY=1\nSTATUS=reloaded',
      'STATUS=busy',
      'WATCHDOG=1',
      'STOPPING=1\nSTATUS=bye',
    ]);
    assert.equal(notifier.watchdog, 30_000);
  });

  test(`a reload before the start does not end it at its ${kind} socket`, () => {
    using socket = openNotifySocket(kind);
    using notifier = open(socket.name);
    notifier.reload(() => 'reloaded');
    notifier.ready('watching');
    assert.deepEqual(socket.received(), ['STATUS=reloaded', 'READY=1\nSTATUS=watching']);
  });

  test(`nothing happens when nobody listens any more at the ${kind} socket`, () => {
    using socket = openNotifySocket(kind);
    using notifier = open(socket.name);
    socket.close();
    sayAll(notifier);
    sayAll(notifier);
  });
}

test('what a full queue did not take is said before what comes next, except keep-alives', () => {
  using socket = openNotifySocket('abstract');
  using notifier = open(socket.name);
  // The kernel takes net.unix.max_dgram_qlen messages: 10, or 512 where systemd runs.
  for (let count = 0; count < 2000; count += 1) notifier.keepAlive();
  notifier.ready('first');
  notifier.status('second');
  notifier.keepAlive();
  notifier.status('third');
  const full = socket.received();
  assert.ok(full.length > 0 && full.length < 2000, String(full.length));
  assert.ok(full.every((message) => message === 'WATCHDOG=1'));
  notifier.keepAlive();
  assert.deepEqual(socket.received(), ['READY=1\nSTATUS=first', 'STATUS=third', 'WATCHDOG=1']);
  notifier.keepAlive();
  assert.deepEqual(socket.received(), ['WATCHDOG=1']);
});

test('saying something takes no time worth mentioning, whether or not somebody listens', () => {
  using socket = openNotifySocket('abstract');
  for (const name of [socket.name, '@sightd-test/nobody', undefined]) {
    using notifier = open(name);
    const start = performance.now();
    for (let count = 0; count < 5000; count += 1) notifier.keepAlive();
    const each = (performance.now() - start) / 5000;
    assert.ok(each < 1, `${each} ms`);
  }
});

test('without a socket, or with one that cannot be meant, nothing happens', () => {
  const names = [undefined, '', 'relative/path', '/', '@', 'vsock:2:9999', `/${'x'.repeat(200)}`];
  for (const name of names) {
    using notifier = open(name);
    sayAll(notifier);
  }
  assert.equal(openNotifier({}, systemClock).watchdog, undefined);
});

test('after its end it says nothing, and holds no file', () => {
  using socket = openNotifySocket('abstract');
  const before = descriptors();
  const notifier = open(socket.name);
  assert.equal(descriptors(), before + 1);
  notifier[Symbol.dispose]();
  assert.equal(descriptors(), before);
  sayAll(notifier);
  notifier[Symbol.dispose]();
  assert.deepEqual(socket.received(), []);
});

test('an address ends as unix(7) has it: a path with a zero, an abstract name with its last byte', () => {
  assert.deepEqual([...(unixAddressOf('/a') ?? [])], [1, 0, 47, 97, 0]);
  assert.deepEqual([...(unixAddressOf('@a') ?? [])], [1, 0, 0, 97]);
  assert.equal(unixAddressOf(`/${'x'.repeat(106)}`)?.length, 110);
  assert.equal(unixAddressOf(`/${'x'.repeat(107)}`), undefined);
  assert.equal(unixAddressOf(`@${'x'.repeat(107)}`)?.length, 110);
  assert.equal(unixAddressOf(`@${'x'.repeat(108)}`), undefined);
});
