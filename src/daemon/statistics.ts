import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Millis } from '../base/time.ts';

/** Milliseconds: the median, the 99th percentile and the largest. */
export type Percentiles = { readonly p50: number; readonly p99: number; readonly max: number };

/** Collects durations; what it takes does not grow with their number. */
export interface Durations {
  record(duration: Millis): void;
  /** What was recorded since the last `take`, if anything. */
  take(): Percentiles | undefined;
}

/** Node's own HDR histogram, in microseconds. */
export function createDurations(): Durations {
  const histogram: RecordableHistogram = createHistogram({ figures: 3 });
  return {
    record: (duration) => histogram.record(Math.max(1, Math.round(duration * 1000))),
    take: () => {
      if (histogram.count === 0) return undefined;
      const percentiles = {
        p50: histogram.percentile(50) / 1000,
        p99: histogram.percentile(99) / 1000,
        max: histogram.max / 1000,
      };
      histogram.reset();
      return percentiles;
    },
  };
}

/** How much a running total grew per second since it was asked last. */
export function createRate(): (total: number, atSeconds: number) => number {
  let before: { total: number; at: number } | undefined;
  return (total, at) => {
    const rate =
      before === undefined || at <= before.at ? 0 : (total - before.total) / (at - before.at);
    before = { total, at };
    return Math.round(rate * 100) / 100;
  };
}
