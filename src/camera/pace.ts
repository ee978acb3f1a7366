import { type Clock, type Micros, micros, millis } from '../base/time.ts';

/** Says when frames are due at a fixed rate. */
export interface Pace {
  /** Waits until the next frame is due; returns when that was, and resolves at once when aborted. */
  next(signal: AbortSignal): Promise<Micros>;
}

/**
 * A steady rate on an absolute schedule, so that waits do not add up to a drift. Once the next
 * frame is more than a period late the schedule starts anew from now: frames that nobody could take are not made up for.
 */
export function createPace(clock: Clock, fps: number): Pace {
  const period = micros(1_000_000 / fps);
  let due: Micros | undefined;
  return {
    next: async (signal) => {
      const now = clock.now();
      if (due === undefined || now - due > 2 * period) due = now;
      else due = micros(due + period);
      const wait = millis((due - now) / 1000);
      if (wait > 0) await clock.sleep(wait, signal);
      return due;
    },
  };
}
