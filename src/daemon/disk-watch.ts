import { access, constants, statfs } from 'node:fs/promises';
import { type Fault, fault } from '../base/fault.ts';
import { type Micros, seconds } from '../base/time.ts';

/** What is found where state is kept. */
export type DiskReading =
  | {
      readonly kind: 'room';
      readonly freeBytes: number;
      readonly totalBytes: number;
      /** How many more files there can be; undefined where there is no such limit. */
      readonly freeFiles: number | undefined;
      readonly isReadOnly: boolean;
    }
  /** `code`: the system's, such as EIO. */
  | { readonly kind: 'failed'; readonly code: string };

export type DiskState = {
  readonly reading: DiskReading | undefined;
  readonly isFull: boolean;
  /** It could be read once: what is gone now was there. */
  readonly wasThere: boolean;
};

export const initialDisk: DiskState = { reading: undefined, isFull: false, wasThere: false };

const mebibyte = 1024 * 1024;
/** As much as the outbox may hold by default: with less it may not be there after a restart. */
const freeLeast = 16 * mebibyte;
/** The share that file systems slow down in; of a large disk it is still plenty. */
const freeShareLeast = 0.01;
const freeShareMost = 1024 * mebibyte;
/** A store makes a file now and then, and several when it is opened. */
const freeFilesLeast = 32;
/** Room that comes and goes at the limit is one lack of room. */
const roomyAbove = 1.25;

export function stepDisk(before: DiskState, reading: DiskReading): DiskState {
  if (reading.kind === 'failed') return { ...before, reading };
  const { freeBytes, totalBytes, freeFiles } = reading;
  const least = Math.max(freeLeast, Math.min(totalBytes * freeShareLeast, freeShareMost));
  const factor = before.isFull ? roomyAbove : 1;
  const isFull = freeBytes < least * factor || lacksFiles(freeFiles, factor);
  return { reading, isFull, wasThere: true };
}

const lacksFiles = (freeFiles: number | undefined, factor: number): boolean =>
  freeFiles !== undefined && freeFiles < freeFilesLeast * factor;

/** What is wrong with the disk below `folder`; `troubles` are those of the stores there. */
export function diskFaultOf(
  { reading, isFull, wasThere }: DiskState,
  folder: string,
  troubles: readonly Fault[],
): Fault | undefined {
  if (reading?.kind === 'failed' && (wasThere || !isAbsence(reading.code))) {
    return failing(`${folder} cannot be read any more (${reading.code})`);
  }
  if (reading?.kind === 'room' && reading.isReadOnly) {
    return failing(`the disk with ${folder} can only be read, not written`);
  }
  const trouble = troubles.find(isOfBrokenDisk);
  if (trouble !== undefined) return failing(trouble.message);
  if (!isFull || reading?.kind !== 'room') return undefined;
  const { freeBytes, freeFiles } = reading;
  const free = Math.floor(freeBytes / mebibyte);
  const room = free < 1 ? 'less than 1 MiB is' : `only ${free} MiB are`;
  const what = lacksFiles(freeFiles, roomyAbove) ? `only ${freeFiles} files are` : room;
  const mend = 'Remove what is not needed from this disk.';
  return fault('disk.full', `${what} free for ${folder}`, mend);
}

const failing = (sentence: string): Fault =>
  fault(
    'disk.failing',
    sentence,
    'Look into the kernel log (dmesg) and replace the SD card or disk.',
  );

export const silentDisk = (folder: string): Fault =>
  failing(`the disk with ${folder} does not answer`);

/** A folder that was never there, or may not be looked at: its stores say so themselves. */
const isAbsence = (code: string): boolean => ['ENOENT', 'ENOTDIR', 'EACCES'].includes(code);

/**
 * Whether a store could not do something because the disk breaks; not for want of room, which is looked
 * at, nor for a missing permission or another process. LevelDB gives the system's reasons as text only.
 */
export function isOfBrokenDisk({ message }: Fault): boolean {
  // EUCLEAN: the file system itself is damaged.
  const reasons = /\bEIO\b|\bi\/o error|Input\/output error|\bEROFS\b|Read-only|\bEUCLEAN\b/i;
  return reasons.test(message);
}

/** Asks the system, in its own time: a disk may take seconds, or never answer. */
export async function readDisk(folder: string): Promise<DiskReading> {
  try {
    const { bavail, blocks, bsize, files, ffree } = await statfs(folder);
    const freeFiles = files > 0 ? ffree : undefined;
    const isReadOnly = await isReadOnlyDisk(folder);
    const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize];
    return { kind: 'room', freeBytes, totalBytes, freeFiles, isReadOnly };
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) };
  }
}

/** A kernel that finds a file system damaged mounts it again so that nothing is written to it. */
const isReadOnlyDisk = (folder: string): Promise<boolean> =>
  access(folder, constants.W_OK).then(
    () => false,
    (error: unknown) => codeOf(error) === 'EROFS',
  );

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown';

/** Looks at the disk every now and then. */
export interface DiskWatch {
  /** What is wrong, as of the last look; begins another one when it is time. */
  look(now: Micros, troubles: readonly Fault[]): Fault | undefined;
  /** The next `look` begins at once. */
  hurry(): void;
}

const readEvery = seconds(30);
/** A card that is worn out may take seconds for a write; a minute is none that comes back. */
const answerWithin = seconds(60);

/** One reading at a time: one that is not answered holds a thread of the pool, and must not hold two. */
export function createDiskWatch(
  folder: string,
  read: (folder: string) => Promise<DiskReading>,
): DiskWatch {
  let state = initialDisk;
  let askedAt: Micros | undefined;
  let isAsking = false;
  let isUrgent = true;
  let known: readonly Fault[] = [];

  const ask = (now: Micros): void => {
    isAsking = true;
    isUrgent = false;
    askedAt = now;
    void read(folder).then((reading) => {
      state = stepDisk(state, reading);
      isAsking = false;
    });
  };

  return {
    look: (now, troubles) => {
      const age = askedAt === undefined ? 0 : (now - askedAt) / 1000;
      // What a store has just met is there to be seen.
      if (troubles.some((one) => !known.includes(one))) isUrgent = true;
      known = troubles;
      if (isAsking && age >= answerWithin) return silentDisk(folder);
      if (!isAsking && (isUrgent || age >= readEvery)) ask(now);
      return diskFaultOf(state, folder, troubles);
    },
    hurry: () => {
      isUrgent = true;
    },
  };
}
