import type { Random } from './random.ts';
import { type Millis, millis } from './time.ts';

export type BackoffPolicy = {
  readonly first: Millis;
  readonly cap: Millis;
};

/**
 * How long to wait before attempt `attempt` (0 is the first retry): exponential with full jitter,
 * uniform in [0, min(cap, first · 2^attempt)), so that a fleet that lost its broker at one moment
 * does not come back at one moment. (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.)
 */
export function backoff(policy: BackoffPolicy, attempt: number, random: Random): Millis {
  const ceiling = Math.min(policy.cap, policy.first * 2 ** Math.min(attempt, 30));
  return millis(random() * ceiling);
}
