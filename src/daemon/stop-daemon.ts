import type { Fault, Outcome } from '../base/fault.ts';
import { millis, seconds } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import type { Topics } from '../contract/contract.ts';
import type { StatusMessage } from '../contract/messages.ts';
import type { Delivery } from '../mqtt/delivery.ts';
import type { Link } from '../mqtt/link.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import { closeOutbox } from './close-outbox.ts';
import type { Commands } from './commands.ts';
import type { DaemonOptions, Ending } from './daemon-options.ts';
import type { Discovery } from './discovery.ts';
import type { Events } from './events.ts';
import type { HealthReporter } from './health-reporter.ts';
import type { Applied, LiveConfig } from './live-config.ts';
import type { Pipeline } from './pipeline-interface.ts';
import type { RemoteConfig } from './remote-config.ts';
import type { Snapshots } from './snapshots.ts';
import type { Supervision } from './supervision.ts';

/** The parts of a running daemon. */
export type Parts = {
  readonly pipeline: Pipeline;
  readonly link: Link;
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly events: Events;
  readonly reporter: HealthReporter;
  readonly topics: Topics;
  readonly status: (state: StatusMessage['state']) => string;
  readonly supervision: Supervision;
  readonly live: LiveConfig;
  readonly discovery: Discovery;
  readonly remote: RemoteConfig | undefined;
  readonly snapshots: Snapshots;
  /** Undefined where none is obeyed. */
  readonly commands: Commands | undefined;
  /** Goes on with another config of the device's own, if it was read. */
  readonly reload: (read: Outcome<Config>) => Outcome<Applied>;
};

/** In a word. */
export const reasonOf = (end: Ending): string => (end.kind === 'asked' ? end.how : end.kind);

export const faultOf = (end: Ending): Fault | undefined =>
  end.kind === 'fault' || end.kind === 'recovery' ? end.fault : undefined;

/** Stops everything in order under one deadline; returns what was still waited for when it passed. */
export async function stopWithin(
  options: DaemonOptions,
  parts: Parts,
  end: Ending,
): Promise<readonly string[]> {
  const { pipeline, link, events, reporter, topics, status } = parts;
  const isAsked = end.kind === 'asked';
  const stopMillis = seconds(parts.live.current().health.stopSeconds);
  const pending = new Set<string>();
  const deadline = new AbortController();
  const stopping = async (): Promise<'done'> => {
    const trouble = faultOf(end);
    if (trouble !== undefined) events.report('daemon', trouble);
    const reason = reasonOf(end);
    events.tell('daemon.stopping', `sightd is stopping: ${reason}`, { reason });
    parts.commands?.stop();
    parts.snapshots.stop();
    await pipeline.stop(pending);
    parts.supervision.close();
    reporter.close();
    parts.remote?.close();
    parts.discovery.close();
    const farewell = { topic: topics.status, payload: status('stopped') };
    // Part of the deadline: time must be left to send what waited.
    const patience = AbortSignal.timeout(isAsked ? 0 : stopMillis * 0.6);
    pending.add('outbox');
    await closeOutbox({ ...parts, log: options.log, patience, sendMax: millis(stopMillis * 0.6) });
    pending.delete('outbox');
    await parts.commands?.close(AbortSignal.timeout(stopMillis * 0.1));
    pending.add('mqtt');
    const isFlushed = await link.close(farewell, patience, deadline.signal);
    pending.delete('mqtt');
    if (link.queued() > 0) options.log.warn({ lost: link.queued() }, 'results lost: no connection');
    if (isAsked) parts.remote?.onStopped();
    const { results } = reporter.last() ?? { results: undefined };
    options.log.info({ ledger: pipeline.ledger(), results, isFlushed }, 'stopped');
    return 'done';
  };
  const timer = setTimeout(() => deadline.abort(), stopMillis);
  const late = new Promise<'late'>((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve('late'), { once: true });
  });
  const outcome = await Promise.race([stopping(), late]);
  clearTimeout(timer);
  if (outcome === 'done') return [];
  options.log.error({ waiting: [...pending], end }, 'the stop deadline passed');
  return [...pending];
}
