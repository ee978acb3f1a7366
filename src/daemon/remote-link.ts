import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import type { Topics } from '../contract/messages.ts';
import type { Link } from '../mqtt/link.ts';
import type { HealthReporter } from './health-reporter.ts';
import { differenceOf, type LiveConfig } from './live-config.ts';
import { createRemoteConfig, type RemoteConfig } from './remote-config.ts';
import type { RemoteStore } from './remote-store.ts';
import type { Verify } from './signature.ts';
import type { TrialStep } from './trial.ts';

/** What changes from afar begin with. */
export type PreparedRemote = {
  readonly store: RemoteStore;
  readonly verify: Verify | undefined;
  readonly start: TrialStep;
};

/** Has changes come from the broker, and what became of them told there. */
export function connectRemote(
  { config, log, clock }: { readonly config: Config; readonly log: Log; readonly clock: Clock },
  prepared: PreparedRemote | undefined,
  live: LiveConfig,
  reporter: Pick<HealthReporter, 'state'>,
  link: Pick<Link, 'retain' | 'subscribe'>,
  topics: Topics,
): RemoteConfig | undefined {
  if (prepared === undefined) return undefined;
  const remote = createRemoteConfig({
    ...prepared,
    local: config,
    live,
    log,
    clock,
    healthState: reporter.state,
    report: (payload) => link.retain(topics.configReported, payload),
  });
  link.subscribe(topics.configDesired, ({ payload }) => remote.onDesired(payload));
  return remote;
}

/** SIGHUP: the device's own config is read again; a remote layer stays on top of it. */
export function reloadFrom(
  next: Config,
  live: LiveConfig,
  remote: RemoteConfig | undefined,
  log: Log,
): void {
  const { waiting } = differenceOf(live.current(), next);
  if (waiting.length > 0) log.warn({ sections: waiting }, 'these sections apply after a restart');
  if (remote !== undefined) {
    remote.onLocal(next);
    return;
  }
  const applied = live.apply(next);
  if (applied.ok) log.info({ applied: applied.value.applied }, 'config reloaded');
  else
    log.warn({ fault: applied.fault }, 'the config was not reloaded; going on with the one before');
}
