/** A duration or a monotonic instant, in milliseconds. */
export type Millis = number & { readonly unit: 'ms' };
/** A duration or a monotonic instant, in microseconds; exact as a double for 285 years. */
export type Micros = number & { readonly unit: 'us' };

export const millis = (value: number): Millis => value as Millis;
export const micros = (value: number): Micros => value as Micros;
export const seconds = (value: number): Millis => (value * 1000) as Millis;
export const millisOf = (value: Micros): Millis => (value / 1000) as Millis;

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
 * Turns monotonic instants into UTC. The offset is read once, so that a step of the wall clock moves no
 * timestamp of a running session backwards; and a second time when the wall clock becomes right, as on
 * a device that learns the time from the network after it has started.
 */
export interface WallClock {
  isoOf(instant: Micros): string;
  /** Whether times are right: something keeps this machine's clock. */
  isSynced(): boolean;
  /** Has `listener` called when the wall clock has become right: times are so much later from then on. */
  onSynced(listener: (step: Millis) => void): void;
}

/** The system says it for a microsecond of work; who asks for every frame need not ask so often. */
const syncedFor = seconds(1);

export function createWallClock(
  clock: Clock,
  wallNow: () => number,
  /** Whether the system's clock is synchronized at this moment. */
  isSystemSynced: () => boolean = () => true,
): WallClock {
  const offsetNow = (): number => wallNow() - clock.now() / 1000;
  let offset = offsetNow();
  let isSynced = isSystemSynced();
  let lookedAt = clock.now();
  let tell = (_step: Millis): void => {};

  const look = (): void => {
    lookedAt = clock.now();
    const wasSynced = isSynced;
    isSynced = isSystemSynced();
    if (!isSynced || wasSynced) return;
    const step = offsetNow() - offset;
    offset += step;
    tell(millis(step));
  };

  return {
    isoOf: (instant) => new Date(instant / 1000 + offset).toISOString(),
    isSynced: () => {
      if (clock.now() - lookedAt >= syncedFor * 1000) look();
      return isSynced;
    },
    onSynced: (listener) => {
      tell = listener;
    },
  };
}
