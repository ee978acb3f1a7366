import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { z } from 'zod';
import { type Fault, failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { type Entry, entryKinds, type Losses, noLosses } from './outbox-entry.ts';

/** What is kept beside the messages. */
export type Books = {
  /** Messages that are stored then: where there are fewer, some were lost on the disk. */
  readonly messages: number;
  /** No lower id is ever given out again. */
  readonly nextId: number;
  /** Losses that no event has told of yet. */
  readonly unreported: Losses;
};

/** One atomic change of the store. */
export type StoreChange = {
  readonly added: readonly Entry[];
  readonly removed: readonly number[];
  readonly books: Books;
  /** Whether to wait until it is on the disk; else it may be lost in a power cut, not in a crash. */
  readonly isDurable: boolean;
};

/** Messages on the disk. Nothing is read back while it is open: memory holds the same. */
export interface OutboxStore {
  /** Resolves with what went wrong, if anything did; the store is of no more use then. */
  write(change: StoreChange): Promise<Fault | undefined>;
  close(): Promise<void>;
}

/** Where the store lies; tests hand in a disk that fails when they want it to. */
export interface OutboxDisk {
  open(): Promise<Outcome<OpenedStore>>;
  /** Keeps a store that cannot be used under another name, which it returns; the last one only. */
  setAside(stamp: string): Outcome<string>;
}

export type OpenedStore = {
  readonly store: OutboxStore;
  readonly entries: readonly Entry[];
  readonly books: Books;
  /** Damage that was left out; the rest is whole. */
  readonly damage: Fault | undefined;
};

const recordSchema = z.strictObject({
  kind: z.enum(entryKinds),
  topic: z.string().min(1),
  retain: z.boolean(),
  payload: z.string(),
});

const count = z.int().min(0);
const booksSchema = z.strictObject({
  messages: count,
  nextId: count,
  unreported: z.strictObject({
    label: count,
    event: count,
    verdict: count,
    firstId: count,
    lastId: count,
  }),
});

/** Sorts after every message. */
const booksKey = 'books';
/** 16 digits hold every safe integer, so that the order of keys is that of ids. */
const keyOf = (id: number): string => `${id}`.padStart(16, '0');

/** LevelDB's memory: it is read once and then only written, so that it needs no cache. */
const levelOptions = {
  keyEncoding: 'utf8',
  valueEncoding: 'utf8',
  compression: false,
  cacheSize: 64 * 1024,
  /** Its log is turned into a table each time it has grown so far: most messages are gone by then. */
  writeBufferSize: 1024 * 1024,
  maxOpenFiles: 64,
} as const;

/**
 * The door to classic-level: LevelDB, whose log carries checksums. Those of its tables are not looked at
 * when they are read, and it passes over an entry that seems to be of the future; so each entry carries a
 * checksum of its own, and the books the number of messages.
 */
export const diskOf = (folder: string): OutboxDisk => ({
  open: () => openStore(folder),
  setAside: (stamp) => setAside(folder, stamp),
});

async function openStore(folder: string): Promise<Outcome<OpenedStore>> {
  const level = new ClassicLevel<string, string>(folder, levelOptions);
  try {
    makeFolder(folder);
    await level.open();
    const entries: Entry[] = [];
    let books: Books = { messages: 0, nextId: 0, unreported: noLosses };
    for (const [key, value] of await level.iterator({ fillCache: false }).all()) {
      const record: unknown = JSON.parse(checked(key, value));
      if (key === booksKey) books = booksSchema.parse(record);
      else entries.push({ id: Number(key), ...recordSchema.parse(record) });
    }
    const damage = damageOf(folder, books.messages, entries.length);
    return success({ store: storeOf(level, folder), entries, books, damage });
  } catch (error) {
    await closeQuietly(level);
    return failure(faultOf(error, folder));
  }
}

/** As mkdir's `recursive`, which never returns where the file system allows no folders (/proc). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

function storeOf(level: ClassicLevel<string, string>, folder: string): OutboxStore {
  return {
    write: async ({ added, removed, books, isDurable }) => {
      try {
        const puts = added.map(({ id, ...record }) => put(keyOf(id), JSON.stringify(record)));
        const deletions = removed.map((id) => ({ type: 'del' as const, key: keyOf(id) }));
        const batch = [...deletions, ...puts, put(booksKey, JSON.stringify(books))];
        await level.batch(batch, { sync: isDurable });
        return undefined;
      } catch (error) {
        return faultOf(error, folder);
      }
    },
    close: () => closeQuietly(level),
  };
}

const put = (key: string, text: string) => ({
  type: 'put' as const,
  key,
  value: `${checksumOf(key, text)}${text}`,
});

const checksumDigits = 8;

const checksumOf = (key: string, text: string): string =>
  crc32(text, crc32(key)).toString(16).padStart(checksumDigits, '0');

/** The text of an entry that is as it was written; throws a SyntaxError for any other. */
function checked(key: string, value: string): string {
  const text = value.slice(checksumDigits);
  if (value.slice(0, checksumDigits) === checksumOf(key, text)) return text;
  throw new SyntaxError(`the entry ${key} is not as it was written`);
}

/** All that was durable stays so: there is nothing that a failure to close could take away. */
async function closeQuietly(level: ClassicLevel<string, string>): Promise<void> {
  try {
    await level.close();
  } catch {
    // Its files are in the state of a crash then, which opening mends.
  }
}

/**
 * LevelDB opens a log with damaged blocks without them and says so only in its own log. What a crash
 * cut off at the end was never said to be durable, and is not mentioned there.
 */
function damageOf(folder: string, messages: number, found: number): Fault | undefined {
  const lines = readFileSync(join(folder, 'LOG'), 'utf8').split('\n');
  const dropped = lines.flatMap((line) => /dropping (\d+) bytes/.exec(line)?.[1] ?? []).map(Number);
  if (dropped.length > 0) {
    const bytes = dropped.reduce((sum, one) => sum + one, 0);
    const sentence = `${bytes} bytes of the outbox in ${folder} were damaged and are lost; the rest is used`;
    return damaged(sentence);
  }
  if (found === messages) return undefined;
  const sentence = `the outbox in ${folder} is damaged: it has ${found} messages instead of ${messages}; they are used`;
  return damaged(sentence);
}

const damaged = (sentence: string): Fault =>
  fault('outbox.corrupt', sentence, 'Check the SD card or disk.');

function setAside(folder: string, stamp: string): Outcome<string> {
  const prefix = `${basename(folder)}.broken-`;
  try {
    for (const name of readdirSync(dirname(folder))) {
      if (name.startsWith(prefix)) rmSync(join(dirname(folder), name), { recursive: true });
    }
    const target = join(dirname(folder), `${prefix}${stamp}`);
    renameSync(folder, target);
    return success(target);
  } catch (error) {
    return failure(faultOf(error, folder));
  }
}

/** LevelDB gives the system's reasons as text, so they are told by their text. */
function faultOf(error: unknown, folder: string): Fault {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const reason = messageOf(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (/No space left|ENOSPC|quota exceeded|EDQUOT/i.test(reason)) {
    const sentence = `no space is left for the outbox in ${folder}`;
    return fault('outbox.disk-full', sentence, 'Free some space, then restart sightd.');
  }
  if (code === 'LEVEL_LOCKED') {
    const sentence = `the outbox in ${folder} is in use by another process`;
    return fault('outbox.unwritable', sentence, 'Give each daemon a `stateDir` of its own.');
  }
  const isDamage =
    code === 'LEVEL_CORRUPTION' ||
    cause instanceof z.ZodError ||
    cause instanceof SyntaxError ||
    // A table that is shorter than it should be, or missing.
    /\.ldb: Invalid argument|missing files|does not exist/.test(reason);
  if (isDamage) {
    const what = cause instanceof z.ZodError ? 'an entry is not one of ours' : reason;
    const sentence = `the outbox in ${folder} is damaged: ${what}`;
    return damaged(sentence);
  }
  return fault(
    'outbox.unwritable',
    `cannot keep the outbox in ${folder}: ${reason}`,
    'Set `stateDir` to a folder that this user may write, then restart sightd.',
  );
}
