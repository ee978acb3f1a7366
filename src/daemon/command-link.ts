import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import { type Clock, type Micros, seconds, type WallClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import { commandNames, type DoctorResult, type IdentifyResult } from '../contract/commands.ts';
import { type Config, isLosslessRun } from '../contract/config.ts';
import type { Topics } from '../contract/contract.ts';
import type { Delivery } from '../mqtt/delivery.ts';
import type { Link } from '../mqtt/link.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import { createPerform } from './command-work.ts';
import { type Commands, openCommands } from './commands.ts';
import { configure } from './configure.ts';
import { examine, type FrameRates } from './doctor.ts';
import type { HealthReporter } from './health-reporter.ts';
import type { Applied, LiveConfig } from './live-config.ts';
import type { Pipeline } from './pipeline-interface.ts';
import { purge } from './purge.ts';
import type { RemoteConfig } from './remote-config.ts';
import type { Snapshots } from './snapshots.ts';

/** The daemon's parts that commands are about. */
export type CommandParts = {
  readonly device: string;
  readonly session: string;
  readonly topics: Topics;
  readonly link: Link;
  readonly delivery: Pick<Delivery, 'forgetRetained'>;
  readonly outbox: Pick<Outbox, 'figures'>;
  readonly pipeline: Pipeline;
  readonly reporter: Pick<HealthReporter, 'last'>;
  readonly live: LiveConfig;
  readonly remote: RemoteConfig | undefined;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Log;
  readonly reload: (read: Outcome<Config>) => Outcome<Applied>;
};

export type CommandSetup = {
  readonly config: Config;
  readonly stateDir: string | undefined;
  /** Reads the device's own config again; undefined where there is none to read. */
  readonly readConfig: (() => Outcome<Config>) | undefined;
  readonly restartProcess: () => void;
};

/** What must follow an answer does not wait for a broker that has gone. */
const answeredMax = seconds(2);

/** Has commands come from the broker and go to the parts that they are for. */
export function connectCommands(setup: CommandSetup, parts: CommandParts): Commands | undefined {
  const { config } = setup;
  if (!config.commands.enabled) return undefined;
  const { live, pipeline, clock } = parts;
  const started = clock.now();
  const perform = createPerform({
    snapshots: parts.snapshots,
    identify: () => identityOf(parts, config, started),
    reload: () => {
      if (setup.readConfig === undefined) return nothingToRead;
      const reloaded = parts.reload(setup.readConfig());
      if (!reloaded.ok) return reloaded;
      const { applied, waiting } = reloaded.value;
      return success({ applied: [...applied], waiting: [...waiting] });
    },
    purge: (signal) => purge(parts, signal),
    examine: (signal) => doctorOf(setup, parts, signal),
    configure: (partial, signal) =>
      configure(partial, { ...parts, config: config.remoteConfig }, signal),
    restart: pipeline.restart,
    restartProcess: (answered) => {
      const over = new AbortController();
      const late = clock.sleep(answeredMax, over.signal);
      void Promise.race([answered, late]).then(() => {
        over.abort();
        setup.restartProcess();
      });
    },
    isLossless: () => isLosslessRun(live.current().camera),
  });
  return openCommands({ ...parts, config: config.commands, wallNow: Date.now, perform });
}

const nothingToRead = failure(
  fault(
    'command.impossible',
    'this run has no config to read again',
    'Stop it and start it with another one.',
  ),
);

function identityOf(parts: CommandParts, { mqtt }: Config, started: Micros): IdentifyResult {
  const { device, session, pipeline, reporter, link, live, clock } = parts;
  const camera = pipeline.camera();
  const state = link.state();
  const { name, version: modelVersion } = live.model();
  return {
    device,
    base: mqtt.base,
    version,
    session,
    uptimeSeconds: Math.round((clock.now() - started) / 1000) / 1000,
    model: { name, version: modelVersion },
    camera: {
      state: camera.kind,
      source:
        camera.kind === 'streaming' ? camera.source.name : (reporter.last()?.camera.source ?? ''),
    },
    protocol: state.kind === 'online' ? state.protocol : null,
    commands: [...commandNames],
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}

async function doctorOf(
  setup: CommandSetup,
  parts: CommandParts,
  signal: AbortSignal,
): Promise<DoctorResult> {
  const { pipeline, link, outbox, live, wallClock } = parts;
  const rates = await ratesOf(parts, signal);
  return examine({
    camera: pipeline.camera(),
    phase: pipeline.phase(),
    isRestarting: pipeline.isRestarting(),
    model: live.model(),
    rates,
    link: link.state(),
    outbox: outbox.figures(),
    wall: Date.now(),
    clockSynced: wallClock.isSynced(),
    stateDir: setup.stateDir,
    diskFreeBytes: setup.stateDir === undefined ? undefined : await freeBytesOf(setup.stateDir),
    memory: {
      ownBytes: process.memoryUsage.rss(),
      freeBytes: freemem(),
      totalBytes: totalmem(),
    },
  });
}

/** Counts frames for a second, or a period and a half of a slow camera, within reason. */
async function ratesOf(
  { pipeline, live, clock }: CommandParts,
  signal: AbortSignal,
): Promise<FrameRates> {
  const looking = seconds(Math.min(5, Math.max(1, 1.5 / live.current().camera.fps)));
  const [before, since] = [pipeline.ledger(), clock.now()];
  await clock.sleep(looking, signal);
  const after = pipeline.ledger();
  const lasted = Math.max(1, clock.now() - since) / 1_000_000;
  const rateOf = (frames: number): number => Math.round((frames / lasted) * 10) / 10;
  return {
    captured: rateOf(after.captured - before.captured),
    classified: rateOf(after.classified - before.classified),
  };
}

/** Undefined where the folder cannot be asked, which the outbox then says itself. */
async function freeBytesOf(folder: string): Promise<number | undefined> {
  return statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
}
