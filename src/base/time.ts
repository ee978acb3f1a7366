/** A duration or a monotonic instant, in milliseconds. */
export type Millis = number & { readonly unit: 'ms' };
/** A duration or a monotonic instant, in microseconds; exact as a double for 285 years. */
export type Micros = number & { readonly unit: 'us' };

export const millis = (value: number): Millis => value as Millis;
export const micros = (value: number): Micros => value as Micros;
export const seconds = (value: number): Millis => (value * 1000) as Millis;
export const millisOf = (value: Micros): Millis => (value / 1000) as Millis;

/** Whether `every` has passed since `last`; something that never was is due. */
export const isDue = (now: Micros, last: Micros | undefined, every: Millis): boolean =>
  last === undefined || (now - last) / 1000 >= every;

/** What tells the time inside the daemon; tests hand in their own. */
export interface Clock {
  /** CLOCK_MONOTONIC: the same for every thread of this machine, and the one V4L2 stamps frames with. */
  now(): Micros;
  /** Resolves after `duration`, or at once when `signal` aborts; never rejects. */
  sleep(duration: Millis, signal: AbortSignal | undefined): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1000n) as Micros,
  sleep: (duration, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, duration);
      signal?.addEventListener('abort', finish);
    }),
};

/**
 * Turns monotonic instants into UTC. What lies between the two clocks is held, so that times neither
 * wander nor jump on their own; a look compares again and follows when the wall clock was set: by a
 * person, by NTP on a device that learns the time after it has started, or by a suspend, of which the
 * monotonic clock knows nothing. NTP's slewing turns both clocks and moves nothing here.
 *
 * A time is that of the wall clock as it stood at the last look, also for an instant before it was set:
 * who sets a clock corrects it, and times of one message agree with each other. What was said before is
 * not said again.
 */
export interface WallClock {
  isoOf(instant: Micros): string;
  /** Whether times are right: something keeps this machine's clock. */
  isSynced(): boolean;
  /** Notices what happened to the wall clock; called once a second. Between calls the others look. */
  look(): void;
  /** Has `listener` called when the wall clock has become right: times are so much later from then on. */
  onSynced(listener: (step: Millis) => void): void;
  /** Has `listener` called when the wall clock was moved in another way. */
  onStepped(listener: (step: Millis) => void): void;
}

/** A difference from which it was a step: far above what reading two clocks can be wrong by. */
const stepLeast = 500;
/** Comparing takes microseconds; who stamps every frame need not do it so often. */
const looksFor = 1_000_000;
/** Longer, so that a time and what is said of it right afterwards are of the same look. */
const syncedFor = 2 * looksFor;
/** Both clocks must have been read within this, or the thread was held up between them. */
const readingMost = 10_000;
const readingsMax = 3;

export function createWallClock(
  clock: Clock,
  wallNow: () => number,
  /** Whether the system's clock is synchronized at this moment. */
  isSystemSynced: () => boolean = () => true,
): WallClock {
  let offset = offsetOf(clock, wallNow).offset;
  let isSynced = isSystemSynced();
  let lookedAt = clock.now();
  let tellSynced = (_step: Millis): void => {};
  let tellStepped = (_step: Millis): void => {};

  const look = (): void => {
    lookedAt = clock.now();
    const wasSynced = isSynced;
    isSynced = isSystemSynced();
    const reading = offsetOf(clock, wallNow);
    const step = reading.offset - offset;
    const hasBecomeRight = isSynced && !wasSynced;
    if (!hasBecomeRight && (!reading.isCertain || Math.abs(step) < stepLeast)) return;
    offset = reading.offset;
    // All is in order before anyone is told: listeners ask for the time.
    if (hasBecomeRight) tellSynced(millis(step));
    else tellStepped(millis(step));
  };

  const lookAfter = (age: number): void => {
    if (clock.now() - lookedAt >= age) look();
  };

  return {
    isoOf: (instant) => {
      lookAfter(looksFor);
      return new Date(instant / 1000 + offset).toISOString();
    },
    isSynced: () => {
      lookAfter(syncedFor);
      return isSynced;
    },
    look,
    onSynced: (listener) => {
      tellSynced = listener;
    },
    onStepped: (listener) => {
      tellStepped = listener;
    },
  };
}

/** How far the wall clock is ahead of the monotonic one, in milliseconds. */
function offsetOf(
  clock: Clock,
  wallNow: () => number,
): { readonly offset: number; readonly isCertain: boolean } {
  let offset = 0;
  for (let count = 0; count < readingsMax; count += 1) {
    const before = clock.now();
    const wall = wallNow();
    const took = clock.now() - before;
    offset = wall - (before + took / 2) / 1000;
    if (took <= readingMost) return { offset, isCertain: true };
  }
  return { offset, isCertain: false };
}
