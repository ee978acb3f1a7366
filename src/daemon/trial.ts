import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/assert.ts';
import { type Micros, type Millis, millis } from '../base/time.ts';
import type { PathError, ReportedMessage } from '../contract/messages.ts';
import type { Layer } from './config-layers.ts';

/*
 * What becomes of a remote change, as a pure function: it is on trial until health was ok for long
 * enough in a row, and rolled back when that does not happen in time, when the daemon would end of a
 * fault, or when it did end without having been asked.
 */

/** A remote layer and the version it came with; null is the device's own config alone. */
export type Versioned = { readonly version: number | null; readonly layer: Layer };

export const noLayer: Versioned = { version: null, layer: {} };

/** What outlives the process. */
export type Kept = {
  readonly good: Versioned;
  /** Versions up to here were tried or overtaken: none of them will be tried. */
  readonly highest: number;
  /** The newest version that failed, and why, for whoever asks again; older ones are below `highest`. */
  readonly failed: { readonly version: number; readonly errors: readonly PathError[] } | null;
};

export const nothingKept: Kept = { good: noLayer, highest: 0, failed: null };

export type TrialState = {
  readonly kept: Kept;
  readonly phase:
    | { readonly kind: 'settled' }
    | {
        readonly kind: 'trial';
        readonly target: Versioned;
        readonly since: Micros;
        /** Since when health has been ok without a break. */
        readonly okSince: Micros | undefined;
        /** What health said last. */
        readonly health: string;
      };
};

export type TrialEvent =
  /** `isChange`: whether the config in force would be another one. */
  | { readonly kind: 'desired'; readonly wanted: Versioned; readonly isChange: boolean }
  | {
      readonly kind: 'refused';
      readonly version: number | null;
      readonly errors: readonly PathError[];
    }
  /** Health as it is now; said often enough that the end of a trial is not missed. */
  | { readonly kind: 'health'; readonly isOk: boolean; readonly sentence: string }
  /** The daemon would have to end, or a thread died. */
  | { readonly kind: 'fault'; readonly sentence: string }
  /** The disk took what `keep` had to write. */
  | { readonly kind: 'kept' }
  /** The disk did not take what `by` had to write; the actions after it were left out. */
  | { readonly kind: 'unwritable'; readonly by: 'mark' | 'keep'; readonly sentence: string }
  /** The daemon was asked to stop, and did. */
  | { readonly kind: 'stopped' };

export type TrialAction =
  /** Writes on disk that a trial begins; answered with `unwritable` when that fails. */
  | { readonly kind: 'mark'; readonly target: Versioned }
  /** Writes what outlives the process; answered with `kept` or `unwritable`. */
  | { readonly kind: 'keep'; readonly kept: Kept }
  /** The same, where the trial has failed already: nothing better can be done without it. */
  | { readonly kind: 'note'; readonly kept: Kept }
  /** Takes the mark of the trial off the disk. */
  | { readonly kind: 'clear' }
  | { readonly kind: 'apply'; readonly target: Versioned }
  | { readonly kind: 'report'; readonly report: Report };

export type Report = Pick<ReportedMessage, 'version' | 'state' | 'errors'>;

export type TrialPolicy = {
  /** Health must be ok for so long in a row. */
  readonly trial: Millis;
  /** So long after the change it must have become ok, and stay it. */
  readonly patience: Millis;
};

/** A camera is opened and a model loaded within this, also on a slow device. */
const patienceLeast = millis(10_000);

export const trialPolicyOf = (trial: Millis): TrialPolicy => ({
  trial,
  patience: millis(Math.max(patienceLeast, trial)),
});

export type TrialStep = {
  readonly state: TrialState;
  readonly actions: readonly TrialAction[];
};

/** How a daemon begins with what it finds on disk: a trial that it finds has not been survived. */
export function beginTrial(kept: Kept, marked: Versioned | undefined): TrialStep {
  const state: TrialState = { kept, phase: { kind: 'settled' } };
  const report = reportOf(kept.good.version, 'applied');
  if (marked === undefined) return { state, actions: [report] };
  // The power may have gone between the verdict and the removal of the mark.
  const isDecided =
    marked.version === null ? kept.good.version === null : marked.version <= kept.highest;
  if (isDecided) return { state, actions: [{ kind: 'clear' }, report] };
  const sentence = 'the daemon ended during the trial: a crash, or the power went';
  return rolledBack(kept, marked, sentence, false);
}

export function stepTrial(
  state: TrialState,
  event: TrialEvent,
  now: Micros,
  policy: TrialPolicy,
): TrialStep {
  switch (event.kind) {
    case 'desired':
      return onDesired(state, event.wanted, event.isChange, now);
    case 'refused':
      return { state, actions: [reportOf(event.version, 'rejected', event.errors)] };
    case 'health':
      return onHealth(state, event, now, policy);
    case 'fault':
      return failedBy(state, `it cannot work: ${event.sentence}`);
    case 'unwritable':
      if (event.by === 'mark') return unmarked(state, event.sentence);
      return failedBy(state, `the change cannot be kept: ${event.sentence}`);
    case 'kept':
      return onKept(state);
    case 'stopped':
      // Neither passed nor failed: the broker delivers the retained document again.
      return {
        state: { ...state, phase: { kind: 'settled' } },
        actions: state.phase.kind === 'trial' ? atStop(state.kept, state.phase.target) : [],
      };
    default:
      return unreachable(event);
  }
}

/** An empty message is not kept by the broker: the layer that it took away would come back. */
const atStop = (kept: Kept, target: Versioned): readonly TrialAction[] =>
  target.version === null
    ? [{ kind: 'note', kept: keeping(kept, target) }, { kind: 'clear' }]
    : [{ kind: 'clear' }];

const reportOf = (
  version: number | null,
  state: Report['state'],
  errors: readonly PathError[] = [],
): TrialAction => ({ kind: 'report', report: { version, state, errors: [...errors] } });

const isSame = (a: Versioned, b: Versioned): boolean =>
  a.version === b.version && isDeepStrictEqual(a.layer, b.layer);

function onDesired(
  state: TrialState,
  wanted: Versioned,
  isChange: boolean,
  now: Micros,
): TrialStep {
  const { kept, phase } = state;
  // A retained document comes again with every connection.
  if (phase.kind === 'trial' && isSame(wanted, phase.target)) {
    return { state, actions: [reportOf(wanted.version, 'trial')] };
  }
  if (phase.kind === 'settled' && isSame(wanted, kept.good)) {
    return { state, actions: [reportOf(wanted.version, 'applied')] };
  }
  if (kept.failed !== null && wanted.version === kept.failed.version) {
    return { state, actions: [reportOf(wanted.version, 'rolled-back', kept.failed.errors)] };
  }
  const taken = Math.max(kept.highest, versionOf(state) ?? 0);
  if (wanted.version !== null && wanted.version <= taken) {
    const message = `${wanted.version} is not newer than ${taken}, which was taken before; raise it`;
    return {
      state,
      actions: [reportOf(wanted.version, 'rejected', [{ path: 'version', message }])],
    };
  }
  const overtaking = { ...kept, highest: taken };
  if (phase.kind === 'settled' && !isChange) return unchanged(state, wanted);
  return {
    state: {
      kept: overtaking,
      phase: { kind: 'trial', target: wanted, since: now, okSince: undefined, health: 'unknown' },
    },
    // A trial that is overtaken has no verdict; what is overtaken must not come back.
    actions: [
      ...(taken > kept.highest ? [{ kind: 'note', kept: overtaking } as const] : []),
      { kind: 'mark', target: wanted },
      { kind: 'apply', target: wanted },
      reportOf(wanted.version, 'trial'),
    ],
  };
}

/** What could not be rolled back after a crash is not begun; it is not the document's fault. */
function unmarked(state: TrialState, sentence: string): TrialStep {
  const { kept } = state;
  const message = `cannot be tried: ${sentence}; mend that and send it again`;
  return {
    state: { kept, phase: { kind: 'settled' } },
    // A trial that it was to overtake is over too.
    actions: [
      { kind: 'clear' },
      { kind: 'apply', target: kept.good },
      reportOf(versionOf(state), 'rejected', [{ path: '', message }]),
    ],
  };
}

const versionOf = ({ phase }: TrialState): number | null =>
  phase.kind === 'trial' ? phase.target.version : null;

/** A layer that changes nothing needs no trial; its version counts all the same. */
function unchanged({ kept, phase }: TrialState, wanted: Versioned): TrialStep {
  const next = {
    ...kept,
    good: wanted,
    highest: Math.max(kept.highest, wanted.version ?? 0),
  };
  return {
    state: { kept: next, phase },
    actions: [{ kind: 'note', kept: next }, reportOf(wanted.version, 'applied')],
  };
}

function onHealth(
  state: TrialState,
  { isOk, sentence }: Extract<TrialEvent, { kind: 'health' }>,
  now: Micros,
  policy: TrialPolicy,
): TrialStep {
  const { kept, phase } = state;
  if (phase.kind === 'settled') return { state, actions: [] };
  const okSince = isOk ? (phase.okSince ?? now) : undefined;
  const next: TrialState = { kept, phase: { ...phase, okSince, health: sentence } };
  if (okSince !== undefined && now - okSince >= policy.trial * 1000) {
    // The trial is over once the disk has it, and not before.
    return { state: next, actions: [{ kind: 'keep', kept: keeping(kept, phase.target) }] };
  }
  const isPatient = now - phase.since < policy.patience * 1000;
  if (isOk || isPatient) return { state: next, actions: [] };
  const after = Math.round((now - phase.since) / 1_000_000);
  return failedBy(next, `health is ${sentence}, not ok, ${after} s after the change`);
}

const keeping = (kept: Kept, target: Versioned): Kept => ({
  good: target,
  highest: Math.max(kept.highest, target.version ?? 0),
  failed: null,
});

function onKept({ kept, phase }: TrialState): TrialStep {
  if (phase.kind === 'settled') return { state: { kept, phase }, actions: [] };
  return {
    state: { kept: keeping(kept, phase.target), phase: { kind: 'settled' } },
    actions: [{ kind: 'clear' }, reportOf(phase.target.version, 'applied')],
  };
}

function failedBy(state: TrialState, sentence: string): TrialStep {
  if (state.phase.kind === 'settled') return { state, actions: [] };
  return rolledBack(state.kept, state.phase.target, sentence, true);
}

function rolledBack(
  kept: Kept,
  target: Versioned,
  sentence: string,
  isInForce: boolean,
): TrialStep {
  const { good } = kept;
  const back = good.version === null ? "the device's own config" : `version ${good.version}`;
  const errors = [{ path: '', message: `${sentence}; back to ${back}. Send a higher version.` }];
  const next: Kept = {
    good,
    highest: Math.max(kept.highest, target.version ?? 0),
    failed: target.version === null ? kept.failed : { version: target.version, errors },
  };
  return {
    state: { kept: next, phase: { kind: 'settled' } },
    actions: [
      { kind: 'note', kept: next },
      { kind: 'clear' },
      ...(isInForce ? [{ kind: 'apply', target: good } as const] : []),
      reportOf(target.version, 'rolled-back', errors),
    ],
  };
}
