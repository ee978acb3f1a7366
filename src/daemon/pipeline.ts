import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import type { Clock } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { RingHandle } from '../contract/ring.ts';
import type {
  CameraCommand,
  CameraReport,
  Classification,
  InferenceCommand,
  InferenceReport,
  ModelFile,
  SourceDescription,
} from '../contract/threads.ts';
import { openCustodian, type RingCustodian } from '../ring/custodian.ts';
import { type Changes, createChanges } from './changes.ts';
import { makeRing } from './make-ring.ts';
import { createReorder } from './reorder.ts';
import { openSeat, type Seat } from './seat.ts';

export type PipelineOptions = {
  readonly config: Config;
  readonly model: ModelFile;
  readonly watched: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly events: {
    readonly onRunning: (source: SourceDescription) => void;
    readonly onClassified: (classification: Classification) => void;
    readonly onFrameFailed: (reason: Fault) => void;
    readonly onRestart: (thread: string, reason: Fault) => void;
  };
};

export type PipelineEnd =
  | { readonly kind: 'drained' }
  | { readonly kind: 'fault'; readonly fault: Fault };

export type PipelinePhase = 'opening' | 'loading' | 'running' | 'stopping';

/** Camera worker, ring and inference workers as one thing that runs and stops. */
export interface Pipeline {
  phase(): PipelinePhase;
  ledger(): Ledger;
  /** Whether a thread that died is not yet working again. */
  isRestarting(): boolean;
  restarts(): { readonly camera: number; readonly inference: number };
  /** Resolves when there is nothing more to do: the source ended and all is classified, or a fault. */
  readonly ended: Promise<PipelineEnd>;
  /** Stops the source, drains the ring, and ends the threads; `pending` names what is waited for. */
  stop(pending: Set<string>): Promise<void>;
}

/** An inference worker's seat and how far whoever sits there has come. */
type Reader = {
  readonly seat: Seat<InferenceCommand>;
  isLoaded: boolean;
  isDrained: boolean;
};

const cameraOwner = 1;
const firstReaderOwner = 2;
const cameraUrl = new URL('../camera/worker.js', import.meta.url);
const inferenceUrl = new URL('../inference/worker.js', import.meta.url);

export function startPipeline(options: PipelineOptions): Pipeline {
  const { events } = options;
  const readers: Reader[] = [];
  const reorder = createReorder<Classification>(events.onClassified);
  const changes = createChanges();
  let phase: PipelinePhase = 'opening';
  let source: SourceDescription | undefined;
  let ring: { readonly handle: RingHandle; readonly custodian: RingCustodian } | undefined;
  let isStreamEnded = false;
  let finish: (end: PipelineEnd) => void = () => {};
  const ended = new Promise<PipelineEnd>((resolve) => {
    finish = resolve;
  });
  const fail = (reason: Fault): void => finish({ kind: 'fault', fault: reason });

  const startCapture = (): void => {
    if (ring !== undefined) camera.send({ kind: 'start', ring: ring.handle, owner: cameraOwner });
  };

  /** Looks at what every change may have made possible. */
  const advance = (): void => {
    if (phase === 'loading' && readers.every((reader) => reader.isLoaded)) {
      phase = 'running';
      startCapture();
      if (source !== undefined) events.onRunning(source);
    }
    if (isStreamEnded && readers.every((reader) => reader.isDrained)) finish({ kind: 'drained' });
    changes.announce();
  };

  const onOpened = (opened: SourceDescription): void => {
    source = opened;
    if (phase === 'opening') {
      const made = makeRing(options.config, options.model, opened);
      if (!made.ok) {
        fail(made.fault);
        return;
      }
      phase = 'loading';
      ring = { handle: made.value, custodian: openCustodian(made.value) };
      for (let index = 0; index < options.config.inference.workers; index += 1) {
        openReader(made.value);
      }
    } else if (phase === 'running') {
      startCapture(); // A camera thread that took the place of one that died.
    }
  };

  const onCamera = (report: CameraReport): void => {
    switch (report.kind) {
      case 'opened':
        onOpened(report.source);
        break;
      case 'frame-failed':
        events.onFrameFailed(report.fault);
        break;
      case 'ended':
        isStreamEnded = true;
        break;
      case 'fault':
        fail(report.fault);
        break;
      case 'stopped':
        break;
      default:
        unreachable(report);
    }
    advance();
  };

  const onInference = (reader: Reader, report: InferenceReport): void => {
    switch (report.kind) {
      case 'loaded':
        reader.isLoaded = true;
        break;
      case 'classified':
        for (const classification of report.classifications) {
          // Where frames may be left out there is nothing to wait for.
          if (source?.lossless) reorder.put(classification.ordinal, classification);
          else events.onClassified(classification);
        }
        return;
      case 'frame-failed':
        if (source?.lossless) reorder.put(report.ordinal, undefined);
        events.onFrameFailed(report.fault);
        return;
      case 'drained':
        reader.isDrained = true;
        break;
      case 'fault':
        fail(report.fault);
        break;
      case 'stopped':
        break;
      default:
        unreachable(report);
    }
    advance();
  };

  const seatOf = (name: string) => ({
    name,
    clock: options.clock,
    random: options.random,
    onRestart: (reason: Fault) => events.onRestart(name, reason),
    onGiveUp: fail,
  });

  const openReader = (on: RingHandle): void => {
    const number = readers.length;
    const owner = firstReaderOwner + number;
    const { model, watched, config } = options;
    const { threads } = config.inference;
    const { topK } = config.publish;
    // Nobody waits for a single result of a lossless run; the other half of the ring stays in use.
    const reportTogether = source?.lossless ? Math.max(1, config.queue.slots >> 1) : 1;
    const seat = openSeat<InferenceCommand, InferenceReport>({
      ...seatOf(`inference ${number + 1}`),
      url: inferenceUrl,
      isReplaceable: () => true,
      died: 'inference.died',
      onSeated: (child) =>
        child.send({
          kind: 'start',
          model,
          threads,
          topK,
          watched,
          ring: on,
          owner,
          reader: number,
          reportTogether,
        }),
      onReport: (report) => onInference(reader, report),
      onLeft: () => {
        Object.assign(reader, { isLoaded: false, isDrained: false });
        const lost = ring?.custodian.reclaim(owner) ?? [];
        if (source?.lossless) for (const ordinal of lost) reorder.put(ordinal, undefined);
        advance();
      },
    });
    const reader: Reader = { seat, isLoaded: false, isDrained: false };
    readers.push(reader);
  };

  const camera = openSeat<CameraCommand, CameraReport>({
    ...seatOf('camera'),
    url: cameraUrl,
    // A replay that must lose nothing cannot begin again in the middle.
    isReplaceable: () => !isStreamEnded && source?.lossless !== true,
    died: 'camera.died',
    onSeated: (child) => child.send({ kind: 'open', config: options.config.camera }),
    onReport: onCamera,
    onLeft: () => {
      ring?.custodian.reclaim(cameraOwner);
      advance();
    },
  });

  const stop = async (pending: Set<string>): Promise<void> => {
    phase = 'stopping';
    const seats = [camera, ...readers.map((reader) => reader.seat)];
    for (const seat of seats) {
      pending.add(seat.name);
      seat.retire();
    }
    camera.send({ kind: 'stop' });
    await changes.until(camera.isEmpty);
    pending.delete(camera.name);
    ring?.custodian.end();
    await drainReaders(readers, changes, pending);
    // Left over only where no reader was alive to take them.
    ring?.custodian.discardWaiting('stopped', cameraOwner);
  };

  return {
    phase: () => phase,
    ledger: () => ring?.custodian.ledger() ?? emptyLedger,
    isRestarting: () => camera.isEmpty() || readers.some((reader) => !reader.isLoaded),
    restarts: () => ({
      camera: camera.restarts(),
      inference: readers.reduce((sum, { seat }) => sum + seat.restarts(), 0),
    }),
    ended,
    stop,
  };
}

/** Lets each reader finish what waits in the ring, then asks it to end. */
async function drainReaders(
  readers: readonly Reader[],
  changes: Changes,
  pending: Set<string>,
): Promise<void> {
  for (const reader of readers) {
    const { seat } = reader;
    await changes.until(() => reader.isDrained || !reader.isLoaded || seat.isEmpty());
    seat.send({ kind: 'stop' });
  }
  for (const { seat } of readers) {
    await changes.until(seat.isEmpty);
    pending.delete(seat.name);
  }
}

const emptyLedger: Ledger = {
  captured: 0,
  classified: 0,
  gated: 0,
  dropped: { superseded: 0, full: 0, driver: 0, stopped: 0 },
  failed: 0,
  inFlight: 0,
};
