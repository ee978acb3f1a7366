import { type Outcome, success } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Clock, WallClock } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { contract, type Topics } from '../contract/contract.ts';
import type { EventCode } from '../contract/event-codes.ts';
import { type ReportedMessage, sentenceOf } from '../contract/messages.ts';
import type { Link } from '../mqtt/link.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import type { Events } from './events.ts';
import { type Applied, differenceOf, type LiveConfig } from './live-config.ts';
import { createRemoteConfig, type RemoteConfig, type Verdict } from './remote-config.ts';
import type { RemoteStore } from './remote-store.ts';
import type { Verify } from './signature.ts';
import type { Supervision } from './supervision.ts';
import type { TrialStep } from './trial.ts';

/** What changes from afar begin with. */
export type PreparedRemote = {
  readonly store: RemoteStore;
  readonly verify: Verify | undefined;
  readonly start: TrialStep;
};

export type RemoteMessaging = {
  readonly link: Pick<Link, 'subscribe'>;
  readonly outbox: Pick<Outbox, 'offer'>;
  readonly events: Pick<Events, 'tell'>;
  readonly topics: Topics;
  readonly session: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
};

/** Has changes come from the broker, and what became of them told there. */
export function connectRemote(
  { config, log, clock }: { readonly config: Config; readonly log: Log; readonly clock: Clock },
  prepared: PreparedRemote | undefined,
  live: LiveConfig,
  supervision: Pick<Supervision, 'state' | 'isWorking' | 'retry'>,
  messaging: RemoteMessaging,
): RemoteConfig | undefined {
  if (prepared === undefined) return undefined;
  const remote = createRemoteConfig({
    ...prepared,
    local: config,
    live,
    log,
    clock,
    health: () => ({ isOk: supervision.isWorking(), sentence: supervision.state() }),
    onTrial: supervision.retry,
    report: (verdict, isNews) => tell(verdict, isNews, messaging),
  });
  const { link, topics } = messaging;
  link.subscribe(topics.configDesired, ({ payload, retained }) =>
    remote.onDesired(payload, retained),
  );
  return remote;
}

/** A verdict is numbered with labels and events, and kept as safe. */
function tell(verdict: Verdict, isNews: boolean, messaging: RemoteMessaging): void {
  const { outbox, events, topics, session } = messaging;
  const at = messaging.wallClock.isoOf(messaging.clock.now());
  const clockSynced = messaging.wallClock.isSynced();
  const payloadOf = (id: number): string =>
    JSON.stringify({ session, id, at, clockSynced, ...verdict } satisfies ReportedMessage);
  outbox.offer('verdict', topics.configReported, payloadOf, contract.configReported.retained);
  if (!isNews) return;
  const { version, state, errors } = verdict;
  const which = changeOf(version, state);
  const why = errors.map(sentenceOf);
  events.tell(eventOf[state], [`${which}: ${state}`, ...why].join('; '), {
    ...(version === null ? {} : { version }),
    ...(verdict.lastKnownGood === null ? {} : { lastKnownGood: verdict.lastKnownGood }),
  });
}

const eventOf: Readonly<Record<Verdict['state'], EventCode>> = {
  applied: 'config.applied',
  trial: 'config.trial',
  rejected: 'config.rejected',
  'rolled-back': 'config.rolled-back',
};

const changeOf = (version: number | null, state: Verdict['state']): string => {
  if (version !== null) return `config version ${version}`;
  return state === 'rejected' ? 'a document on config/desired' : "the device's own config";
};

/** SIGHUP: the device's own config is read again; a remote layer stays on top of it. */
export function reloadFrom(
  next: Config,
  live: LiveConfig,
  remote: RemoteConfig | undefined,
  log: Log,
): Outcome<Applied> {
  const { waiting } = differenceOf(live.current(), next);
  if (waiting.length > 0) log.warn({ sections: waiting }, 'these sections apply after a restart');
  if (remote !== undefined) {
    const laid = remote.onLocal(next);
    return laid.ok ? success({ ...laid.value, waiting }) : laid;
  }
  const applied = live.apply(next);
  if (applied.ok) log.info({ applied: applied.value.applied }, 'config reloaded');
  return applied;
}
