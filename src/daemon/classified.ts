import type { Fault } from '../base/fault.ts';
import type { Clock, Micros } from '../base/time.ts';
import type { Classification } from '../contract/threads.ts';
import type { PipelineEvents } from './pipeline-events.ts';
import { createReorder } from './reorder.ts';

/** What comes of frames in the inference workers: in the order of the frames where none may be lost. */
export interface ClassifiedFrames {
  take(classifications: readonly Classification[]): void;
  /** These will not come. */
  miss(ordinals: readonly number[]): void;
  /** A frame came to nothing: at its capture, or when it was classified; then it has an ordinal. */
  fail(reason: Fault, ordinal: number | undefined): void;
  /** Why the last one came to nothing. */
  lastFailure(): Fault | undefined;
  /** How often classified frames were told of, and when last. */
  heard(): { readonly count: number; readonly at: Micros | undefined };
}

export function createClassifiedFrames(
  clock: Clock,
  isLossless: () => boolean,
  { onClassified, onFrameFailed }: Pick<PipelineEvents, 'onClassified' | 'onFrameFailed'>,
): ClassifiedFrames {
  const reorder = createReorder<Classification>(onClassified);
  let count = 0;
  let at: Micros | undefined;
  let lastFailure: Fault | undefined;
  const miss = (ordinals: readonly number[]): void => {
    if (!isLossless()) return;
    for (const ordinal of ordinals) reorder.put(ordinal, undefined);
  };
  return {
    take: (classifications) => {
      count += classifications.length;
      at = clock.now();
      for (const classification of classifications) {
        // Where frames may be left out there is nothing to wait for.
        if (isLossless()) reorder.put(classification.ordinal, classification);
        else onClassified(classification);
      }
    },
    miss,
    fail: (reason, ordinal) => {
      lastFailure = reason;
      if (ordinal !== undefined) miss([ordinal]);
      onFrameFailed(reason);
    },
    lastFailure: () => lastFailure,
    heard: () => ({ count, at }),
  };
}
