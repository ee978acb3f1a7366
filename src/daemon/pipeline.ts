import { unreachable } from '../base/assert.ts';
import { backoff } from '../base/backoff.ts';
import { type Fault, fault } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import type { Clock, Micros } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { frameBytesOf } from '../contract/frame.ts';
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
import { workspaceBytesOf } from '../inference/kernel.ts';
import { openCustodian, type RingCustodian } from '../ring/custodian.ts';
import { createRing, ringBytesMax, ringBytesOf } from '../ring/layout.ts';
import { type Child, startChild } from './child.ts';
import { createReorder } from './reorder.ts';
import { decideRestart, restartPolicy } from './restart-policy.ts';

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

type InferenceSeat = {
  readonly name: string;
  readonly owner: number;
  readonly reader: number;
  child: Child<InferenceCommand>;
  isLoaded: boolean;
  isDrained: boolean;
  isGone: boolean;
};

const cameraOwner = 1;
const firstInferenceOwner = 2;
const cameraUrl = new URL('../camera/worker.js', import.meta.url);
const inferenceUrl = new URL('../inference/worker.js', import.meta.url);

const emptyLedger: Ledger = {
  captured: 0,
  classified: 0,
  gated: 0,
  dropped: { superseded: 0, full: 0, driver: 0, stopped: 0 },
  failed: 0,
  inFlight: 0,
};

export function startPipeline(options: PipelineOptions): Pipeline {
  const { config, model, clock, events } = options;
  let phase: PipelinePhase = 'opening';
  let source: SourceDescription | undefined;
  let ring: RingHandle | undefined;
  let custodian: RingCustodian | undefined;
  let camera: Child<CameraCommand>;
  let isCameraGone = false;
  let isStreamEnded = false;
  const seats: InferenceSeat[] = [];
  const histories = new Map<string, readonly Micros[]>();
  const restarts = { camera: 0, inference: 0 };
  let changed: (() => void)[] = [];
  let finish: (end: PipelineEnd) => void = () => {};
  const ended = new Promise<PipelineEnd>((resolve) => {
    finish = resolve;
  });
  const reorder = createReorder<Classification>(events.onClassified);

  const fail = (reason: Fault): void => finish({ kind: 'fault', fault: reason });

  /** Looks at what every change may have made possible. */
  const advance = (): void => {
    if (phase === 'loading' && seats.every((seat) => seat.isLoaded)) {
      phase = 'running';
      startCapture();
      if (source !== undefined) events.onRunning(source);
    }
    if (isStreamEnded && seats.every((seat) => seat.isDrained)) finish({ kind: 'drained' });
    for (const resume of changed) resume();
    changed = [];
  };

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => changed.push(resolve));
  };

  const startCamera = (): void => {
    camera = startChild<CameraCommand, CameraReport>('camera', cameraUrl, onCamera);
    camera.send({ kind: 'open', config: config.camera });
    void camera.ended.then(onCameraGone);
  };

  const startCapture = (): void => {
    if (ring !== undefined) camera.send({ kind: 'start', ring, owner: cameraOwner });
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

  const onOpened = (opened: SourceDescription): void => {
    const fits = ring === undefined || frameBytesOf(opened.geometryMax) <= ring.shape.slotBytes;
    source = opened;
    if (phase === 'running' && fits) startCapture();
    if (phase !== 'opening') return;
    phase = 'loading';
    const made = makeRing(config, model, opened);
    if ('code' in made) {
      fail(made);
      return;
    }
    ring = made;
    custodian = openCustodian(made);
    for (let reader = 0; reader < config.inference.workers; reader += 1) takeSeat(reader, made);
  };

  const takeSeat = (reader: number, on: RingHandle): void => {
    const name = `inference ${reader + 1}`;
    const owner = firstInferenceOwner + reader;
    const seat = { name, owner, reader, isLoaded: false, isDrained: false, isGone: false };
    seats.push({ ...seat, child: idleChild });
    fillSeat(seats[reader] as InferenceSeat, on);
  };

  const fillSeat = (seat: InferenceSeat, on: RingHandle): void => {
    const { name, owner, reader } = seat;
    const { threads } = config.inference;
    const { topK } = config.publish;
    const child = startChild<InferenceCommand, InferenceReport>(name, inferenceUrl, (report) =>
      onInference(seat, report),
    );
    Object.assign(seat, { child, isLoaded: false, isDrained: false, isGone: false });
    const { watched } = options;
    child.send({ kind: 'start', model, threads, topK, watched, ring: on, owner, reader });
    void child.ended.then((thrown) => onSeatGone(seat, on, thrown));
  };

  const onInference = (seat: InferenceSeat, report: InferenceReport): void => {
    switch (report.kind) {
      case 'loaded':
        seat.isLoaded = true;
        break;
      case 'classified':
        // With one reader, and where frames may be left out, what comes is in order already.
        if (source?.lossless) reorder.put(report.classification.ordinal, report.classification);
        else events.onClassified(report.classification);
        return;
      case 'frame-failed':
        if (source?.lossless) reorder.put(report.ordinal, undefined);
        events.onFrameFailed(report.fault);
        return;
      case 'drained':
        seat.isDrained = true;
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

  /** Starts a died thread again after a while, or gives up and ends the run. */
  const restart = async (name: string, reason: Fault, again: () => void): Promise<void> => {
    const decision = decideRestart(histories.get(name) ?? [], clock.now(), restartPolicy);
    if (decision.kind === 'give-up') {
      fail(reason);
      return;
    }
    histories.set(name, decision.history);
    events.onRestart(name, reason);
    await clock.sleep(backoff(restartPolicy.backoff, decision.attempt, options.random), undefined);
    if (phase !== 'stopping') again();
  };

  const onCameraGone = (thrown: Error | undefined): void => {
    custodian?.reclaim(cameraOwner);
    isCameraGone = true;
    if (phase === 'stopping') custodian?.end();
    else {
      restarts.camera += 1;
      void restart('camera', diedFault('camera.died', 'camera', thrown), () => {
        isCameraGone = false;
        startCamera();
      });
    }
    advance();
  };

  const onSeatGone = (seat: InferenceSeat, on: RingHandle, thrown: Error | undefined): void => {
    const lost = custodian?.reclaim(seat.owner) ?? [];
    if (source?.lossless) for (const ordinal of lost) reorder.put(ordinal, undefined);
    Object.assign(seat, { isGone: true, isLoaded: false });
    if (phase !== 'stopping') {
      restarts.inference += 1;
      const reason = diedFault('inference.died', seat.name, thrown);
      void restart(seat.name, reason, () => fillSeat(seat, on));
    }
    advance();
  };

  const stop = async (pending: Set<string>): Promise<void> => {
    phase = 'stopping';
    pending.add('camera');
    if (!isCameraGone) camera.send({ kind: 'stop' });
    await until(() => isCameraGone);
    pending.delete('camera');
    custodian?.end();
    for (const seat of seats) pending.add(seat.name);
    for (const seat of seats) {
      await until(() => seat.isDrained || !seat.isLoaded || seat.isGone);
      seat.child.send({ kind: 'stop' });
    }
    for (const seat of seats) {
      await until(() => seat.isGone);
      pending.delete(seat.name);
    }
  };

  startCamera();
  return {
    phase: () => phase,
    ledger: () => custodian?.ledger() ?? emptyLedger,
    isRestarting: () => isCameraGone || seats.some((seat) => !seat.isLoaded),
    restarts: () => restarts,
    ended,
    stop,
  };
}

const idleChild: Child<InferenceCommand> = {
  name: '',
  send: () => {},
  ended: Promise.resolve(undefined),
};

function diedFault(
  code: 'camera.died' | 'inference.died',
  thread: string,
  thrown: Error | undefined,
): Fault {
  const reason = thrown?.message ?? 'it ended without being asked';
  return fault(
    code,
    `the ${thread} thread died: ${reason}`,
    'It is started again; report this if it recurs.',
  );
}

function makeRing(config: Config, model: ModelFile, source: SourceDescription): RingHandle | Fault {
  const { width, height } = source.geometryMax;
  const shape = {
    slots: config.queue.slots,
    slotBytes: frameBytesOf(source.geometryMax),
    order: source.lossless ? ('fifo' as const) : config.queue.order,
    readers: config.inference.workers,
    workspaceBytes: workspaceBytesOf(model.input, width, height),
  };
  if (ringBytesOf(shape) <= ringBytesMax) return createRing(shape);
  const gigabytes = (ringBytesOf(shape) / 2 ** 30).toFixed(1);
  return fault(
    'ring.too-large',
    `${config.queue.slots} frames of ${width}×${height} take ${gigabytes} GiB; the limit is 2`,
    'Lower queue.slots or the camera size.',
  );
}
