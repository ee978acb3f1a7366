import { unreachable } from '../base/assert.ts';
import { isClockSynced } from '../base/clock-sync.ts';
import type { Fault, Outcome } from '../base/fault.ts';
import { createWallClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import type { Config } from '../contract/config.ts';
import { topicsOf } from '../contract/contract.ts';
import type { StatusMessage } from '../contract/messages.ts';
import type { SourceDescription } from '../contract/threads.ts';
import { defaultBackoff } from '../mqtt/connection.ts';
import { type Delivery, startDelivery } from '../mqtt/delivery.ts';
import { openLink } from '../mqtt/link.ts';
import { addressOf } from '../mqtt/refusals.ts';
import { connectCommands } from './command-link.ts';
import type { DaemonEnd, DaemonOptions, Ending } from './daemon-options.ts';
import { deviceNameOf } from './device-name.ts';
import { diagnosticsOf, processFigures, pulsesOf } from './diagnostics.ts';
import { createDiscovery } from './discovery.ts';
import { openNoteStore } from './discovery-note.ts';
import { createDiskWrites, writtenBytes } from './disk-writes.ts';
import { endAtOnce } from './end-at-once.ts';
import { createFailureLog } from './failure-log.ts';
import { createHealthReporter, type HealthReporter } from './health-reporter.ts';
import { connectInjections } from './injection-link.ts';
import { startedOf } from './life/started-event.ts';
import { type Applied, createLiveConfig, type LiveConfig, reporterSetupOf } from './live-config.ts';
import { openNews } from './news.ts';
import { startPipeline } from './pipeline.ts';
import { credentialsOf, type Prepared, prepareDaemon } from './prepare-daemon.ts';
import { probesOf } from './probes.ts';
import { createPublisher, type Published } from './publisher.ts';
import { startRecovery } from './recovery-start.ts';
import type { RemoteConfig } from './remote-config.ts';
import { connectRemote, reloadFrom } from './remote-link.ts';
import { openSnapshots } from './snapshot-link.ts';
import type { Snapshots } from './snapshots.ts';
import { faultOf, type Parts, reasonOf, stopWithin } from './stop-daemon.ts';
import { type Supervision, startSupervision } from './supervision.ts';
import { openSurroundings } from './surroundings.ts';
import { openThermometer, systemFiles } from './temperature.ts';

/** Lossless replay keeps this many results while there is no connection: a minute of a fast replay. */
const offlineResultsMax = 8192;

/** Runs the whole daemon until it is asked to stop, its source ends, or it cannot go on. */
export async function runDaemon(options: DaemonOptions): Promise<DaemonEnd> {
  const prepared = prepareDaemon(options.config, options.log);
  if (!prepared.ok) return { kind: 'fault', fault: prepared.fault };
  let end = (_reason: Ending): void => {};
  const stopped = new Promise<Ending>((resolve) => {
    end = resolve;
    const asked = (): void => resolve({ kind: 'asked', how: 'asked' });
    if (options.stop.aborted) asked();
    options.stop.addEventListener('abort', asked, { once: true });
  });
  const parts = await start(options, prepared.value, end);
  options.onReload?.(parts.reload);
  options.onDiagnose?.(() => tellDiagnostics(options, parts));
  using _ = await connectInjections(options, parts.pipeline, parts.supervision);
  const reason = await Promise.race([parts.pipeline.ended, stopped]);
  if (reason.kind === 'recovery') options.life.ending({ how: 'planned', fault: reason.fault });
  else if (reason.kind === 'asked') options.life.ending({ how: reason.how, fault: undefined });
  options.notifier.stopping(`stopping: ${reasonOf(reason)}`);
  options.log.info({ reason: reasonOf(reason) }, 'stopping');
  const waiting = await stopWithin(options, parts, reason);
  const ledger = parts.pipeline.ledger();
  if (waiting.length > 0) return { kind: 'hung', waiting, ledger, fault: faultOf(reason) };
  switch (reason.kind) {
    case 'fault':
    case 'recovery':
      return { kind: reason.kind, fault: reason.fault };
    case 'asked':
      return { kind: 'stopped', reason: reason.how, ledger };
    case 'drained':
      return { kind: 'stopped', reason: 'source ended', ledger };
    default:
      return unreachable(reason);
  }
}

function tellDiagnostics({ clock, log }: DaemonOptions, parts: Parts): void {
  const { pipeline, supervision, link, outbox } = parts;
  const known = {
    ...{ now: clock.now(), phase: pipeline.phase(), ledger: pipeline.ledger() },
    ...{ restarts: pipeline.restarts(), pulses: pulsesOf(pipeline), outbox: outbox.figures() },
    ...{ state: supervision.state(), components: supervision.components() },
    ...{ link: link.state(), queued: link.queued() },
  };
  log.info(diagnosticsOf(known, processFigures()), 'diagnostics');
}

async function start(
  options: DaemonOptions,
  prepared: Prepared,
  end: (reason: Ending) => void,
): Promise<Parts> {
  const { log, clock, random } = options;
  const { config, model } = prepared.setup;
  const { session } = options.life;
  const device = deviceNameOf(config);
  const topics = topicsOf(config.mqtt.base, device);
  const status = (state: StatusMessage['state']): string =>
    JSON.stringify({ state, session, version } satisfies StatusMessage);
  const wallClock = createWallClock(clock, Date.now, isClockSynced);
  const failures = createFailureLog(log);
  const { life, budgets } = options;
  const recovery = startRecovery(config, life, budgets, clock);
  const { outbox, events, news } = await openNews({
    ...{ config, log, stateDir: options.stateDir },
    ...{ topic: topics.event, session, clock, wallClock },
    started: startedOf(options.life.previous),
  });
  let delivery: Delivery | undefined;
  let source: SourceDescription | undefined;
  let reporter: HealthReporter | undefined;
  let remote: RemoteConfig | undefined;
  let snapshots: Snapshots | undefined;
  let live: LiveConfig | undefined;
  let supervision: Supervision | undefined;
  let configFault: Fault | undefined;
  let label: { readonly name: string; readonly score: number } | undefined;
  const changed = (): void => {
    supervision?.look();
    reporter?.touch();
  };
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
      changed();
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
      label = labelOf(published);
      snapshots?.onLabel(published.label);
      options.onPublished?.(published);
    },
  });
  const pipeline = startPipeline({
    setup: prepared.setup,
    clock,
    events: {
      onRunning: (opened) => {
        source = opened;
        log.info({ source: opened.name, model: model.name, session, topics }, 'running');
        options.onRunning?.({ source: opened, model, topics });
      },
      onCamera: (camera) => {
        if (camera.kind === 'streaming') source = camera.source;
        news.camera(camera);
      },
      onNotice: (notice) => log.warn({ fault: notice }, 'going on without what was asked for'),
      onClassified: publisher.publish,
      onPicture: (picture) => snapshots?.onPicture(picture),
      onFrameFailed: failures.add,
      onFault: (reason) => remote?.onFault(reason) ?? false,
      onDied: (thread, reason) => {
        news.died(thread, reason);
        // A change that a thread dies of will not do.
        remote?.onFault(reason);
      },
      onChange: changed,
    },
    isHeld: recovery.begun.state.ladders.daemon !== undefined,
  });
  const thermometer = openThermometer();
  const configNow = (): Config => live?.current() ?? config;
  supervision = startSupervision({
    ...{ clock, log, events, pipeline, recovery, life, budgets, notifier: options.notifier },
    config: configNow,
    link: link.state,
    delivery: () => ({
      waiting: outbox.figures().waiting,
      acknowledged: delivery.acknowledged(),
    }),
    surroundings: openSurroundings({
      ...{ wallClock, outbox, config: configNow, stateDir: options.stateDir },
      remoteStore: prepared.remote?.store,
      probes: probesOf(systemFiles),
    }),
    onSurroundings: news.surroundings,
    configFault: () => configFault,
    label: () => label,
    onEnd: (component, fault) => {
      if (isHang(fault)) void endAtOnce(fault, { life, delivery, outbox, clock, log });
      else end({ kind: 'recovery', component, fault });
    },
    onLooked: () => reporter?.touch(),
  });
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
    health: () => ({ state: supervision.state(), components: supervision.components() }),
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
  live = createLiveConfig({
    ...{ setup: prepared.setup, pipeline, publisher, reporter, discovery, log },
  });
  const messaging = { link, outbox, delivery, events, topics, status, session, clock, wallClock };
  remote = connectRemote(options, prepared.remote, live, supervision, messaging);
  const reload = (read: Outcome<Config>): Outcome<Applied> => {
    const taken = read.ok ? reloadFrom(read.value, live, remote, log) : read;
    configFault = taken.ok ? undefined : taken.fault;
    if (!taken.ok) news.config(taken.fault);
    // Another config is a fresh try for what is held.
    else supervision.retry();
    changed();
    return taken;
  };
  snapshots = openSnapshots({ ...messaging, pipeline, live, log });
  const parts = {
    ...messaging,
    pipeline,
    reporter,
    supervision,
    live,
    discovery,
    remote,
    snapshots,
    reload,
  };
  const restartProcess = (): void => end({ kind: 'asked', how: 'restart' });
  const setup = { ...options, config, restartProcess };
  return { ...parts, commands: connectCommands(setup, { ...parts, device, log }) };
}

const labelOf = ({ label, classification }: Published) => {
  if (label === undefined) return undefined;
  const found = classification.top.find((one) => one.label === label);
  return { name: label, score: found?.score ?? 0 };
};

/** Whether a thread hangs in native code, which no orderly end could wait for. */
const isHang = ({ code }: Fault): boolean => code === 'inference.hung' || code === 'camera.hung';
