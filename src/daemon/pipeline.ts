import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import { type Clock, seconds } from '../base/time.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import type { Config } from '../contract/config.ts';
import { askedSizeOf, type FrameView, isSameView } from '../contract/frame.ts';
import type { Ledger } from '../contract/ledger.ts';
import type {
  CameraCommand,
  CameraReport,
  Classification,
  InferenceCommand,
  InferenceReport,
  ModelFile,
  SourceDescription,
  SourceRequest,
} from '../contract/threads.ts';
import { createChanges } from './changes.ts';
import { frameNeedOf } from './frame-need.ts';
import { fitsRing, makeRing, ringShapeOf } from './make-ring.ts';
import { drainReaders, type Reader } from './readers.ts';
import { createReorder } from './reorder.ts';
import { createRings } from './rings.ts';
import { openSeat } from './seat.ts';

export type PipelineOptions = {
  readonly config: Config;
  readonly model: ModelFile;
  readonly watched: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly events: {
    readonly onRunning: (source: SourceDescription) => void;
    readonly onCamera: (camera: CameraState) => void;
    readonly onNotice: (notice: Fault) => void;
    readonly onClassified: (classification: Classification) => void;
    readonly onFrameFailed: (reason: Fault) => void;
    readonly onRestart: (thread: string, reason: Fault) => void;
  };
};

export type PipelineEnd =
  | { readonly kind: 'drained' }
  | { readonly kind: 'fault'; readonly fault: Fault };

export type PipelinePhase = 'opening' | 'loading' | 'running' | 'stopping';

export type CameraState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'streaming'; readonly source: SourceDescription }
  /** There is none to read now; it is tried again by itself. */
  | { readonly kind: 'waiting'; readonly fault: Fault };

/** Camera worker, ring and inference workers as one thing that runs and stops. */
export interface Pipeline {
  phase(): PipelinePhase;
  ledger(): Ledger;
  camera(): CameraState;
  /** Whether a thread that died is not yet working again. */
  isRestarting(): boolean;
  restarts(): { readonly camera: number; readonly inference: number };
  /** How often a camera was opened after the first time. */
  reopens(): number;
  /** Changes what is captured and how it is looked at, without stopping anything else. */
  configureCamera(config: CameraConfig): void;
  /** Resolves when there is nothing more to do: the source ended and all is classified, or a fault. */
  readonly ended: Promise<PipelineEnd>;
  /** Stops the source, drains the ring, and ends the threads; `pending` names what is waited for. */
  stop(pending: Set<string>): Promise<void>;
}

const cameraOwner = 1;
const firstReaderOwner = 2;
const cameraUrl = new URL('../camera/worker.js', import.meta.url);
const inferenceUrl = new URL('../inference/worker.js', import.meta.url);

export function startPipeline(options: PipelineOptions): Pipeline {
  const { events, config, model } = options;
  const readers: Reader[] = [];
  const reorder = createReorder<Classification>(events.onClassified);
  const changes = createChanges();
  const rings = createRings();
  let cameraConfig = config.camera;
  let phase: PipelinePhase = 'opening';
  let cameraState: CameraState = { kind: 'opening' };
  let source: SourceDescription | undefined;
  let opens = 0;
  let isStreamEnded = false;
  let finish: (end: PipelineEnd) => void = () => {};
  const ended = new Promise<PipelineEnd>((resolve) => {
    finish = resolve;
  });
  const fail = (reason: Fault): void => finish({ kind: 'fault', fault: reason });

  const requestOf = (wanted: CameraConfig): SourceRequest => ({
    config: wanted,
    need: frameNeedOf(model.input, viewOf(wanted)),
    frameDeadline: seconds(config.health.frameDeadlineSeconds),
  });

  /** Nobody waits for a single result of a lossless run; half of the ring stays in use. */
  const reportTogetherOf = (from: SourceDescription | undefined): number =>
    from?.lossless ? Math.max(1, config.queue.slots >> 1) : 1;

  const enterCamera = (next: CameraState): void => {
    cameraState = next;
    events.onCamera(next);
  };

  const startCapture = (): void => {
    const ring = rings.current();
    if (ring !== undefined) camera.send({ kind: 'start', ring, owner: cameraOwner });
  };

  /** Looks at what every change may have made possible. */
  const advance = (): void => {
    if (phase === 'loading' && readers.every((reader) => reader.isLoaded)) {
      phase = 'running';
      // A camera that left meanwhile is told when it is back.
      if (cameraState.kind === 'streaming') startCapture();
      if (source !== undefined) events.onRunning(source);
    }
    if (isStreamEnded && readers.every((reader) => reader.isDrained)) finish({ kind: 'drained' });
    changes.announce();
  };

  /** Sees to a ring that the source's frames fit; false when there can be none. */
  const provideRing = (opened: SourceDescription): boolean => {
    const ring = rings.current();
    const wanted = ringShapeOf(config, model, opened);
    if (ring !== undefined && fitsRing(ring.shape, wanted)) return true;
    const made = makeRing(wanted, opened);
    if (!made.ok) {
      fail(made.fault);
      return false;
    }
    rings.replace(made.value);
    for (const { seat } of readers)
      seat.send({ kind: 'ring', ring: made.value, reportTogether: reportTogetherOf(opened) });
    return true;
  };

  const onOpened = (opened: SourceDescription): void => {
    source = opened;
    opens += 1;
    enterCamera({ kind: 'streaming', source: opened });
    // What still waits is from before the camera was opened again.
    if (!opened.lossless) rings.discardWaiting('superseded', cameraOwner);
    if (!provideRing(opened)) return;
    if (phase === 'running') {
      startCapture();
    } else if (phase === 'opening') {
      phase = 'loading';
      for (let number = 0; number < config.inference.workers; number += 1) openReader(number);
    }
  };

  const onCamera = (report: CameraReport): void => {
    switch (report.kind) {
      case 'opened':
        onOpened(report.source);
        break;
      case 'waiting':
        enterCamera({ kind: 'waiting', fault: report.fault });
        break;
      case 'notice':
        events.onNotice(report.fault);
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

  const openReader = (number: number): void => {
    const owner = firstReaderOwner + number;
    const seat = openSeat<InferenceCommand, InferenceReport>({
      ...seatOf(`inference ${number + 1}`),
      url: inferenceUrl,
      isReplaceable: () => true,
      died: 'inference.died',
      onSeated: (child) => {
        const ring = rings.current();
        if (ring === undefined) return;
        child.send({
          kind: 'start',
          model,
          threads: config.inference.threads,
          topK: config.publish.topK,
          watched: options.watched,
          view: viewOf(cameraConfig),
          ring,
          owner,
          reader: number,
          reportTogether: reportTogetherOf(source),
        });
      },
      onReport: (report) => onInference(reader, report),
      onLeft: () => {
        Object.assign(reader, { isLoaded: false, isDrained: false });
        const lost = rings.reclaim(owner);
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
    onSeated: (child) => child.send({ kind: 'open', request: requestOf(cameraConfig) }),
    onReport: onCamera,
    onLeft: () => {
      rings.reclaim(cameraOwner);
      if (phase !== 'stopping') enterCamera({ kind: 'opening' });
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
    rings.end();
    await drainReaders(readers, changes, pending);
    // Left over only where no reader was alive to take them.
    rings.discardWaiting('stopped', cameraOwner);
  };

  return {
    phase: () => phase,
    ledger: rings.ledger,
    camera: () => cameraState,
    isRestarting: () => camera.isEmpty() || readers.some((reader) => !reader.isLoaded),
    restarts: () => ({
      camera: camera.restarts(),
      inference: readers.reduce((sum, { seat }) => sum + seat.restarts(), 0),
    }),
    reopens: () => Math.max(0, opens - 1),
    configureCamera: (next) => {
      const before = cameraConfig;
      cameraConfig = next;
      const view = viewOf(next);
      if (!isSameView(view, viewOf(before))) {
        for (const { seat } of readers) seat.send({ kind: 'view', view });
      }
      if (!isSameRequest(requestOf(before), requestOf(next))) {
        camera.send({ kind: 'open', request: requestOf(next) });
      }
    },
    ended,
    stop,
  };
}

const viewOf = ({ region, rotate }: CameraConfig): FrameView => ({ region, rotate });

/** Whether what is asked of the camera is the same; how its frames are looked at is not its business. */
function isSameRequest(a: SourceRequest, b: SourceRequest): boolean {
  const textOf = ({ config, ...request }: SourceRequest): string => {
    const { region, rotate, ...asked } = config;
    // The size that the model needs matters only where none is asked for.
    return JSON.stringify([asked, askedSizeOf(asked) === undefined ? request : undefined]);
  };
  return textOf(a) === textOf(b);
}
