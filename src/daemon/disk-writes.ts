import { readFileSync } from 'node:fs';
import type { Micros } from '../base/time.ts';

/**
 * What this process had written to disks in the last hour, or since its start while that is less
 * long ago; undefined where the kernel does not count it.
 */
export type DiskWrites = (now: Micros) => number | undefined;

const hour = 3_600_000_000;
/** How finely the hour's edge is known. */
const samplesMax = 60;

/** `total` is a count of bytes that only rises. */
export function createDiskWrites(total: () => number | undefined): DiskWrites {
  const first = total() ?? 0;
  const samples: { readonly at: number; readonly bytes: number }[] = [];
  return (now) => {
    const bytes = total();
    if (bytes === undefined) return undefined;
    const last = samples.at(-1);
    if (last === undefined || now - last.at >= hour / samplesMax) samples.push({ at: now, bytes });
    // The newest sample that is an hour old is where the hour begins.
    while (samples[1] !== undefined && now - samples[1].at >= hour) samples.shift();
    const oldest = samples[0];
    const isWholeHour = oldest !== undefined && now - oldest.at >= hour;
    return bytes - (isWholeHour ? oldest.bytes : first);
  };
}

/**
 * Bytes of file pages that this process made dirty and so sends to a disk (proc(5), write_bytes): the
 * outbox's log and tables in whole pages, besides whatever else the process writes to files. It does
 * not hold the file system's own journal.
 */
export function writtenBytes(): number | undefined {
  try {
    const text = /^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1];
    return text === undefined ? undefined : Number(text);
  } catch {
    return undefined;
  }
}
