import { join, resolve } from 'node:path';
import { type Fault, fault } from '../../base/fault.ts';
import { type Clock, type Micros, micros, seconds } from '../../base/time.ts';
import { type ExitWord, parseExitWord } from './exit-word.ts';
import {
  type Ended,
  endedOf,
  type Life,
  type Moment,
  newerLife,
  parseLife,
  type Reason,
} from './life.ts';
import type { LifeFiles } from './life-files.ts';
import { bootIdOf, oomKillsOf, runtimeFolderOf, startTicksOf, unitFolderOf } from './machine.ts';
import { isClean, type PreviousRun, previousOf } from './previous-run.ts';

/** What this run leaves behind, so that the next one can tell how it ended. */
export interface LifeRecord {
  readonly session: string;
  /** What became of the run before; undefined where none left a record. */
  readonly previous: PreviousRun | undefined;
  /** To be called about once a second while the daemon runs; writes no oftener. */
  beat(facts: Facts): void;
  /** To be called before an end, however sudden: the word is written when this returns. Never throws. */
  ending(end: End): void;
}

/** When a frame was last classified in this run. */
export type Facts = { readonly classifiedAt: Micros | undefined };

export type End = { readonly how: Ended['how']; readonly fault: Reason | undefined };

export type LifeOptions = {
  readonly stateDir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly wallNow: () => number;
  /** Whether something keeps the wall clock right. */
  readonly isClockSynced: () => boolean;
  readonly session: string;
  readonly pid: number;
  readonly files: LifeFiles;
  /** What cannot be kept; called once for each folder. */
  readonly onTrouble: (reason: Fault) => void;
};

/** Callers are not exact: a beat that comes a little early is written too. */
const beatEvery = seconds(0.9);
/**
 * A flash card takes a hundred thousand writes to a place: once a minute where there is no other folder,
 * else once an hour, for the time of a power cut.
 */
const aloneEvery = seconds(60);
const besideEvery = seconds(3600);

export function openLife(options: LifeOptions): LifeRecord {
  const { stateDir, environment, files, session, pid, onTrouble } = options;
  const folder = resolve(stateDir);
  const bootId = bootIdOf(files);
  const runtime = runtimeFolderOf(folder, environment);
  const inMemory =
    runtime === undefined ? undefined : openPlace(options, join(runtime, 'life.json'));
  const onDisk = openPlace(options, join(folder, 'life.json'));
  const isOurs = (life: Life | undefined): boolean => life?.stateDir === folder;
  const [quick, kept] = [inMemory?.read(), onDisk.read()];
  const last = newerLife(
    isOurs(quick) ? quick : undefined,
    isOurs(kept) ? kept : undefined,
    bootId,
  );
  if (last !== undefined && isRunning(last, { bootId, pid }, files)) {
    onTrouble(takenFault(folder, last.pid));
    return silentLife(session);
  }
  const word = takeExitWord(environment, files);
  const moment = (): Moment => momentOf(options, options.clock.now());
  const start = moment();
  const present = { ...start, bootId, oomKills: oomKillsOf(files) };
  const previous = last === undefined ? undefined : previousOf(last, word, present);

  let life: Life = {
    session,
    stateDir: folder,
    pid,
    startTicks: startTicksOf(files, 'self'),
    bootId,
    invocation: environment['INVOCATION_ID'] ?? null,
    started: start,
    beat: start,
    // Who ended as asked is not blind since then: nobody was to see.
    classified: previous === undefined || isClean(previous.end) ? null : (last?.classified ?? null),
    oomKills: present.oomKills,
    ended: null,
  };
  const write = (isUrgent: boolean): void => {
    const isInMemory = inMemory?.write(life, isUrgent ? 0 : beatEvery) ?? false;
    onDisk.write(life, isUrgent ? 0 : isInMemory ? besideEvery : aloneEvery);
  };
  write(true);
  return {
    session,
    previous,
    beat: ({ classifiedAt }) => {
      const beat = moment();
      const classified =
        classifiedAt === undefined
          ? life.classified
          : { bootId, ...momentOf(options, classifiedAt) };
      life = { ...life, beat, classified, oomKills: oomKillsOf(files) };
      write(false);
    },
    ending: ({ how, fault: reason }) => {
      life = { ...life, beat: moment(), ended: endedOf(life.ended, how, reason) };
      write(true);
    },
  };
}

/** Remembers nothing, and leaves nothing behind. */
export const silentLife = (session: string): LifeRecord => ({
  session,
  previous: undefined,
  beat: () => {},
  ending: () => {},
});

function momentOf({ clock, wallNow, isClockSynced }: LifeOptions, at: Micros): Moment {
  const ago = (clock.now() - at) / 1000;
  return { at: micros(Math.round(at)), wall: isClockSynced() ? wallNow() - ago : null };
}

/** One file that holds the record. */
type Place = {
  read(): Life | undefined;
  /** Unless it was written within `every`; false once it could not be. */
  write(life: Life, every: number): boolean;
};

function openPlace({ files, clock, onTrouble }: LifeOptions, path: string): Place {
  let writtenAt: Micros | undefined;
  let isWritable = true;
  let isSaid = false;
  return {
    read: () => parseLife(files.textOf(path)),
    write: (life, every) => {
      const now = clock.now();
      if (writtenAt !== undefined && now - writtenAt < every * 1000) return isWritable;
      writtenAt = now;
      const trouble = files.replace(path, `${JSON.stringify(life)}\n`);
      isWritable = trouble === undefined;
      if (trouble !== undefined && !isSaid) {
        isSaid = true;
        onTrouble(trouble);
      }
      return isWritable;
    },
  };
}

/** Whether the process that left a record is still there, and another than this one. */
function isRunning(
  last: Life,
  here: { readonly bootId: string; readonly pid: number },
  files: LifeFiles,
): boolean {
  if (last.bootId !== here.bootId || last.pid === here.pid || last.startTicks === null)
    return false;
  return startTicksOf(files, last.pid) === last.startTicks;
}

const takenFault = (folder: string, pid: number): Fault =>
  fault(
    'state.unwritable',
    `another sightd (process ${pid}) keeps its state in ${folder}`,
    'Give each daemon a `stateDir` of its own.',
  );

/** What the unit left of its last end; once read it is gone, so that it is taken for no later one. */
function takeExitWord(environment: NodeJS.ProcessEnv, files: LifeFiles): ExitWord | undefined {
  const folder = unitFolderOf(environment);
  if (folder === undefined) return undefined;
  const path = join(folder, 'exit');
  const text = files.textOf(path);
  if (text === undefined) return undefined;
  files.remove(path);
  return parseExitWord(text);
}
