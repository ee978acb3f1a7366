import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FileCalls } from '../../../src/daemon/atomic-file.ts';
import { openRemoteStore } from '../../../src/daemon/remote-store.ts';
import { type Kept, nothingKept } from '../../../src/daemon/trial.ts';
import { temporaryFolder } from '../../support/data.ts';

const keptOf = (version: number): Kept => ({
  good: { version, layer: { camera: { fps: version } } },
  highest: version + 1,
  failed: { version: version + 1, errors: [{ path: '', message: 'it did not do' }] },
});

/** Calls that reach the disk until the power goes, before the call of this number. */
function callsUntil(cut: number): { calls: FileCalls; made: () => number } {
  let made = 0;
  const limited =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      if (made === cut) throw new Error('the power is gone');
      made += 1;
      return call(...args);
    };
  const calls = {
    mkdirSync: limited(fs.mkdirSync),
    openSync: limited(fs.openSync),
    // Half of it: a write may be cut short at any byte.
    writeSync: limited((file: number, bytes: Uint8Array, from: number) =>
      fs.writeSync(file, bytes, from, Math.ceil((bytes.length - from) / 2)),
    ),
    fsyncSync: limited(fs.fsyncSync),
    closeSync: limited(fs.closeSync),
    renameSync: limited(fs.renameSync),
    rmSync: limited(fs.rmSync),
  } as unknown as FileCalls;
  return { calls, made: () => made };
}

test('what is kept and marked is found again, also by another process', () => {
  const folder = temporaryFolder();
  const store = openRemoteStore(folder);
  assert.deepEqual(store.read(), { kept: nothingKept, marked: undefined, faults: [] });
  assert.ok(store.keep(keptOf(3)).ok);
  assert.ok(store.mark({ version: 5, layer: {} }).ok);
  const again = openRemoteStore(folder);
  assert.deepEqual(again.read(), {
    kept: keptOf(3),
    marked: { version: 5, layer: {} },
    faults: [],
  });
  assert.ok(again.clear().ok);
  assert.ok(again.clear().ok, 'what is gone may be cleared again');
  assert.equal(store.read().marked, undefined);
});

test('only the daemon may read its state', () => {
  const folder = temporaryFolder();
  openRemoteStore(folder).keep(keptOf(3));
  const { mode } = fs.statSync(join(folder, 'config', 'last-known-good.json'));
  assert.equal(mode & 0o777, 0o600);
});

test('wherever the power is cut while something is kept, the old or the new is found whole', () => {
  let isWhole = false;
  for (let cut = 0; !isWhole; cut += 1) {
    assert.ok(cut < 100, 'it ends');
    const folder = temporaryFolder();
    assert.ok(openRemoteStore(folder).keep(keptOf(3)).ok);
    const { calls } = callsUntil(cut);
    isWhole = openRemoteStore(folder, calls).keep(keptOf(7)).ok;
    const { kept, faults } = openRemoteStore(folder).read();
    assert.deepEqual(faults, [], `cut before call ${cut}`);
    assert.deepEqual(kept, kept.good.version === 7 ? keptOf(7) : keptOf(3));
    if (isWhole) assert.equal(kept.good.version, 7);
    assert.ok(openRemoteStore(folder).keep(keptOf(9)).ok, 'what was left over is in nobody’s way');
    assert.equal(openRemoteStore(folder).read().kept.good.version, 9);
  }
});

test('wherever the power is cut the first time, there is nothing or the whole', () => {
  let isWhole = false;
  for (let cut = 0; !isWhole; cut += 1) {
    const folder = join(temporaryFolder(), 'a', 'b');
    isWhole = openRemoteStore(folder, callsUntil(cut).calls).mark({ version: 1, layer: {} }).ok;
    const { marked, faults } = openRemoteStore(folder).read();
    assert.deepEqual(faults, []);
    if (isWhole) assert.equal(marked?.version, 1);
  }
});

test('the file is on the disk before it takes its name, and the name before the call returns', () => {
  const folder = temporaryFolder();
  fs.mkdirSync(join(folder, 'config'));
  const order: string[] = [];
  const calls = Object.fromEntries(
    (
      [
        'mkdirSync',
        'openSync',
        'writeSync',
        'fsyncSync',
        'closeSync',
        'renameSync',
        'rmSync',
      ] as const
    ).map((name) => [
      name,
      (...args: unknown[]) => {
        order.push(name.replace('Sync', ''));
        return (fs[name] as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as FileCalls;
  openRemoteStore(folder, calls).keep(keptOf(1));
  assert.deepEqual(order, ['open', 'write', 'fsync', 'close', 'rename', 'open', 'fsync', 'close']);
});

test('a broken file is set aside and said, and the device goes on without it', () => {
  const breaks: readonly [what: string, change: (text: string) => string][] = [
    ['cut', (text) => text.slice(0, text.length >> 1)],
    ['empty', () => ''],
    ['zeroed', (text) => '\0'.repeat(text.length)],
    ['changed', (text) => text.replace('"fps":3', '"fps":4')],
    ['another shape', () => '{"sha256":"","content":{}}'],
    ['no JSON', () => 'fps: 3'],
  ];
  for (const [what, change] of breaks) {
    const folder = temporaryFolder();
    const store = openRemoteStore(folder);
    store.keep(keptOf(3));
    const path = join(folder, 'config', 'last-known-good.json');
    fs.writeFileSync(path, change(fs.readFileSync(path, 'utf8')));
    const { kept, faults } = store.read();
    assert.deepEqual(kept, nothingKept, what);
    assert.equal(faults.length, 1, what);
    assert.equal(faults[0]?.code, 'state.broken');
    assert.match(
      faults[0]?.message ?? '',
      /last-known-good\.json cannot be used: .*\.broken$/,
      what,
    );
    assert.ok(fs.existsSync(`${path}.broken`), what);
    assert.deepEqual(store.read().faults, [], 'said once');
    assert.ok(store.keep(keptOf(4)).ok);
  }
});

test('a folder that cannot be written is a fault, at once', () => {
  const store = openRemoteStore('/proc/sightd');
  const outcome = store.mark({ version: 1, layer: {} });
  assert.ok(!outcome.ok);
  assert.equal(outcome.fault.code, 'state.unwritable');
  assert.equal(store.trouble(), outcome.fault);
  // There is nothing to clear, so that nothing was written.
  assert.ok(store.clear().ok);
  assert.equal(store.trouble(), outcome.fault);
});

test('a folder that can be written again has no trouble', () => {
  const folder = temporaryFolder();
  const { calls } = callsUntil(0);
  let isBroken = true;
  const mixed = new Proxy(fs, {
    get: (_fs, name) => (isBroken ? calls : fs)[name as keyof FileCalls],
  }) as FileCalls;
  const store = openRemoteStore(folder, mixed);
  assert.ok(!store.keep(keptOf(3)).ok);
  assert.equal(store.trouble()?.code, 'state.unwritable');
  isBroken = false;
  assert.ok(store.keep(keptOf(3)).ok);
  assert.equal(store.trouble(), undefined);
});
