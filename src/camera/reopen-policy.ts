import { type BackoffPolicy, backoff } from '../base/backoff.ts';
import type { Fault } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import { type Millis, micros, millis } from '../base/time.ts';

/**
 * When a camera that failed is opened again. Opening is not free: each try may cost a driver memory
 * that it does not give back soon (CSI cameras and the kernel's contiguous memory), so the waits grow.
 * What the waits are for, a camera that is plugged in, is looked for much more often: that costs nothing.
 */
const usual: BackoffPolicy = { first: millis(500), cap: millis(30_000) };
/** Another program has it: it may end at any moment, and asking does no harm. */
const busy: BackoffPolicy = { first: millis(500), cap: millis(2000) };

/** How often to look whether a camera came or went. */
export const presencePeriod = millis(250);
/** Between two tries there is always this much, whatever comes and goes meanwhile. */
export const pauseLeast = millis(100);
/** A camera that worked for so long was a good one: the waits begin anew. */
export const settledAfter = micros(30_000_000);

/** The wait before the next try after `failures` (from 1) in a row. */
export function reopenDelay(reason: Fault, failures: number, random: Random): Millis {
  const policy = reason.code === 'camera.busy' ? busy : usual;
  return millis(Math.max(pauseLeast, backoff(policy, failures - 1, random)));
}
