import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fault, fault } from '../../../src/base/fault.ts';
import {
  createDiskWatch,
  type DiskReading,
  type DiskState,
  diskFaultOf,
  initialDisk,
  isOfBrokenDisk,
  readDisk,
  stepDisk,
} from '../../../src/daemon/disk-watch.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const folder = '/var/lib/sightd';

type Room = Extract<DiskReading, { readonly kind: 'room' }>;
const roomOf = (room: Partial<Room>): Room => ({
  kind: 'room',
  freeBytes: gibibyte,
  totalBytes: 8 * gibibyte,
  freeFiles: 100_000,
  isReadOnly: false,
  ...room,
});
const after = (...readings: readonly DiskReading[]): DiskState =>
  readings.reduce(stepDisk, initialDisk);
const codeOf = (state: DiskState, troubles: readonly Fault[] = []): string | undefined =>
  diskFaultOf(state, folder, troubles)?.code;

const rooms: readonly [what: string, room: Partial<Room>, isFull: boolean][] = [
  ['plenty', {}, false],
  ['1 %', { freeBytes: 0.01 * 8 * gibibyte }, false],
  ['less than 1 %', { freeBytes: 0.0099 * 8 * gibibyte }, true],
  ['16 MiB of a small disk', { freeBytes: 16 * mebibyte, totalBytes: 64 * mebibyte }, false],
  ['less than that', { freeBytes: 16 * mebibyte - 1, totalBytes: 64 * mebibyte }, true],
  ['nothing', { freeBytes: 0 }, true],
  ['a disk of no size', { freeBytes: 0, totalBytes: 0 }, true],
  ['2 GiB of a large disk', { freeBytes: 2 * gibibyte, totalBytes: 2000 * gibibyte }, false],
  ['less than 1 GiB of it', { freeBytes: gibibyte - 1, totalBytes: 2000 * gibibyte }, true],
  ['no files', { freeFiles: 31 }, true],
  ['few files', { freeFiles: 32 }, false],
  ['files without a limit', { freeFiles: undefined }, false],
];
for (const [what, room, isFull] of rooms) {
  test(`a disk with ${what} free is ${isFull ? '' : 'not '}full`, () => {
    assert.equal(codeOf(after(roomOf(room))), isFull ? 'disk.full' : undefined);
  });
}

test('a full disk is so until there is a quarter more room than it needs', () => {
  const of = (mebibytes: number): DiskReading =>
    roomOf({ freeBytes: mebibytes * mebibyte, totalBytes: 100 * mebibyte });
  assert.equal(codeOf(after(of(16))), undefined);
  assert.equal(codeOf(after(of(15), of(16), of(19.9))), 'disk.full');
  assert.equal(codeOf(after(of(15), of(20))), undefined);
  assert.equal(codeOf(after(of(15), of(20), of(16))), undefined);
  const { message } = diskFaultOf(after(of(7.9)), folder, []) ?? {};
  assert.equal(message, 'only 7 MiB are free for /var/lib/sightd');
  const scarce = diskFaultOf(after(roomOf({ freeFiles: 3 })), folder, []);
  assert.equal(scarce?.message, 'only 3 files are free for /var/lib/sightd');
});

test('a disk that turns read-only, or away, is failing', () => {
  assert.equal(codeOf(after(roomOf({ isReadOnly: true }))), 'disk.failing');
  assert.equal(codeOf(after(roomOf({ isReadOnly: true, freeBytes: 0 }))), 'disk.failing');
  assert.equal(codeOf(after(roomOf({}), { kind: 'failed', code: 'EIO' })), 'disk.failing');
  assert.equal(codeOf(after({ kind: 'failed', code: 'EIO' })), 'disk.failing');
  assert.equal(codeOf(after(roomOf({}), { kind: 'failed', code: 'ENOENT' })), 'disk.failing');
  assert.equal(codeOf(after({ kind: 'failed', code: 'EIO' }, roomOf({}))), undefined);
});

test('a folder that was never there, or is not ours, is the matter of its stores', () => {
  for (const code of ['ENOENT', 'ENOTDIR', 'EACCES']) {
    assert.equal(codeOf(after({ kind: 'failed', code })), undefined, code);
  }
  assert.equal(codeOf(initialDisk), undefined);
});

const troubles: readonly [message: string, isBroken: boolean][] = [
  ['cannot keep the outbox in /x: IO error: /x/000003.log: Input/output error', true],
  ['cannot keep the outbox in /x: IO error: /x/LOCK: Read-only file system', true],
  ['cannot write to /x: EIO: i/o error, fsync', true],
  ['cannot write to /x: EROFS: read-only file system, open', true],
  ['cannot write to /x: EUCLEAN: structure needs cleaning, open', true],
  ['cannot write to /x: ENOSPC: no space left on device, write', false],
  ['cannot write to /x: EACCES: permission denied, open', false],
  ['the outbox in /x is in use by another process', false],
  ['no space is left for the outbox in /x', false],
  ['cannot keep the outbox in /EIOU: not a directory', false],
];
for (const [message, isBroken] of troubles) {
  test(`of a store's trouble the disk is ${isBroken ? '' : 'not '}the reason: ${message}`, () => {
    const trouble = fault('outbox.unwritable', message, 'Mend it.');
    assert.equal(isOfBrokenDisk(trouble), isBroken);
    const state = after(roomOf({}));
    assert.equal(codeOf(state, [trouble]), isBroken ? 'disk.failing' : undefined);
  });
}

/** A disk that answers when it is told to. */
function createDisk() {
  const clock = createManualClock();
  const asked: ((reading: DiskReading) => void)[] = [];
  const watch = createDiskWatch(folder, () => new Promise((resolve) => asked.push(resolve)));
  return {
    clock,
    asked,
    look: (found: readonly Fault[] = []) => watch.look(clock.now(), found),
    hurry: watch.hurry,
    answer: async (reading: DiskReading) => {
      asked.at(-1)?.(reading);
      await settled();
    },
  };
}

test('a disk is asked every 30 s, and not while it has not answered', async () => {
  const { clock, asked, look, answer } = createDisk();
  for (let second = 0; second < 45; second += 1) {
    assert.equal(look(), undefined);
    clock.advance(1000);
  }
  assert.equal(asked.length, 1);
  await answer(roomOf({}));
  look();
  assert.equal(asked.length, 2);
  await answer(roomOf({ freeBytes: 0 }));
  assert.equal(look()?.code, 'disk.full');
  clock.advance(29_999);
  look();
  assert.equal(asked.length, 2);
  clock.advance(1);
  look();
  assert.equal(asked.length, 3);
});

test('a disk that does not answer for a minute is failing until it does', async () => {
  const { clock, asked, look, answer } = createDisk();
  look();
  clock.advance(59_999);
  assert.equal(look(), undefined);
  clock.advance(1);
  assert.match(String(look()?.message), /does not answer/);
  clock.advance(3_600_000);
  assert.equal(look()?.code, 'disk.failing');
  assert.equal(asked.length, 1, 'it holds one thread, not more');
  await answer(roomOf({}));
  assert.equal(look(), undefined);
});

test('what a store has just met is looked at at once, and once', async () => {
  const { clock, asked, look, answer, hurry } = createDisk();
  look();
  await answer(roomOf({}));
  const full = fault('outbox.disk-full', 'no space is left for the outbox in /x', 'Free some.');
  clock.advance(1000);
  look([full]);
  assert.equal(asked.length, 2);
  await answer(roomOf({ freeBytes: 0 }));
  assert.equal(look([full])?.code, 'disk.full');
  assert.equal(asked.length, 2);
  hurry();
  look([full]);
  assert.equal(asked.length, 3);
});

test('the disk that this runs on has room, and one that is not there is named', async () => {
  const reading = await readDisk('/');
  assert.ok(reading.kind === 'room' && reading.totalBytes >= reading.freeBytes);
  assert.deepEqual(await readDisk('/nowhere/at/all'), { kind: 'failed', code: 'ENOENT' });
});
