import type { BackoffPolicy } from '../base/backoff.ts';
import { type Micros, micros, millis } from '../base/time.ts';

/** A died thread is started again, but not for ever: so many times within a window. */
export type RestartPolicy = {
  readonly restartsMax: number;
  readonly window: Micros;
  readonly backoff: BackoffPolicy;
};

/** Five in ten minutes: a thread that dies more often is broken in a way that starting it does not mend. */
export const restartPolicy: RestartPolicy = {
  restartsMax: 5,
  window: micros(600_000_000),
  backoff: { first: millis(100), cap: millis(5000) },
};

export type RestartDecision =
  | { readonly kind: 'restart'; readonly attempt: number; readonly history: readonly Micros[] }
  | { readonly kind: 'give-up' };

/** What to do about a death at `now`, given when the earlier restarts were. */
export function decideRestart(
  history: readonly Micros[],
  now: Micros,
  policy: RestartPolicy,
): RestartDecision {
  const recent = history.filter((at) => now - at < policy.window);
  if (recent.length >= policy.restartsMax) return { kind: 'give-up' };
  return { kind: 'restart', attempt: recent.length, history: [...recent, now] };
}
