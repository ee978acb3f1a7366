import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/assert.ts';
import type { Fault, Outcome } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import { type Clock, millis, seconds } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { type PathError, type ReportedMessage, sentenceOf } from '../contract/messages.ts';
import type { Layer } from './config-layers.ts';
import { readDesired } from './desired-document.ts';
import type { Applied, LiveConfig } from './live-config.ts';
import { layOver } from './remote-start.ts';
import type { RemoteStore } from './remote-store.ts';
import type { Verify } from './signature.ts';
import {
  stepTrial,
  type TrialAction,
  type TrialEvent,
  type TrialState,
  type TrialStep,
  trialPolicyOf,
  type Versioned,
} from './trial.ts';

/** Takes changes of the config from the broker, tries them, and reports what became of them. */
export interface RemoteConfig {
  /**
   * A message on `config/desired`. `isRepeated`: the broker had kept it and delivers it again, as it does
   * with every connection; it is answered only where there is something new to say.
   */
  onDesired(payload: Uint8Array, isRepeated: boolean): void;
  /** Something about health may have changed. */
  onHealth(): void;
  /** A fault would end the daemon; true when it ended a trial instead and another config is in force. */
  onFault(reason: Fault): boolean;
  /** The device's own config is another one now; the remote layer stays on top of it. */
  onLocal(next: Config): Outcome<Applied>;
  /** The layer that is in force or on trial, and the highest version that was taken. */
  standing(): { readonly layer: Layer; readonly highest: number };
  /** What would be wrong with a layer. */
  problemsOf(wanted: Versioned): readonly PathError[];
  /** Resolves with the next verdict on a version, or with undefined when `signal` aborts. */
  verdictOn(version: number, signal: AbortSignal): Promise<Verdict | undefined>;
  /** The daemon has stopped as it was asked to. */
  onStopped(): void;
  /** Ends its timer; a trial that is not over has not been survived. */
  close(): void;
}

export type RemoteConfigOptions = {
  /** The device's own config. */
  readonly local: Config;
  readonly start: TrialStep;
  readonly store: RemoteStore;
  readonly live: LiveConfig;
  readonly verify: Verify | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether all works that a change could spoil. */
  readonly health: () => { readonly isOk: boolean; readonly sentence: string };
  /** A change is in force from now on, and on trial. */
  readonly onTrial: () => void;
  /** `isNews`: false for what was in force before the daemon started. */
  readonly report: (verdict: Verdict, isNews: boolean) => void;
};

/** What became of a change, but for what makes a message of it. */
export type Verdict = Omit<ReportedMessage, 'session' | 'id' | 'at' | 'clockSynced'>;

/** How often a trial looks at the time; what changes health is heard of at once. */
const lookPeriod = millis(1000);

export function createRemoteConfig(options: RemoteConfigOptions): RemoteConfig {
  const { store, live, log, clock } = options;
  let local = options.local;
  let { state } = options.start;
  let told: Verdict | undefined;
  let isQuiet = false;
  let isNews = true;
  const listeners = new Set<(verdict: Verdict) => void>();

  const send = (event: TrialEvent): void => {
    const policy = trialPolicyOf(seconds(local.remoteConfig.trialSeconds));
    const step = stepTrial(state, event, clock.now(), policy);
    state = step.state;
    perform(step.actions);
  };

  const perform = (actions: readonly TrialAction[]): void => {
    for (const action of actions) {
      const answer = act(action);
      if (answer !== undefined) send(answer);
      // What comes after something that did not happen must not happen either.
      if (answer?.kind === 'unwritable') return;
    }
  };

  /** Does one thing; what it has to say about it is an event. */
  const act = (action: TrialAction): TrialEvent | undefined => {
    switch (action.kind) {
      case 'mark':
        return writeFailure('mark', store.mark(action.target));
      case 'keep':
        return writeFailure('keep', store.keep(action.kept)) ?? { kind: 'kept' };
      case 'note':
        warn(store.keep(action.kept));
        return undefined;
      case 'clear':
        warn(store.clear());
        return undefined;
      case 'apply':
        apply(action.target);
        if (state.phase.kind === 'trial') options.onTrial();
        return undefined;
      case 'report':
        report(action.report);
        return undefined;
      default:
        return unreachable(action);
    }
  };

  const writeFailure = (
    by: 'mark' | 'keep',
    outcome: Outcome<undefined>,
  ): TrialEvent | undefined =>
    outcome.ok ? undefined : { kind: 'unwritable', by, sentence: outcome.fault.message };

  const warn = (outcome: Outcome<undefined>): void => {
    if (!outcome.ok) log.warn({ fault: outcome.fault }, 'the remote config cannot be kept');
  };

  /** Puts a layer in force. It was judged before; only the disk may have changed since. */
  const apply = (target: Versioned): Laid => {
    const laid = layOver(local, target, live.check);
    const next = laid.ok ? laid.setup.config : local;
    const applied = live.apply(next);
    if (!laid.ok)
      log.warn({ errors: laid.errors }, 'the remote layer does not fit; going on without');
    if (!applied.ok) log.warn({ fault: applied.fault }, 'the config cannot be applied');
    else log.info({ version: target.version, ...applied.value }, 'config applied');
    return { applied, errors: laid.ok ? [] : laid.errors };
  };

  const report = (about: Pick<ReportedMessage, 'version' | 'state' | 'errors'>): void => {
    const verdict: Verdict = {
      ...about,
      config: withoutSecrets(live.current()),
      lastKnownGood: state.kept.good.version,
    };
    if (isQuiet && isDeepStrictEqual(verdict, told)) return;
    told = verdict;
    const { version, errors } = about;
    if (errors.length === 0) log.info({ version, state: about.state }, 'remote config');
    else log.warn({ version, state: about.state, errors }, 'remote config');
    options.report(verdict, isNews || about.state === 'rolled-back');
    for (const listener of [...listeners]) listener(verdict);
  };

  /** What is in force, though nobody has changed it from afar. */
  const tellStanding = (version: number | null, kind: 'trial' | 'applied'): void => {
    isNews = false;
    report({ version, state: kind, errors: [] });
    isNews = true;
  };

  const onDesired = (payload: Uint8Array, isRepeated: boolean): void => {
    isQuiet = isRepeated;
    judgeDesired(payload);
    isQuiet = false;
    look();
  };

  const judgeDesired = (payload: Uint8Array): void => {
    const desired = readDesired(payload, local, options.verify);
    if (desired.kind === 'refused') {
      send({ kind: 'refused', version: desired.version, errors: desired.errors });
      return;
    }
    const wanted: Versioned =
      desired.kind === 'none'
        ? { version: null, layer: {} }
        : { version: desired.version, layer: desired.layer };
    const laid = layOver(local, wanted, live.check);
    if (laid.ok) {
      const isChange = !isDeepStrictEqual(laid.setup.config, live.current());
      send({ kind: 'desired', wanted, isChange });
    } else {
      send({ kind: 'refused', version: wanted.version, errors: laid.errors });
    }
  };

  const look = (): void => {
    if (state.phase.kind === 'trial') send({ kind: 'health', ...options.health() });
  };

  isNews = false;
  perform(options.start.actions);
  isNews = true;
  const timer = setInterval(look, lookPeriod);
  return {
    onDesired,
    onHealth: look,
    onFault: (reason) => {
      if (state.phase.kind !== 'trial') return false;
      send({ kind: 'fault', sentence: reason.message });
      return true;
    },
    onLocal: (next) => {
      // Who may change what was decided when the daemon started.
      local = { ...next, remoteConfig: local.remoteConfig, stateDir: local.stateDir };
      const { version } = targetOf(state);
      const { applied, errors } = apply(targetOf(state));
      if (errors.length === 0) {
        tellStanding(version, state.phase.kind === 'trial' ? 'trial' : 'applied');
      } else if (state.phase.kind === 'trial') {
        send({ kind: 'fault', sentence: textOf(errors) });
      } else {
        // It stays the last known good one: the device's own config may be mended again.
        report({ version, state: 'rejected', errors: [...errors] });
      }
      return applied;
    },
    standing: () => ({ layer: targetOf(state).layer, highest: highestOf(state) }),
    problemsOf: (wanted) => {
      const laid = layOver(local, wanted, live.check);
      return laid.ok ? [] : laid.errors;
    },
    verdictOn: (version, signal) =>
      new Promise((resolve) => {
        const finish = (verdict: Verdict | undefined): void => {
          listeners.delete(listen);
          resolve(verdict);
        };
        const listen = (verdict: Verdict): void => {
          if (verdict.version === version) finish(verdict);
        };
        listeners.add(listen);
        signal.addEventListener('abort', () => finish(undefined), { once: true });
        if (signal.aborted) finish(undefined);
      }),
    onStopped: () => send({ kind: 'stopped' }),
    close: () => clearInterval(timer),
  };
}

/** What came of putting a layer in force; with errors it was left out. */
type Laid = { readonly applied: Outcome<Applied>; readonly errors: readonly PathError[] };

const textOf = (errors: readonly PathError[]): string => errors.map(sentenceOf).join('; ');

/** What is in force, or on trial. */
const targetOf = ({ phase, kept }: TrialState): Versioned =>
  phase.kind === 'trial' ? phase.target : kept.good;

const highestOf = (state: TrialState): number =>
  Math.max(state.kept.highest, targetOf(state).version ?? 0);

/** Secrets lie in files that the config names; all that an address may carry beside it is left out. */
function withoutSecrets(config: Config): ReportedMessage['config'] {
  const url = config.mqtt.url.replace(/[?#].*$/, '');
  return { ...config, mqtt: { ...config.mqtt, url } };
}
