import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Fault } from '../../src/base/fault.ts';
import { createRandom, type Random } from '../../src/base/random.ts';
import { systemClock } from '../../src/base/time.ts';
import { type Outbox, openOutbox } from '../../src/mqtt/outbox.ts';
import { diskOf } from '../../src/mqtt/outbox-store.ts';
import { temporaryFolder } from '../support/data.ts';

/* The outbox on the real store, on real file systems. */

async function open(folder: string, onTrouble: (trouble: Fault) => void = () => {}) {
  return openOutbox({
    disk: diskOf(folder),
    messagesMax: 100_000,
    bytesMax: 100_000_000,
    clock: systemClock,
    wallNow: () => 1000,
    onTrouble,
    onOverflow: () => {},
  });
}

const offer = (outbox: Outbox, size = 200): number =>
  outbox.offer('event', 'sightd/porch/event', (id) => `${id} ${'x'.repeat(size)}`, false);

const allOf = (outbox: Outbox) => outbox.oldest(1_000_000);

test('what was stored is there after a restart, in order, and what was removed is not', async () => {
  const folder = join(temporaryFolder(), 'deep', 'outbox');
  const first = await open(folder);
  assert.deepEqual(first.troubles, []);
  const ids = Array.from({ length: 3000 }, () => offer(first.outbox));
  for (const id of ids.slice(0, 1000)) first.outbox.remove(id);
  const before = first.outbox.figures();
  await first.outbox.close();
  const second = await open(folder);
  assert.deepEqual(second.troubles, []);
  assert.deepEqual(second.outbox.figures(), before);
  const [oldest] = allOf(second.outbox);
  assert.deepEqual(
    allOf(second.outbox).map(({ id }) => id),
    ids.slice(1000),
  );
  assert.equal(oldest?.payload, `${ids[1000]} ${'x'.repeat(200)}`);
  await second.outbox.close();
});

test('a store in use by another process is left to it', async () => {
  const folder = join(temporaryFolder(), 'outbox');
  const first = await open(folder);
  const second = await open(folder);
  assert.equal(second.troubles[0]?.code, 'outbox.unwritable');
  assert.match(second.troubles[0]?.message ?? '', /in use by another process/);
  assert.equal(second.outbox.figures().stored, false);
  assert.deepEqual(readdirSync(dirname(folder)), ['outbox']);
  await first.outbox.close();
});

/** A store of several tables and a log. */
async function filled(): Promise<string> {
  const folder = join(temporaryFolder(), 'outbox');
  const { outbox } = await open(folder);
  for (let group = 0; group < 12; group += 1) {
    for (let count = 0; count < 40; count += 1) offer(outbox, 4000);
    await new Promise((resolve) => setTimeout(resolve, 110));
  }
  await outbox.close();
  return folder;
}

/** Cuts a file short, overwrites up to a page of it, or empties it. */
function damage(path: string, random: Random): void {
  const bytes = readFileSync(path);
  const at = Math.floor(random() * bytes.length);
  const kind = random();
  if (kind < 0.4) {
    writeFileSync(path, bytes.subarray(0, at));
  } else if (kind < 0.9) {
    for (let index = at; index < Math.min(bytes.length, at + 4096); index += 1) {
      bytes[index] = Math.floor(random() * 256);
    }
    writeFileSync(path, bytes);
  } else {
    writeFileSync(path, '');
  }
}

test('whatever part of a store is damaged, the daemon goes on: with the rest, or with a new one', async () => {
  const source = await filled();
  const seed = 11;
  const random = createRandom(seed);
  const outcomes = { whole: 0, setAside: 0, lessSaid: 0, cutShort: 0 };
  for (let round = 0; round < 60; round += 1) {
    const folder = join(temporaryFolder(), 'outbox');
    cpSync(source, folder, { recursive: true });
    const files = readdirSync(folder).filter((name) => !/^LO/.test(name));
    const name = files[Math.floor(random() * files.length)] ?? '';
    damage(join(folder, name), random);
    const { outbox, troubles } = await open(folder);
    assert.equal(outbox.figures().stored, true, `seed ${seed}, round ${round}, ${name}`);
    const isAside = readdirSync(dirname(folder)).some((one) => one.startsWith('outbox.broken-'));
    const { waiting } = outbox.figures();
    assert.equal(troubles.length > 0 && troubles[0]?.code !== 'outbox.corrupt', false);
    if (isAside) assert.equal(troubles.length, 1, `${name} is set aside and said so`);
    if (isAside) outcomes.setAside += 1;
    else if (troubles.length > 0) outcomes.lessSaid += 1;
    else if (waiting === 480) outcomes.whole += 1;
    // A log or manifest that was cut off looks as after a crash.
    else outcomes.cutShort += 1;
    if (!isAside && troubles.length === 0 && waiting < 480) {
      assert.match(name, /\.log$|^MANIFEST/, `${name} was damaged silently: ${waiting} left`);
    }
    offer(outbox);
    await outbox.close();
    const again = await open(folder);
    assert.equal(again.outbox.figures().waiting, waiting + 1, `${name}: and works`);
    await again.outbox.close();
  }
  assert.ok(outcomes.setAside > 20, JSON.stringify(outcomes));
});

test('one byte of a table that is not as it was written is found, wherever it is', async () => {
  const source = await filled();
  const whole = await open(source);
  const messages = allOf(whole.outbox);
  await whole.outbox.close();
  const random = createRandom(12);
  const tables = readdirSync(source).filter((name) => name.endsWith('.ldb'));
  const outcomes = { said: 0, harmless: 0 };
  for (let round = 0; round < 100; round += 1) {
    const folder = join(temporaryFolder(), 'outbox');
    cpSync(source, folder, { recursive: true });
    const path = join(folder, tables[round % tables.length] ?? '');
    const bytes = readFileSync(path);
    const at = Math.floor(random() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255));
    writeFileSync(path, bytes);
    const { outbox, troubles } = await open(folder);
    if (troubles.length > 0) outcomes.said += 1;
    else {
      assert.deepEqual(allOf(outbox), messages, `${path}, byte ${at}`);
      outcomes.harmless += 1;
    }
    await outbox.close();
  }
  // LevelDB's own checksums, and what is shared by neighbouring keys, are a small part of a table.
  assert.ok(outcomes.said > 90, JSON.stringify(outcomes));
});

test('of the stores that were set aside only the last is kept', async () => {
  const folder = join(temporaryFolder(), 'outbox');
  for (const stamp of ['old', 'older']) mkdirSync(`${folder}.broken-${stamp}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'CURRENT'), 'nonsense');
  const { outbox, troubles } = await open(folder);
  assert.equal(troubles[0]?.code, 'outbox.corrupt');
  assert.deepEqual(readdirSync(dirname(folder)).sort(), [
    'outbox',
    'outbox.broken-19700101T000001Z',
  ]);
  await outbox.close();
});

test('a folder that cannot be made: said, and memory goes on', async () => {
  for (const parent of ['/proc/none', join(temporaryFolder(), 'file')]) {
    if (parent.endsWith('file')) writeFileSync(parent, '');
    const { outbox, troubles } = await open(join(parent, 'outbox'));
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ['outbox.unwritable'],
    );
    assert.equal(outbox.figures().stored, false);
  }
});

const skip = process.getuid?.() === 0 ? false : 'needs root, to mount a file system';

/** A file system of its own, so small that it is soon full. */
function mountTiny(kilobytes: number): { readonly path: string } & Disposable {
  const path = temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', path]);
  return { path, [Symbol.dispose]: () => execFileSync('umount', ['-l', path]) };
}

test('a disk that fills up: said once, nothing lost, and after a restart with space all is there', {
  skip,
}, async () => {
  using disk = mountTiny(600);
  const folder = join(disk.path, 'outbox');
  const troubles: Fault[] = [];
  const { outbox } = await open(folder, (trouble) => troubles.push(trouble));
  const ids: number[] = [];
  while (troubles.length === 0 && ids.length < 300) {
    for (let count = 0; count < 5; count += 1) ids.push(offer(outbox, 4000));
    await new Promise((resolve) => setTimeout(resolve, 110));
  }
  for (let count = 0; count < 5; count += 1) ids.push(offer(outbox, 4000));
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ['outbox.disk-full'],
  );
  assert.deepEqual(
    allOf(outbox).map(({ id }) => id),
    ids,
    'memory has all',
  );
  assert.equal(outbox.figures().stored, false);
  await outbox.close();

  const full = await open(folder);
  assert.equal(full.outbox.figures().stored, false, 'as long as it is full');
  assert.deepEqual(
    full.troubles.map(({ code }) => code),
    ['outbox.disk-full'],
  );
  execFileSync('mount', ['-o', 'remount,size=8m', disk.path]);
  const roomy = await open(folder);
  assert.deepEqual(roomy.troubles, []);
  const found = allOf(roomy.outbox).map(({ id }) => id);
  assert.deepEqual(found, ids.slice(0, found.length), 'what was stored before it was full');
  assert.ok(found.length >= ids.length - 10, `${found.length} of ${ids.length}`);
  assert.ok(existsSync(folder));
  await roomy.outbox.close();
});

test('a read-only disk: said once, and memory goes on', { skip }, async () => {
  using disk = mountTiny(600);
  for (const isThere of [false, true]) {
    const folder = join(disk.path, isThere ? 'there' : 'new');
    if (isThere) {
      execFileSync('mount', ['-o', 'remount,rw', disk.path]);
      await (await open(folder)).outbox.close();
    }
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    const { outbox, troubles } = await open(folder);
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ['outbox.unwritable'],
    );
    const id = offer(outbox);
    assert.equal(allOf(outbox)[0]?.id, id);
    await outbox.close();
  }
});
