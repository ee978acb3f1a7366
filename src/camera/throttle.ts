import { type Clock, type Micros, micros } from '../base/time.ts';

/** Says which frames are let go where no more than so many are wanted. */
export interface Throttle {
  /** At most so many frames a second from now on; undefined for all. */
  limit(fps: number | undefined): void;
  /** Whether the frame that is due now is taken. */
  admits(): boolean;
}

/**
 * Keeps a schedule of the wanted rate, so that what is taken is spread evenly. A frame may come a
 * quarter of a period early: cameras are not punctual, and one that gives just the wanted rate would
 * lose every other frame to that. Frames are never closer together than half a period.
 */
export function createThrottle(clock: Clock): Throttle {
  let period: number | undefined;
  let next: Micros | undefined;
  return {
    limit: (fps) => {
      period = fps === undefined ? undefined : 1_000_000 / fps;
      next = undefined;
    },
    admits: () => {
      if (period === undefined) return true;
      const now = clock.now();
      const slack = period / 4;
      if (next !== undefined && now < next - slack) return false;
      // After a pause the schedule begins anew: what was missed is not made up for.
      next = micros(Math.max(next ?? now, now - slack) + period);
      return true;
    },
  };
}
