import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Fault } from '../../src/base/fault.ts';
import { systemClock } from '../../src/base/time.ts';
import { configSchema } from '../../src/contract/config.ts';
import { probesOf } from '../../src/daemon/probes.ts';
import { openRemoteStore } from '../../src/daemon/remote-store.ts';
import { openSurroundings, type Surroundings } from '../../src/daemon/surroundings.ts';
import { nothingKept } from '../../src/daemon/trial.ts';
import { openOutbox } from '../../src/mqtt/outbox.ts';
import { diskOf } from '../../src/mqtt/outbox-store.ts';
import { temporaryFolder } from '../support/data.ts';
import { createManualClock } from '../support/manual-clock.ts';

/* The disk of the daemon's state, as it fills up and turns read-only; with the stores that lie there. */

const skip = process.getuid?.() === 0 ? false : 'needs root, to mount a file system';
const mebibyte = 1024 * 1024;

async function openOn(stateDir: string) {
  const troubles: Fault[] = [];
  const { outbox } = await openOutbox({
    disk: diskOf(join(stateDir, 'outbox')),
    messagesMax: 1000,
    bytesMax: 1_000_000,
    clock: systemClock,
    wallNow: () => 1000,
    onTrouble: (trouble) => troubles.push(trouble),
    onOverflow: () => {},
  });
  const remoteStore = openRemoteStore(stateDir);
  const clock = createManualClock();
  const watch = openSurroundings({
    wallClock: { look: () => {} },
    stateDir,
    config: () => configSchema.parse({}),
    outbox,
    remoteStore,
    probes: probesOf({ namesIn: () => [], textOf: () => undefined }),
  });
  /** Goes on until it finds this, by the daemon's clock within a minute. */
  const until = async (code: string | undefined): Promise<Surroundings> => {
    for (let second = 0; second < 60; second += 1) {
      const found = watch.look(clock.now());
      if (found.disk?.code === code && second > 0) return found;
      clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return assert.fail(`no ${code} within a minute`);
  };
  return { outbox, remoteStore, until, troubles };
}

const mount = (...args: string[]): string => execFileSync('mount', args, { encoding: 'utf8' });

function mountSmall(): { readonly path: string } & Disposable {
  const path = temporaryFolder();
  mount('-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', path);
  return { path, [Symbol.dispose]: () => execFileSync('umount', ['-l', path]) };
}

test('a disk that fills up, is emptied and turns read-only is noticed each time', {
  skip,
}, async () => {
  using disk = mountSmall();
  const { outbox, remoteStore, until } = await openOn(disk.path);
  await until(undefined);
  writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(30 * mebibyte));
  const full = await until('disk.full');
  assert.match(String(full.disk?.message), /^only \d MiB are free for \//);
  assert.equal(full.outbox, undefined, 'there is room for what is written now');
  rmSync(join(disk.path, 'ballast'));
  await until(undefined);

  // A disk with files that are open for writing turns read-only by an error only.
  await outbox.close();
  mount('-o', 'remount,ro', disk.path);
  const readOnly = await until('disk.failing');
  assert.match(String(readOnly.disk?.message), /can only be read/);
  const kept = remoteStore.keep(nothingKept);
  assert.ok(!kept.ok, kept.ok ? '' : kept.fault.message);
  mount('-o', 'remount,rw', disk.path);
  const stillFailing = await until('disk.failing');
  assert.match(
    String(stillFailing.disk?.message),
    /EROFS/,
    'what was not written is said for a while',
  );
  assert.ok(remoteStore.keep(nothingKept).ok);
  await until(undefined);
});

test('a disk without any room: the outbox says so, and the disk at once', { skip }, async () => {
  using disk = mountSmall();
  const { outbox, until, troubles } = await openOn(disk.path);
  await until(undefined);
  assert.throws(() => writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(50 * mebibyte)));
  for (let count = 0; count < 200 && troubles.length === 0; count += 1) {
    outbox.offer('event', 'topic', (id) => `${id} ${'x'.repeat(4000)}`, false);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const found = await until('disk.full');
  assert.match(String(found.disk?.message), /^less than 1 MiB is free/);
  assert.equal(found.outbox?.code, 'outbox.disk-full');
  await outbox.close();
});
