import { type Micros, type Millis, millis } from '../base/time.ts';

/**
 * When the outbox may write: SD cards wear out. A commit costs some 7 kB on the disk however little
 * is in it (bench/outbox.ts), so commits are what is rationed: a burst of `burstMax` a tenth of a
 * second apart, then one a second. An hour so holds no more than 3,630 commits, some 26 MB, besides
 * the messages themselves.
 */
export type WriteBudget = {
  readonly commits: number;
  readonly at: Micros;
  readonly lastAt: Micros;
};

const burstMax = 30;
const perSecond = 1;
/** What comes within this after a commit goes into the next one together. */
const spacing = millis(100);

export const fullBudget = (now: Micros): WriteBudget => ({
  commits: burstMax,
  at: now,
  lastAt: 0 as Micros,
});

export function spendCommit(budget: WriteBudget, now: Micros): WriteBudget {
  return { commits: Math.max(0, commitsAt(budget, now) - 1), at: now, lastAt: now };
}

/** How long the next commit has to wait. */
export function commitWait(budget: WriteBudget, now: Micros): Millis {
  const sinceLast = (now - budget.lastAt) / 1000;
  const untilSpaced = budget.lastAt === 0 ? 0 : Math.max(0, spacing - sinceLast);
  const missing = Math.max(0, 1 - commitsAt(budget, now));
  return millis(Math.max(untilSpaced, (missing / perSecond) * 1000));
}

const commitsAt = ({ commits, at }: WriteBudget, now: Micros): number =>
  Math.min(burstMax, commits + ((now - at) / 1_000_000) * perSecond);
