import { unreachable } from '../../base/assert.ts';
import { exitCodes } from '../../base/fault.ts';
import { type Micros, type Millis, millis, millisOf } from '../../base/time.ts';
import type { ExitWord } from './exit-word.ts';
import type { Ended, Life, Moment, Reason } from './life.ts';

/** What became of the run before, and whether anybody had asked for that. */
export type PreviousRun = {
  readonly end: RunEnd;
  /** Why, as the run itself had left it before it ended. */
  readonly fault: Reason | undefined;
  /** What ended the process, without SIG. */
  readonly signal: string | undefined;
  /** From the last classified frame to this start; undefined where the clocks cannot tell. */
  readonly blind: Millis | undefined;
  /** Whether it counts against the budget for restarts of the process. */
  readonly isUnplanned: boolean;
  /** For a person: reads on after «sightd started after …». */
  readonly sentence: string;
};

export type RunEnd =
  | Ended['how']
  /** By a signal from outside. */
  | 'killed'
  /** The service manager's. */
  | 'watchdog'
  | 'out-of-memory'
  /** The machine was started anew, and nobody had asked the daemon to stop. */
  | 'power'
  /** Killed or crashed. */
  | 'unknown';

/** This start, on the same scales as the record. */
export type Present = Moment & {
  readonly bootId: string;
  /** How many processes were killed for want of memory since boot; null where the kernel does not tell. */
  readonly oomKills: number | null;
};

/** Ends that are no reason to hold back. Losing power is one: a power cycle is a fresh try. */
const plannedEnds: readonly RunEnd[] = ['asked', 'restart', 'source-ended', 'power'];

/** What became of the run that left this record; `word` is what systemd said last, of whichever run. */
export function previousOf(life: Life, word: ExitWord | undefined, present: Present): PreviousRun {
  const { end, sentence } = verdictOf(life, word, present);
  return {
    end,
    fault: life.ended?.fault ?? undefined,
    signal: isOf(life, word, present) ? word?.signal : undefined,
    blind: blindOf(life.classified, present),
    isUnplanned: !plannedEnds.includes(end),
    sentence,
  };
}

type Verdict = { readonly end: RunEnd; readonly sentence: string };

function verdictOf(life: Life, word: ExitWord | undefined, present: Present): Verdict {
  if (!isSameBoot(life, present)) return life.ended === null ? powerCut : ownWord(life.ended);
  const isMemoryShort =
    life.oomKills !== null && present.oomKills !== null && present.oomKills > life.oomKills;
  const said =
    word !== undefined && isOf(life, word, present) ? systemdsWord(word, isMemoryShort) : undefined;
  if (life.ended === null) return said ?? (isMemoryShort ? outOfMemory : unknownEnd);
  // A run that left a reason knows best why it ended; one that stopped as asked may have failed at it.
  const isContradicted = said !== undefined && isClean(life.ended.how) && !isClean(said.end);
  return isContradicted ? said : ownWord(life.ended);
}

/** The instants of one boot only go on; a boot id that cannot be read is the same for all boots. */
const isSameBoot = (life: Life, present: Present): boolean =>
  life.bootId === present.bootId && life.beat.at <= present.at;

/** Whether systemd speaks of the recorded run, and not of one after it that left no record. */
const isOf = (life: Life, word: ExitWord | undefined, present: Present): boolean =>
  word !== undefined &&
  isSameBoot(life, present) &&
  (word.invocation === undefined ||
    life.invocation === null ||
    word.invocation === life.invocation);

/** Whether an end is one without trouble, which somebody or the config had asked for. */
export const isClean = (end: RunEnd): boolean =>
  end === 'asked' || end === 'restart' || end === 'source-ended';

const powerCut: Verdict = {
  end: 'power',
  sentence: 'the machine lost its power or was started anew',
};
const outOfMemory: Verdict = {
  end: 'out-of-memory',
  sentence: 'the kernel had killed it, because memory had run out',
};
const unknownEnd: Verdict = {
  end: 'unknown',
  sentence: 'it was killed or crashed; nothing recorded why',
};
const asked: Verdict = { end: 'asked', sentence: 'it was asked to stop' };
const restart: Verdict = { end: 'restart', sentence: 'it was asked to be started again' };
const stopHung: Verdict = { end: 'hung', sentence: 'its stop took too long' };

/** What the run itself left before it ended. */
function ownWord({ how, fault }: Ended): Verdict {
  const reason = fault === null ? 'nothing says why' : `${fault.code} (${fault.message})`;
  switch (how) {
    case 'asked':
      return asked;
    case 'restart':
      return restart;
    case 'source-ended':
      return { end: how, sentence: 'its source had ended' };
    case 'fault':
      return { end: how, sentence: `it could not go on: ${reason}` };
    case 'planned':
      return { end: how, sentence: `it ended itself: ${reason}` };
    case 'hung':
      if (fault === null) return stopHung;
      return { end: how, sentence: `it could not go on: ${reason}; its stop took too long` };
    case 'crashed':
      return { end: how, sentence: `an internal error: ${fault?.message ?? reason}` };
    default:
      return unreachable(how);
  }
}

function systemdsWord(word: ExitWord, isMemoryShort: boolean): Verdict | undefined {
  switch (word.result) {
    case 'watchdog':
      return {
        end: 'watchdog',
        sentence: 'the watchdog of systemd had ended it, because it gave no sign of progress',
      };
    case 'timeout':
      return {
        end: 'hung',
        sentence: 'systemd had ended it, because its start or its stop took too long',
      };
    case 'oom-kill':
      return outOfMemory;
    // Of a start that systemd could not or would not make.
    case 'exec-condition':
    case 'start-limit-hit':
    case 'resources':
      return undefined;
    default:
      if (word.signal !== undefined) return bySignal(word.signal, word.result, isMemoryShort);
      return word.status === undefined ? undefined : byStatus(word.status);
  }
}

/** Signals of a program's own doing, and only of native code: JavaScript throws instead. */
const nativeSignals: Readonly<Record<string, string>> = {
  ABRT: 'gave up, or Node.js had no memory left',
  SEGV: 'reached for memory that is not its own',
  BUS: 'reached for memory that is gone',
  ILL: 'used an instruction that this processor does not have',
  FPE: 'divided by zero',
  TRAP: 'gave up',
  SYS: 'made a system call that the unit forbids',
};

function bySignal(signal: string, result: string, isMemoryShort: boolean): Verdict {
  const deed = nativeSignals[signal];
  if (deed !== undefined) {
    const who = "a native module, such as the model's runtime or a driver,";
    return { end: 'crashed', sentence: `it crashed by SIG${signal}: ${who} ${deed}` };
  }
  if (signal === 'KILL' && isMemoryShort) return outOfMemory;
  // Before the daemon listened to it; systemd takes SIGTERM for a clean end.
  if (result === 'success') return asked;
  return { end: 'killed', sentence: `it was killed by SIG${signal}` };
}

function byStatus(status: number): Verdict {
  switch (status) {
    case exitCodes.clean:
    case exitCodes.interrupted:
      return asked;
    case exitCodes.restart:
      return restart;
    case exitCodes.hung:
      return stopHung;
    case exitCodes.usage:
    case exitCodes.unavailable:
    case exitCodes.config:
      return { end: 'fault', sentence: `it could not go on: exit status ${status}` };
    case exitCodes.internal:
      return { end: 'crashed', sentence: `an internal error: exit status ${status}` };
    default:
      return { end: 'crashed', sentence: `it crashed: exit status ${status}` };
  }
}

/** Monotonic within a boot; across boots by the wall clock, where it was right both times. */
function blindOf(classified: Life['classified'], present: Present): Millis | undefined {
  if (classified === null) return undefined;
  const { bootId, at, wall } = classified;
  if (bootId === present.bootId && at <= present.at) return millisOf((present.at - at) as Micros);
  if (wall === null || present.wall === null || wall > present.wall) return undefined;
  return millis(present.wall - wall);
}
