import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { millis, systemClock } from '../src/base/time.ts';
import { writtenBytes } from '../src/daemon/disk-writes.ts';
import { type Outbox, openOutbox } from '../src/mqtt/outbox.ts';
import { diskOf } from '../src/mqtt/outbox-store.ts';

/*
 * What the outbox writes to its disk: `node dist/bench/outbox.js [FOLDER] [SECONDS]`. FOLDER must lie
 * on the disk in question, not in memory. `process` is what health publishes (/proc/self/io);
 * `disk` is what the whole disk wrote meanwhile (/proc/diskstats): file system journal included, and
 * everything else that runs on the machine, so read it on a quiet one.
 */

const folder = mkdtempSync(join(process.argv[2] ?? '.', 'outbox-bench-'));
const seconds = Number(process.argv[3] ?? 60);
const labelBytes = 215;

type Load = { readonly name: string; readonly perSecond: number; readonly isOnline: boolean };

const loads: readonly Load[] = [
  { name: '1 label a minute', perSecond: 1 / 60, isOnline: true },
  { name: '1 label a second', perSecond: 1, isOnline: true },
  { name: '10 labels a second', perSecond: 10, isOnline: true },
  { name: '100 labels a second', perSecond: 100, isOnline: true },
  { name: '10 labels a second, no broker', perSecond: 10, isOnline: false },
];

/** Bytes that the disk under `path` has written since the machine started. */
function diskBytes(path: string): number {
  const { dev } = statSync(path);
  const rows = readFileSync('/proc/diskstats', 'utf8').trim().split('\n');
  // The numbers of devices as the kernel packs them for stat(2).
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  const columns = rows
    .map((row) => row.trim().split(/\s+/))
    .find(([a, b]) => Number(a) === major && Number(b) === minor);
  return Number(columns?.[9] ?? Number.NaN) * 512;
}

const megabytesAnHour = (bytes: number): string =>
  `${((bytes * 3600) / seconds / 1e6).toFixed(1).padStart(7)} MB/h`;

/** Acknowledges everything as soon as it may be delivered. */
function acknowledgeAll(outbox: Outbox): void {
  for (const { id } of outbox.oldest(1000)) outbox.remove(id);
}

async function measure({ name, perSecond, isOnline }: Load): Promise<void> {
  const place = join(folder, name.replaceAll(' ', '-'));
  const { outbox, troubles } = await openOutbox({
    disk: diskOf(place),
    messagesMax: 10_000,
    bytesMax: 16_777_216,
    clock: systemClock,
    wallNow: Date.now,
    onTrouble: (trouble) => process.stderr.write(`${trouble.message}\n`),
    onOverflow: () => {},
  });
  for (const trouble of troubles) process.stderr.write(`${trouble.message}\n`);
  outbox.onReady(() => isOnline && acknowledgeAll(outbox));
  const offer = (): number =>
    outbox.offer('label', 'sightd/porch/label', (id) => `${id}`.padEnd(labelBytes, 'x'), true);
  // The first burst of commits is over: what is measured can go on for hours.
  if (perSecond >= 1) {
    for (let count = 0; count < 40; count += 1) {
      offer();
      await systemClock.sleep(millis(101), undefined);
    }
  }
  const cpu = process.cpuUsage();
  const written = writtenBytes() ?? Number.NaN;
  const disk = diskBytes(folder);
  const end = systemClock.now() + seconds * 1e6;
  for (let due: number = systemClock.now(); due < end; due += 1e6 / perSecond) {
    await systemClock.sleep(millis(Math.max(0, (due - systemClock.now()) / 1000)), undefined);
    offer();
  }
  await systemClock.sleep(millis(Math.max(0, (end - systemClock.now()) / 1000)), undefined);
  const { user, system } = process.cpuUsage(cpu);
  const spent = `${((user + system) / seconds / 10_000).toFixed(2)} % of a core`;
  const figures = [
    `process ${megabytesAnHour((writtenBytes() ?? Number.NaN) - written)}`,
    `disk ${megabytesAnHour(diskBytes(folder) - disk)}`,
  ];
  process.stdout.write(`${name.padEnd(32)} ${figures.join('   ')}   ${spent}\n`);
  await outbox.close();
}

process.stdout.write(
  `${process.version}, ${seconds} s a load, ${labelBytes} B a label, in ${folder}\n`,
);
for (const load of loads) await measure(load);
rmSync(folder, { recursive: true });
