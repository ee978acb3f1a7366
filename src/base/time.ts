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
 * Turns monotonic instants into UTC. The offset is read once, so that a step of the wall clock moves
 * no timestamp of a running session backwards.
 */
export interface WallClock {
  isoOf(instant: Micros): string;
}

export function createWallClock(clock: Clock, wallNow: () => number): WallClock {
  const offset = wallNow() - clock.now() / 1000;
  return {
    isoOf: (instant) => new Date(instant / 1000 + offset).toISOString(),
  };
}
