import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fault, fault } from '../../../src/base/fault.ts';
import { type Outbox, openOutbox } from '../../../src/mqtt/outbox.ts';
import type { EntryKind, Losses } from '../../../src/mqtt/outbox-entry.ts';
import { createFakeDisk, type FakeDisk } from '../../support/fake-disk.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const wallStart = 1000;

async function open(
  disk: FakeDisk | undefined,
  bounds: { messagesMax?: number; bytesMax?: number; wall?: number } = {},
) {
  const clock = createManualClock();
  const overflows: Losses[] = [];
  const troubles: Fault[] = [];
  const opened = await openOutbox({
    disk,
    messagesMax: bounds.messagesMax ?? 1000,
    bytesMax: bounds.bytesMax ?? 1_000_000,
    clock,
    wallNow: () => bounds.wall ?? wallStart,
    onTrouble: (trouble) => troubles.push(trouble),
    onOverflow: (losses) => overflows.push(losses),
  });
  troubles.push(...opened.troubles);
  return { outbox: opened.outbox, clock, overflows, troubles };
}

const quickDisk = (): FakeDisk => Object.assign(createFakeDisk(), { isQuick: true });

const offer = (outbox: Outbox, kind: EntryKind, payload = 'x'): number =>
  outbox.offer(kind, kind, (id) => `${id} ${payload}`, kind === 'label');

const idsOf = (outbox: Outbox): number[] => outbox.oldest(1000).map(({ id }) => id);

test('a message may be delivered when it is stored, and not before', async () => {
  const disk = createFakeDisk();
  const { outbox } = await open(disk);
  let calls = 0;
  outbox.onReady(() => {
    calls += 1;
  });
  const id = offer(outbox, 'label');
  await settled();
  assert.deepEqual([idsOf(outbox), calls], [[], 0]);
  assert.ok(disk.complete());
  await settled();
  assert.deepEqual([idsOf(outbox), calls], [[id], 1]);
  assert.deepEqual(outbox.oldest(1)[0], {
    id,
    kind: 'label',
    topic: 'label',
    payload: `${id} x`,
    retain: true,
  });
  assert.deepEqual(disk.contents().entries, outbox.oldest(10));
});

test('ids rise by one, and on across restarts, also when nothing is left and the clock stands before', async () => {
  const disk = quickDisk();
  const first = await open(disk, { wall: 5000 });
  assert.deepEqual([offer(first.outbox, 'event'), offer(first.outbox, 'label')], [5000, 5001]);
  await settled();
  first.outbox.remove(5000);
  first.outbox.remove(5001);
  await first.outbox.close();
  assert.deepEqual(disk.contents().entries, []);
  const second = await open(disk, { wall: 3 });
  assert.equal(offer(second.outbox, 'event'), 5002);
  await second.outbox.close();
  const third = await open(disk, { wall: 9000 });
  assert.equal(offer(third.outbox, 'event'), 9000);
  assert.deepEqual(idsOf(third.outbox), [5002], 'and what was left comes first');
});

test('what is recorded together or within a tenth of a second is written together', async () => {
  const disk = quickDisk();
  const { outbox, clock } = await open(disk);
  for (let count = 0; count < 5; count += 1) offer(outbox, 'label');
  await settled();
  assert.equal(disk.changes.length, 1);
  for (let count = 0; count < 10; count += 1) {
    offer(outbox, 'label');
    await settled();
    clock.advance(9);
  }
  await settled();
  assert.equal(disk.changes.length, 1);
  clock.advance(10);
  await settled();
  assert.deepEqual(
    disk.changes.map(({ added }) => added.length),
    [5, 10],
  );
});

test('an hour of changes holds no more commits than its budget, and none waits for more than a second', async () => {
  const disk = quickDisk();
  const { outbox, clock } = await open(disk);
  let longest = 0;
  for (let tick = 0; tick < 36_000; tick += 1) {
    offer(outbox, 'label');
    clock.advance(100);
    await settled();
    longest = Math.max(longest, outbox.figures().waiting - idsOf(outbox).length);
    for (const id of idsOf(outbox)) outbox.remove(id);
  }
  assert.ok(disk.changes.length <= 3_631, `${disk.changes.length} commits`);
  assert.ok(longest <= 11, `${longest} labels waited`);
});

test('a removal waits for a message to be written with, but not for long, and is not durable alone', async () => {
  const disk = quickDisk();
  const { outbox, clock } = await open(disk);
  const first = offer(outbox, 'label');
  await settled();
  outbox.remove(first);
  clock.advance(500);
  await settled();
  const second = offer(outbox, 'label');
  await settled();
  assert.deepEqual(disk.changes.at(-1)?.removed, [first]);
  assert.equal(disk.changes.at(-1)?.isDurable, true);
  outbox.remove(second);
  await settled();
  clock.advance(1900);
  await settled();
  assert.equal(disk.changes.length, 2);
  clock.advance(200);
  await settled();
  assert.deepEqual(disk.changes.at(-1)?.removed, [second]);
  assert.equal(disk.changes.at(-1)?.isDurable, false);
});

test('closing stores at once what was waiting', async () => {
  const disk = quickDisk();
  const { outbox } = await open(disk);
  const first = offer(outbox, 'label');
  await settled();
  const second = offer(outbox, 'label');
  outbox.remove(first);
  await outbox.close();
  assert.deepEqual(
    disk.contents().entries.map(({ id }) => id),
    [second],
  );
});

for (const isStored of [true, false]) {
  const where = isStored ? 'stored' : 'in memory';
  test(`full: the oldest label goes first, ${where}`, async () => {
    const disk = isStored ? quickDisk() : undefined;
    const { outbox, overflows, clock } = await open(disk, { messagesMax: 4 });
    const kinds: EntryKind[] = ['event', 'label', 'verdict', 'label', 'event', 'event'];
    const ids = kinds.map((kind) => offer(outbox, kind));
    await settled();
    assert.deepEqual(idsOf(outbox), [ids[0], ids[2], ids[4], ids[5]], 'both labels went');
    const third = offer(outbox, 'label');
    await settled();
    assert.deepEqual(idsOf(outbox), [ids[0], ids[2], ids[4], ids[5]], 'a new one too');
    const fourth = offer(outbox, 'event');
    await settled();
    clock.advance(100);
    await settled();
    assert.deepEqual(idsOf(outbox), [ids[2], ids[4], ids[5], fourth], 'then the oldest event');
    assert.deepEqual(outbox.figures().lost, 4);
    assert.deepEqual(overflows, [], 'nothing is told while it is full');
    outbox.remove(ids[2] ?? 0);
    assert.deepEqual(overflows, [
      { label: 3, event: 1, verdict: 0, firstId: ids[0], lastId: third },
    ]);
    outbox.remove(ids[4] ?? 0);
    assert.equal(overflows.length, 1, 'and once');
  });
}

test('the bound on bytes counts topics and payloads, and what is larger than it is refused alone', async () => {
  const { outbox } = await open(undefined, { bytesMax: 400 });
  const small = offer(outbox, 'event', 'é'.repeat(40));
  assert.equal(outbox.figures().bytes, 'event'.length + '1000 '.length + 80);
  offer(outbox, 'label', 'y'.repeat(500));
  assert.deepEqual(idsOf(outbox), [small]);
  const second = offer(outbox, 'event', 'z'.repeat(330));
  assert.deepEqual(idsOf(outbox), [second]);
  assert.equal(outbox.figures().lost, 2);
  outbox.remove(second);
  assert.deepEqual([outbox.figures().bytes, outbox.figures().waiting], [0, 0]);
});

test('losses that could not be told of are told of after a restart', async () => {
  const disk = quickDisk();
  const first = await open(disk, { messagesMax: 4 });
  for (let count = 0; count < 6; count += 1) offer(first.outbox, 'event');
  await first.outbox.close();
  assert.deepEqual(first.overflows, []);
  const second = await open(disk, { messagesMax: 10 });
  offer(second.outbox, 'event');
  assert.deepEqual(second.overflows, [
    { label: 0, event: 2, verdict: 0, firstId: 1000, lastId: 1001 },
  ]);
});

test('telling of losses causes none, however small the outbox is and however much comes', async () => {
  let told = 0;
  let lostTold = 0;
  let outbox: Outbox | undefined;
  const opened = await openOutbox({
    disk: undefined,
    messagesMax: 10,
    bytesMax: 1_000_000,
    clock: createManualClock(),
    wallNow: () => wallStart,
    onTrouble: () => {},
    onOverflow: (losses) => {
      told += 1;
      lostTold += losses.label + losses.event;
      if (outbox !== undefined) offer(outbox, 'event', 'overflow');
    },
  });
  outbox = opened.outbox;
  for (let count = 0; count < 1000; count += 1) {
    offer(outbox, count % 3 === 0 ? 'label' : 'event');
    // Slower than they come: full all the time.
    if (count % 4 === 0) outbox.remove(idsOf(outbox)[0] ?? 0);
  }
  assert.equal(told, 0);
  const { lost } = outbox.figures();
  assert.ok(lost > 700);
  while (outbox.figures().waiting > 0) outbox.remove(idsOf(outbox)[0] ?? 0);
  assert.deepEqual([told, lostTold], [1, lost]);
});

test('a lowered bound gives up what is over it at the start', async () => {
  const disk = quickDisk();
  const first = await open(disk);
  for (let count = 0; count < 20; count += 1) offer(first.outbox, 'label');
  await first.outbox.close();
  const second = await open(disk, { messagesMax: 10 });
  assert.deepEqual(idsOf(second.outbox)[0], 1010);
  await second.outbox.close();
  assert.equal(disk.contents().entries.length, 10);
});

const corrupt = fault('outbox.corrupt', 'it is damaged', 'Mend it.');
const full = fault('outbox.disk-full', 'no space is left', 'Free some.');

test('a damaged store is set aside under the time, said so, and a new one takes its place', async () => {
  const disk = quickDisk();
  disk.failing = { open: corrupt };
  const { outbox, troubles } = await open(disk, { wall: Date.UTC(2026, 4, 4, 14, 17, 1) });
  assert.deepEqual(disk.setAsideAs, ['20260504T141701Z']);
  assert.equal(troubles.length, 1);
  assert.match(troubles[0]?.message ?? '', /damaged; it is now outbox\.broken-20260504T141701Z/);
  assert.equal(outbox.figures().stored, true);
  const id = offer(outbox, 'event');
  await settled();
  assert.deepEqual(idsOf(outbox), [id]);
});

for (const trouble of [full, fault('outbox.unwritable', 'read-only', 'Remount it.')]) {
  test(`${trouble.code} at the start: memory goes on, and nothing is set aside`, async () => {
    const disk = quickDisk();
    disk.failing = { open: trouble };
    const { outbox, troubles } = await open(disk);
    assert.deepEqual([troubles, disk.setAsideAs], [[trouble], []]);
    assert.equal(outbox.figures().stored, false);
    assert.equal(outbox.trouble(), trouble);
    const id = offer(outbox, 'event');
    assert.deepEqual(idsOf(outbox), [id]);
  });

  test(`${trouble.code} while it runs: said once, nothing is lost, and memory goes on`, async () => {
    const disk = quickDisk();
    const { outbox, troubles, clock } = await open(disk);
    const ids = [offer(outbox, 'event')];
    await settled();
    disk.failing = { write: trouble };
    ids.push(offer(outbox, 'label'));
    clock.advance(100);
    await settled();
    ids.push(offer(outbox, 'label'));
    assert.deepEqual(idsOf(outbox), ids);
    assert.deepEqual(troubles, [trouble]);
    assert.equal(outbox.figures().stored, false);
    assert.equal(outbox.trouble(), trouble);
    await outbox.close();
  });
}

test('a store that is damaged while it runs is replaced by one with all that waits', async () => {
  const disk = quickDisk();
  const { outbox, troubles, clock } = await open(disk);
  const ids = [offer(outbox, 'event')];
  await settled();
  disk.failing = { write: corrupt };
  ids.push(offer(outbox, 'label'));
  clock.advance(100);
  await settled();
  clock.advance(100);
  await settled();
  assert.deepEqual(idsOf(outbox), ids);
  assert.deepEqual(
    disk.contents().entries.map(({ id }) => id),
    ids,
  );
  assert.equal(troubles.length, 1);
  assert.equal(outbox.figures().stored, true);
  assert.equal(outbox.trouble(), undefined, 'it is stored again');
});
