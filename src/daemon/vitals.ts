import type { Fault } from '../base/fault.ts';
import { type Clock, type Micros, type Millis, micros, millisOf, seconds } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { frameDeadlineOf } from '../contract/frame.ts';
import { imbalanceOf, type Ledger } from '../contract/ledger.ts';
import type { LinkState } from '../mqtt/connection.ts';
import type { Facts } from './health.ts';
import type { Pipeline } from './pipeline-interface.ts';

/** What is known of the daemon's parts, sampled: how long each has been as it is. */
export interface Vitals {
  /** Looks at everything; called about once a second. */
  sample(): Facts;
}

export type Outside = Pick<Facts, 'outbox' | 'config' | 'disk' | 'power' | 'memory'>;

export type VitalsOptions = {
  readonly clock: Clock;
  readonly pipeline: Pick<Pipeline, 'phase' | 'camera' | 'ledger' | 'vitals'>;
  readonly config: () => Config;
  readonly link: () => LinkState;
  /** Messages that wait for the broker's acknowledgement, and how many have got theirs. */
  readonly delivery: () => { readonly waiting: number; readonly acknowledged: number };
  /** What is known of all that is not the pipeline's. */
  readonly outside: () => Outside;
};

export function createVitals(options: VitalsOptions): Vitals {
  const { clock, pipeline } = options;
  const frame = createStillness();
  const classified = createStillness();
  const unbalanced = createDuration();
  const heard = createDuration();
  const acknowledged = createStillness();
  const failing = createDuration();
  let failed: Failed = { classified: 0, count: 0, base: 0, movedAt: undefined, from: undefined };
  let heardBefore = { heard: 0, classified: 0 };

  /** Counts grow on both sides of the seam; what matters is that one does not while the other does. */
  const isUnheard = (isHeard: number, isClassified: number): boolean => {
    if (isHeard !== heardBefore.heard) heardBefore = { heard: isHeard, classified: isClassified };
    // A frame is told of first and counted after.
    return isClassified > heardBefore.classified && isClassified > isHeard;
  };

  /** Frames come, and come to nothing: counted anew where one was classified, or a source was opened. */
  const isFailing = (
    ledger: Ledger,
    from: Micros | undefined,
    now: Micros,
    gap: Millis,
  ): boolean => {
    const isAnew = ledger.classified !== failed.classified || from !== failed.from;
    failed = {
      classified: ledger.classified,
      count: ledger.failed,
      base: isAnew ? ledger.failed : failed.base,
      movedAt: ledger.failed === failed.count ? failed.movedAt : now,
      from,
    };
    if (from === undefined || failed.movedAt === undefined) return false;
    return ledger.failed > failed.base && now - failed.movedAt < gap * 1000;
  };

  let opened: { readonly at: Micros | undefined; readonly captured: number } | undefined;
  const hasFrame = (captured: number, at: Micros | undefined): boolean => {
    if (opened === undefined || opened.at !== at) opened = { at, captured };
    return captured > opened.captured;
  };

  return {
    sample: () => {
      const now = clock.now();
      const { health, camera } = options.config();
      const vitals = pipeline.vitals();
      const ledger = pipeline.ledger();
      const isRead = vitals.streamingSince !== undefined && !vitals.isLossless;
      const waits = options.delivery();
      const link = options.link();
      const isClassifying = pipeline.phase() === 'running' && ledger.inFlight > 0;
      return {
        phase: pipeline.phase(),
        camera: {
          ...vitals.camera,
          state: pipeline.camera(),
          sinceFrame: frame(ledger.captured, isRead, now, vitals.streamingSince),
          hasFrame: !isRead || hasFrame(ledger.captured, vitals.streamingSince),
          frameDeadline: frameDeadlineOf(seconds(health.frameDeadlineSeconds), camera.fps),
        },
        hasBegun: ledger.captured > 0,
        readers: vitals.readers,
        inferenceDeadline: seconds(health.inferenceDeadlineSeconds),
        sinceClassified: classified(
          ledger.classified + ledger.failed,
          isClassifying,
          now,
          undefined,
        ),
        failing: failingOf(
          failing(
            !vitals.isLossless &&
              isFailing(ledger, vitals.streamingSince, now, failureGap(camera.fps)),
            now,
          ),
          vitals.lastFailure,
        ),
        unbalanced: unbalanced(imbalanceOf(ledger) !== 0, now),
        unheard: heard(isUnheard(vitals.heard.count, ledger.classified), now),
        link,
        unacknowledged: acknowledged(
          waits.acknowledged,
          link.kind === 'online' && waits.waiting > 0,
          now,
          undefined,
        ),
        ...options.outside(),
        troubles: vitals.troubles,
      };
    },
  };
}

const failingOf = (since: Millis | undefined, fault: Fault | undefined): Facts['failing'] =>
  since === undefined || fault === undefined ? undefined : { since, fault };

type Failed = {
  readonly classified: number;
  readonly count: number;
  readonly base: number;
  readonly movedAt: Micros | undefined;
  readonly from: Micros | undefined;
};

/** Without another failure for so long nothing fails any more: nothing comes. */
const failureGap = (fps: number): Millis => frameDeadlineOf(seconds(5), fps);

/** How long a condition has held without a break. */
function createDuration(): (holds: boolean, now: Micros) => Millis | undefined {
  let since: Micros | undefined;
  return (holds, now) => {
    since = holds ? (since ?? now) : undefined;
    return since === undefined ? undefined : millisOf(micros(now - since));
  };
}

/** How long a count has stood still while it should grow; not from before `from`. */
function createStillness() {
  let last = -1;
  let movedAt: Micros | undefined;
  return (
    count: number,
    shouldGrow: boolean,
    now: Micros,
    from: Micros | undefined,
  ): Millis | undefined => {
    if (count !== last || !shouldGrow || movedAt === undefined) movedAt = now;
    if (from !== undefined && movedAt < from) movedAt = from;
    last = count;
    return shouldGrow ? millisOf(micros(now - movedAt)) : undefined;
  };
}
