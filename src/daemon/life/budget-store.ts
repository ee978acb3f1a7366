import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type Fault, fault, messageOf } from '../../base/fault.ts';
import { type Clock, type Micros, seconds } from '../../base/time.ts';
import type { LifeFiles } from './life-files.ts';
import { bootIdOf, runtimeFolderOf } from './machine.ts';

/** When steps of recovery were taken in this boot, by what they spent, as `camera.device` or `process`. */
export type Spent = Readonly<Record<string, readonly Micros[]>>;

/** Keeps what recovery has spent beyond the process, so that a crash loop does not fill its own purse. */
export interface BudgetStore {
  read(): Spent;
  /** Writes only what has changed. */
  write(spent: Spent): void;
  /** How many of these restarts of the process an hour may see: fewer once whole boots were spent in vain. */
  processMax(asked: number): number;
  /** To be called when the daemon has been well for long: boots that were spent in vain are forgotten. */
  settle(): void;
}

export type BudgetStoreOptions = {
  readonly stateDir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly files: LifeFiles;
  /** What is broken or cannot be kept; called once for each file and reason. */
  readonly onTrouble: (reason: Fault) => void;
};

/** Of restarts of the process; its window is an hour, as the unit's `StartLimitIntervalSec=`. */
export const processKey = 'process';
const processWindow = seconds(3600);
/**
 * A boot whose last hour saw so many restarts was spent in vain. Fewer than a unit grants that makes
 * the machine start anew at its limit: the last of them is not recorded.
 */
const usedUpFrom = 3;
/** After so many boots a restart of the machine, where the unit makes one, has not helped either. */
const exhaustedBootsMax = 3;
const processMaxAtLast = 1;
/** More than any budget grants: of more instants the oldest go. */
const instantsMax = 100;

const instant = z
  .int()
  .min(0)
  .transform((value) => value as Micros);
const bookSchema = z.object({
  bootId: z.string(),
  writtenAt: instant,
  spent: z.record(z.string(), z.array(instant)),
  /** Boots in a row whose restarts of the process were used up. */
  exhaustedBoots: z.int().min(0),
});
type Book = Omit<z.infer<typeof bookSchema>, 'spent'> & { readonly spent: Spent };

export function openBudgetStore(options: BudgetStoreOptions): BudgetStore {
  const { files, clock } = options;
  const bootId = bootIdOf(files);
  const shelves = shelvesOf(options);
  const books = shelves.map(({ path }) => readBook(path, bootId, options));
  let { spent, exhaustedBoots } = bookOfBoot(books, bootId, clock.now());
  const write = (): void => {
    const book: Book = { bootId, writtenAt: clock.now(), spent: newestOf(spent), exhaustedBoots };
    for (const shelf of shelves) shelf.write(`${JSON.stringify(book)}\n`);
  };
  return {
    read: () => spent,
    write: (next) => {
      const isSame = JSON.stringify(next) === JSON.stringify(spent);
      spent = next;
      if (!isSame) write();
    },
    processMax: (asked) =>
      exhaustedBoots < exhaustedBootsMax ? asked : Math.min(asked, processMaxAtLast),
    settle: () => {
      if (exhaustedBoots === 0) return;
      exhaustedBoots = 0;
      write();
    },
  };
}

/** Budgets of a run that leaves nothing behind. */
export function memoryBudgets(): BudgetStore {
  let spent: Spent = {};
  return {
    read: () => spent,
    write: (next) => {
      spent = next;
    },
    // Nobody starts such a run again.
    processMax: () => 0,
    settle: () => {},
  };
}

type Shelf = { readonly path: string; readonly write: (text: string) => void };

/** On the disk, and in memory too: a disk that cannot be written to must not make a crash loop endless. */
function shelvesOf({ stateDir, environment, files, onTrouble }: BudgetStoreOptions): Shelf[] {
  const folder = resolve(stateDir);
  const runtime = runtimeFolderOf(folder, environment);
  const shelfOf = (path: string, replace: LifeFiles['replace']): Shelf => {
    let isSaid = false;
    const write = (text: string): void => {
      const trouble = replace(path, text);
      if (trouble !== undefined && !isSaid) onTrouble(trouble);
      isSaid ||= trouble !== undefined;
    };
    return { path, write };
  };
  const onDisk = shelfOf(join(folder, 'recovery.json'), files.replaceForGood);
  if (runtime === undefined) return [onDisk];
  return [onDisk, shelfOf(join(runtime, 'recovery.json'), files.replace)];
}

function readBook(path: string, bootId: string, options: BudgetStoreOptions): Book | undefined {
  const { files, clock, onTrouble } = options;
  const text = files.textOf(path);
  if (text === undefined) return undefined;
  try {
    const book = bookSchema.parse(JSON.parse(text));
    if (isSameBoot(book, bootId, clock.now())) {
      const latest = Math.max(book.writtenAt, ...Object.values(book.spent).flat());
      if (latest > clock.now()) throw new Error('it knows of instants that are still to come');
    }
    return book;
  } catch (error) {
    onTrouble(brokenFault(path, error, files.setAside(path)));
    return undefined;
  }
}

function brokenFault(path: string, error: unknown, aside: string | undefined): Fault {
  const [reason = ''] = messageOf(error).split('\n');
  const where = aside === undefined ? '' : `; it is now ${aside}`;
  return fault(
    'state.broken',
    `${path} cannot be used: ${reason}${where}`,
    'Nothing is to be done; how often recovery was tried in the last hour is forgotten.',
  );
}

/** Where no boot can be told from another, one whose instants are still to come is another. */
const isSameBoot = (book: Book, bootId: string, now: Micros): boolean =>
  book.bootId === bootId && (bootId !== '' || book.writtenAt <= now);

/** What holds at this start: a power cycle is a fresh try, but it is counted what came of the last one. */
export function bookOfBoot(
  books: readonly (Book | undefined)[],
  bootId: string,
  now: Micros,
): Pick<Book, 'spent' | 'exhaustedBoots'> {
  const found = books.filter((book) => book !== undefined);
  const ofBoot = found
    .filter((book) => isSameBoot(book, bootId, now))
    .sort((one, other) => other.writtenAt - one.writtenAt);
  const [newest] = ofBoot;
  if (newest !== undefined) return newest;
  const [before] = found;
  if (before === undefined) return { spent: {}, exhaustedBoots: 0 };
  return { spent: {}, exhaustedBoots: before.exhaustedBoots + (isUsedUp(before) ? 1 : 0) };
}

function isUsedUp({ spent, writtenAt, exhaustedBoots }: Book): boolean {
  const since = writtenAt - processWindow * 1000;
  const recent = (spent[processKey] ?? []).filter((instant) => instant >= since);
  return recent.length >= (exhaustedBoots < exhaustedBootsMax ? usedUpFrom : processMaxAtLast);
}

const newestOf = (spent: Spent): Spent =>
  Object.fromEntries(Object.entries(spent).map(([key, times]) => [key, times.slice(-instantsMax)]));
