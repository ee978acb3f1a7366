import { type Clock, type Micros, type Millis, millis } from '../base/time.ts';
import type { PulseHandle } from '../contract/threads.ts';

/*
 * A thread's signs of life, in shared memory: whoever hangs in a native call cannot send messages.
 * Times are milliseconds of the monotonic clock in 32 bits, which wrap after seven weeks; only
 * differences are made of them.
 */

const beatAt = 0; // When the thread last turned its event loop.
const busyAt = 1; // Since when it is in a call that may take its time; 0 while it is not.
const wordCount = 2;

/** How often a thread with an event loop shows that it turns. */
export const beatPeriod = millis(500);

export const createPulse = (clock: Clock): PulseHandle => {
  const memory = new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT);
  const handle = { words: new Int32Array(memory) };
  openPulse(handle, clock).beat();
  return handle;
};

/** The thread's own end of its pulse. */
export interface Pulse {
  beat(): void;
  /** A call begins that may not return: the model's, a driver's. Calls do not nest. */
  begin(): void;
  end(): void;
}

export function openPulse({ words }: PulseHandle, clock: Clock): Pulse {
  // Whoever reads the one word has no use for the other: no order among them matters.
  return {
    beat: () => void Atomics.store(words, beatAt, wordOf(clock.now())),
    begin: () => void Atomics.store(words, busyAt, wordOf(clock.now()) || 1),
    end: () => {
      Atomics.store(words, busyAt, 0);
      Atomics.store(words, beatAt, wordOf(clock.now()));
    },
  };
}

/** For who works where nobody looks for signs of life. */
export const noPulse: Pulse = { beat: () => {}, begin: () => {}, end: () => {} };

/** What another thread sees of it. */
export type SignsOfLife = {
  /** Since its last beat. */
  readonly silent: Millis;
  /** How long its present call has been going on; undefined while there is none. */
  readonly busy: Millis | undefined;
};

export function signsOf({ words }: PulseHandle, now: Micros): SignsOfLife {
  const sinceOf = (word: number): Millis => millis(Math.max(0, (wordOf(now) - word) | 0));
  const busy = Atomics.load(words, busyAt);
  return {
    silent: sinceOf(Atomics.load(words, beatAt)),
    busy: busy === 0 ? undefined : sinceOf(busy),
  };
}

const wordOf = (now: Micros): number => Math.floor(now / 1000) | 0;
