import type { Clock, Micros, Millis, WallClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import { droppedOf } from '../contract/ledger.ts';
import type { HealthMessage } from '../contract/messages.ts';
import type { ModelFile } from '../contract/threads.ts';
import type { OutboxFigures } from '../mqtt/outbox.ts';
import type { DiskWrites } from './disk-writes.ts';
import { healthOf } from './health.ts';
import type { Pipeline } from './pipeline.ts';
import type { Publisher } from './publisher.ts';
import { createRate } from './statistics.ts';

/** Gathers the daemon's figures into a health message: every interval, and when its state changes. */
export interface HealthReporter {
  /** Something may have changed the state: reports at once if it did. */
  touch(): void;
  last(): HealthMessage | undefined;
  /** Reports once more and ends. */
  close(): void;
}

export type HealthReporterOptions = {
  readonly interval: Millis;
  readonly session: string;
  readonly model: ModelFile;
  readonly workers: number;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly pipeline: Pipeline;
  readonly publisher: Publisher;
  readonly outbox: () => OutboxFigures;
  readonly diskWrites: DiskWrites;
  readonly isLinked: () => boolean;
  readonly sourceName: () => string;
  readonly onHealth: (health: HealthMessage) => void;
};

export function createHealthReporter(options: HealthReporterOptions): HealthReporter {
  const { clock, pipeline } = options;
  const started = clock.now();
  const rates = { captured: createRate(), classified: createRate(), dropped: createRate() };
  const cpu = createRate();
  let last: HealthMessage | undefined;

  const state = () =>
    healthOf({
      phase: pipeline.phase(),
      isLinked: options.isLinked(),
      isRestarting: pipeline.isRestarting(),
      isBlind: pipeline.camera().kind === 'waiting',
    });

  const report = (): void => {
    const now = clock.now();
    const at = now / 1_000_000;
    const ledger = pipeline.ledger();
    const { latencyMs, inferenceMs, results } = options.publisher.figures();
    const { user, system } = process.cpuUsage();
    last = {
      session: options.session,
      version,
      state: state(),
      at: options.wallClock.isoOf(now),
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
      inference: { workers: options.workers, restarts: pipeline.restarts().inference },
      model: { name: options.model.name, version: options.model.version },
      outbox: outboxOf(options, now),
      memoryMegabytes: Math.round(process.memoryUsage.rss() / 104857.6) / 10,
      cpuPercent: cpu((user + system) / 10_000, at),
    };
    options.onHealth(last);
  };

  const timer = setInterval(report, options.interval);
  return {
    touch: () => {
      const camera = cameraOf(pipeline, options.sourceName());
      if (last?.state !== state() || !isSameCamera(last.camera, camera)) report();
    },
    last: () => last,
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

function cameraOf(pipeline: Pipeline, source: string): HealthMessage['camera'] {
  const camera = pipeline.camera();
  return {
    state: camera.kind,
    source,
    ...(camera.kind === 'waiting' ? { fault: camera.fault } : {}),
    reopens: pipeline.reopens(),
    restarts: pipeline.restarts().camera,
  };
}
