import { randomBytes } from 'node:crypto';
import { isClockSynced } from '../base/clock-sync.ts';
import type { Fault, Outcome } from '../base/fault.ts';
import { returnFreedMemory } from '../base/libc.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { type Clock, createWallClock, millis, seconds } from '../base/time.ts';
import { version } from '../base/version.ts';
import type { Config } from '../contract/config.ts';
import { type Topics, topicsOf } from '../contract/contract.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { HealthMessage, StatusMessage } from '../contract/messages.ts';
import type { ModelFile, SourceDescription } from '../contract/threads.ts';
import { defaultBackoff } from '../mqtt/connection.ts';
import { type Delivery, startDelivery } from '../mqtt/delivery.ts';
import { type Link, openLink } from '../mqtt/link.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import { addressOf } from '../mqtt/refusals.ts';
import { closeOutbox } from './close-outbox.ts';
import { connectCommands } from './command-link.ts';
import type { Commands } from './commands.ts';
import { deviceNameOf } from './device-name.ts';
import { createDiscovery, type Discovery } from './discovery.ts';
import { openNoteStore } from './discovery-note.ts';
import { createDiskWrites, writtenBytes } from './disk-writes.ts';
import type { Events } from './events.ts';
import { createFailureLog } from './failure-log.ts';
import { createHealthReporter, type HealthReporter } from './health-reporter.ts';
import { type Applied, createLiveConfig, type LiveConfig, reporterSetupOf } from './live-config.ts';
import { openNews } from './news.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import type { PipelineEnd } from './pipeline-events.ts';
import { credentialsOf, type Prepared, prepareDaemon } from './prepare-daemon.ts';
import { createPublisher, type Published } from './publisher.ts';
import type { RemoteConfig } from './remote-config.ts';
import { connectRemote, reloadFrom } from './remote-link.ts';
import { openSnapshots } from './snapshot-link.ts';
import type { Snapshots } from './snapshots.ts';
import { openThermometer } from './temperature.ts';

export type DaemonOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Where to keep what survives a restart; undefined keeps it in memory. */
  readonly stateDir: string | undefined;
  /** Aborts when the daemon is asked to stop. */
  readonly stop: AbortSignal;
  /** Hands in whom to call with a config that shall apply from now on. */
  readonly onReload: ((apply: (config: Config) => void) => void) | undefined;
  /** Reads the config again for who asks for it over MQTT; undefined where there is none to read. */
  readonly readConfig: (() => Outcome<Config>) | undefined;
  readonly onRunning: ((running: Running) => void) | undefined;
  readonly onPublished: ((published: Published) => void) | undefined;
  readonly onHealth: ((health: HealthMessage) => void) | undefined;
};

export type Running = {
  readonly source: SourceDescription;
  readonly model: ModelFile;
  readonly topics: Topics;
};

/** `restart`: stopped as asked, to be started again. */
type Asked = 'asked' | 'restart';
type StopReason = Asked | 'source ended';

export type DaemonEnd =
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly ledger: Ledger }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** The stop deadline passed while these were waited for. */
  | {
      readonly kind: 'hung';
      readonly waiting: readonly string[];
      readonly ledger: Ledger;
      readonly fault: Fault | undefined;
    };

/** Lossless replay keeps this many results while there is no connection: a minute of a fast replay. */
const offlineResultsMax = 8192;

/** Runs the whole daemon until it is asked to stop, its source ends, or it cannot go on. */
export async function runDaemon(options: DaemonOptions): Promise<DaemonEnd> {
  const prepared = prepareDaemon(options.config, options.log);
  if (!prepared.ok) return { kind: 'fault', fault: prepared.fault };
  let restart = (): void => {};
  const asked = new Promise<Asked>((resolve) => {
    restart = () => resolve('restart');
    if (options.stop.aborted) resolve('asked');
    options.stop.addEventListener('abort', () => resolve('asked'), { once: true });
  });
  const parts = await start(options, prepared.value, restart);
  options.onReload?.(parts.reload);
  const end = await Promise.race([parts.pipeline.ended, asked]);
  options.log.info({ reason: reasonOf(end) }, 'stopping');
  const waiting = await stopWithin(options, parts, end);
  const ledger = parts.pipeline.ledger();
  if (waiting.length > 0) {
    const reason = faultOf(end);
    return { kind: 'hung', waiting, ledger, fault: reason };
  }
  if (typeof end !== 'string' && end.kind === 'fault') return end;
  return { kind: 'stopped', reason: typeof end === 'string' ? end : 'source ended', ledger };
}

const reasonOf = (end: PipelineEnd | Asked): string => (typeof end === 'string' ? end : end.kind);

const faultOf = (end: PipelineEnd | Asked): Fault | undefined =>
  typeof end !== 'string' && end.kind === 'fault' ? end.fault : undefined;

type Parts = {
  readonly pipeline: Pipeline;
  readonly link: Link;
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly events: Events;
  readonly reporter: HealthReporter;
  readonly topics: Topics;
  readonly status: (state: StatusMessage['state']) => string;
  readonly live: LiveConfig;
  readonly discovery: Discovery;
  readonly remote: RemoteConfig | undefined;
  readonly snapshots: Snapshots;
  /** Undefined where none is obeyed. */
  readonly commands: Commands | undefined;
  /** Goes on with another config of the device's own. */
  readonly reload: (config: Config) => void;
};

async function start(
  options: DaemonOptions,
  prepared: Prepared,
  restartProcess: () => void,
): Promise<Parts> {
  const { log, clock, random } = options;
  const { config, model } = prepared.setup;
  const session = randomBytes(8).toString('hex');
  const device = deviceNameOf(config);
  const topics = topicsOf(config.mqtt.base, device);
  const status = (state: StatusMessage['state']): string =>
    JSON.stringify({ state, session, version } satisfies StatusMessage);
  const wallClock = createWallClock(clock, Date.now, isClockSynced);
  const failures = createFailureLog(log);
  const { outbox, events, news } = await openNews({
    ...{ config, log, stateDir: options.stateDir },
    ...{ topic: topics.event, session, clock, wallClock },
  });
  let delivery: Delivery | undefined;
  let source: SourceDescription | undefined;
  let reporter: HealthReporter | undefined;
  let remote: RemoteConfig | undefined;
  let snapshots: Snapshots | undefined;
  const link = openLink({
    url: config.mqtt.url,
    clientId: `sightd-${device}-${session.slice(0, 6)}`,
    protocol: config.mqtt.protocol,
    credentials: () => credentialsOf(config),
    keepaliveSeconds: config.mqtt.keepaliveSeconds,
    will: { topic: topics.status, payload: status('offline') },
    birth: { topic: topics.status, payload: status('online') },
    backoff: defaultBackoff(config.mqtt.reconnectSecondsMax),
    offlineMessagesMax: config.camera.pace === 'fast' ? offlineResultsMax : 0,
    clock,
    wallNow: Date.now,
    random,
    onRefused: (reason) => log.warn({ fault: reason }, 'the broker does not take this'),
    onState: (state) => {
      if (state.kind === 'online') delivery?.repeatRetained();
      news.link(state);
      reporter?.touch();
    },
  });
  delivery = startDelivery({ outbox, deliverer: link, clock, random });
  const publisher = createPublisher({
    config,
    session,
    model,
    topics,
    link,
    outbox,
    clock,
    wallClock,
    isLossless: () => source?.lossless ?? false,
    onPublished: (published) => {
      snapshots?.onLabel(published.label);
      options.onPublished?.(published);
    },
  });
  const pipeline = startPipeline({
    setup: prepared.setup,
    clock,
    random,
    events: {
      onRunning: (opened) => {
        source = opened;
        returnFreedMemory();
        log.info({ source: opened.name, model: model.name, session, topics }, 'running');
        options.onRunning?.({ source: opened, model, topics });
        reporter?.touch();
      },
      onCamera: (camera) => {
        if (camera.kind === 'streaming') source = camera.source;
        news.camera(camera);
        reporter?.touch();
      },
      onNotice: (notice) => log.warn({ fault: notice }, 'going on without what was asked for'),
      onClassified: publisher.publish,
      onPicture: (picture) => snapshots?.onPicture(picture),
      onFrameFailed: failures.add,
      onFault: (reason) => remote?.onFault(reason) ?? false,
      onRestart: (thread, reason) => {
        news.restart(thread, reason);
        // A change that a thread dies of will not do.
        remote?.onFault(reason);
        reporter?.touch();
      },
    },
  });
  const thermometer = openThermometer();
  reporter = createHealthReporter({
    ...reporterSetupOf(prepared.setup),
    session,
    clock,
    wallClock,
    pipeline,
    publisher,
    outbox: outbox.figures,
    diskWrites: createDiskWrites(writtenBytes),
    thermometer,
    isLinked: () => link.state().kind === 'online',
    sourceName: () => source?.name ?? '',
    onHealth: (health) => {
      link.retain(topics.health, JSON.stringify(health));
      failures.flush();
      remote?.onHealth();
      options.onHealth?.(health);
    },
  });
  log.info({ version, device, session, broker: addressOf(config.mqtt.url) }, 'starting');
  const discovery = createDiscovery({
    ...{ setup: prepared.setup, device, topics, link, clock, random, log },
    hasTemperature: thermometer() !== undefined,
    takesCommands: config.commands.enabled,
    note: openNoteStore(options.stateDir),
  });
  const live = createLiveConfig({
    ...{ setup: prepared.setup, pipeline, publisher, reporter, discovery, log },
  });
  const messaging = { link, outbox, delivery, events, topics, status, session, clock, wallClock };
  remote = connectRemote(options, prepared.remote, live, reporter, messaging);
  const reload = (next: Config): Outcome<Applied> => reloadFrom(next, live, remote, log);
  snapshots = openSnapshots({ ...messaging, pipeline, live, log });
  const parts = { ...messaging, pipeline, reporter, live, discovery, remote, snapshots, reload };
  const setup = { ...options, config, restartProcess };
  return { ...parts, commands: connectCommands(setup, { ...parts, device, log }) };
}

/** Stops everything in order under one deadline; returns what was still waited for when it passed. */
async function stopWithin(
  options: DaemonOptions,
  parts: Parts,
  end: PipelineEnd | Asked,
): Promise<readonly string[]> {
  const { pipeline, link, events, reporter, topics, status } = parts;
  const isAsked = typeof end === 'string';
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
