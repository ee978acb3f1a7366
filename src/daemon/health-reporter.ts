import { components } from '../base/fault.ts';
import type { Clock, Micros, Millis, WallClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import { droppedOf } from '../contract/ledger.ts';
import type { Components, HealthMessage, HealthState } from '../contract/messages.ts';
import type { ModelFile } from '../contract/threads.ts';
import type { OutboxFigures } from '../mqtt/outbox.ts';
import type { DiskWrites } from './disk-writes.ts';
import type { Pipeline } from './pipeline-interface.ts';
import type { Publisher } from './publisher.ts';
import { createRate } from './statistics.ts';
import type { Thermometer } from './temperature.ts';

/** Gathers the daemon's figures into a health message: every interval, and when its state changes. */
export interface HealthReporter {
  /** Something may have changed the state: reports at once if it did. */
  touch(): void;
  last(): HealthMessage | undefined;
  /** Goes on with these; another interval begins now. */
  configure(next: ReporterSetup): void;
  /** Reports once more and ends. */
  close(): void;
}

export type ReporterSetup = {
  readonly interval: Millis;
  readonly model: ModelFile;
  readonly workers: number;
};

export type HealthReporterOptions = ReporterSetup & {
  readonly session: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly pipeline: Pipeline;
  readonly publisher: Publisher;
  readonly outbox: () => OutboxFigures;
  readonly diskWrites: DiskWrites;
  readonly thermometer: Thermometer;
  readonly health: () => { readonly state: HealthState; readonly components: Components };
  readonly sourceName: () => string;
  readonly onHealth: (health: HealthMessage) => void;
};

export function createHealthReporter(options: HealthReporterOptions): HealthReporter {
  const { clock, pipeline } = options;
  const started = clock.now();
  const rates = { captured: createRate(), classified: createRate(), dropped: createRate() };
  const cpu = createRate();
  let last: HealthMessage | undefined;
  let { interval, model, workers }: ReporterSetup = options;

  const report = (): void => {
    const now = clock.now();
    const at = now / 1_000_000;
    const ledger = pipeline.ledger();
    const { latencyMs, inferenceMs, results } = options.publisher.figures();
    const { user, system } = process.cpuUsage();
    const temperature = options.thermometer();
    last = {
      session: options.session,
      version,
      ...options.health(),
      at: options.wallClock.isoOf(now),
      clockSynced: options.wallClock.isSynced(),
      uptimeSeconds: Math.round((now - started) / 1000) / 1000,
      ledger,
      rates: {
        captured: rates.captured(ledger.captured, at),
        classified: rates.classified(ledger.classified, at),
        dropped: rates.dropped(droppedOf(ledger), at),
      },
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(inferenceMs === undefined ? {} : { inferenceMs }),
      results,
      camera: cameraOf(pipeline, options.sourceName()),
      inference: { workers, restarts: pipeline.restarts().inference },
      model: { name: model.name, version: model.version },
      outbox: outboxOf(options, now),
      memoryMegabytes: Math.round(process.memoryUsage.rss() / 104857.6) / 10,
      cpuPercent: cpu((user + system) / 10_000, at),
      ...(temperature === undefined ? {} : { temperatureCelsius: temperature }),
    };
    options.onHealth(last);
  };

  let timer = setInterval(report, interval);
  return {
    touch: () => {
      const camera = cameraOf(pipeline, options.sourceName());
      const { state, components } = options.health();
      const isSame = last?.state === state && isSameParts(last.components, components);
      if (!isSame || last === undefined || !isSameCamera(last.camera, camera)) report();
    },
    last: () => last,
    configure: (next) => {
      if (next.interval !== interval) {
        clearInterval(timer);
        timer = setInterval(report, next.interval);
      }
      ({ interval, model, workers } = next);
    },
    close: () => {
      clearInterval(timer);
      report();
    },
  };
}

function outboxOf(options: HealthReporterOptions, now: Micros): HealthMessage['outbox'] {
  const written = options.diskWrites(now);
  return {
    ...options.outbox(),
    ...(written === undefined ? {} : { writtenBytesPerHour: written }),
  };
}

/** The same camera in the same state, for the same reason. */
function isSameCamera(a: HealthMessage['camera'], b: HealthMessage['camera']): boolean {
  return a.state === b.state && a.source === b.source && a.fault?.code === b.fault?.code;
}

/** Each component in the same state for the same reason. */
function isSameParts(a: Components, b: Components): boolean {
  return components.every(
    (name) => a[name].state === b[name].state && a[name].fault === b[name].fault,
  );
}

function cameraOf(pipeline: Pipeline, source: string): HealthMessage['camera'] {
  const camera = pipeline.camera();
  return {
    state: camera.kind,
    source,
    ...(camera.kind === 'waiting' || camera.kind === 'stuck' ? { fault: camera.fault } : {}),
    reopens: pipeline.reopens(),
    restarts: pipeline.restarts().camera,
  };
}
