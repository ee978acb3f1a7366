import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import type { Clock } from '../base/time.ts';
import { isSameView } from '../contract/frame.ts';
import type { Ledger } from '../contract/ledger.ts';
import type {
  CameraCommand,
  CameraReport,
  Classification,
  InferenceReport,
  PictureRequest,
  SourceDescription,
} from '../contract/threads.ts';
import { createChanges } from './changes.ts';
import { createPictureDesk } from './picture-desk.ts';
import type { CameraState, PipelineEnd, PipelineEvents, PipelinePhase } from './pipeline-events.ts';
import { drainReaders, openReader, type Reader, restartsOf, send } from './readers.ts';
import { createReorder } from './reorder.ts';
import { createRings } from './rings.ts';
import { openSeat } from './seat.ts';
import {
  isSameForReaders,
  isSameRequest,
  reportTogetherOf,
  requestOf,
  type Setup,
  startOf,
  viewOf,
  wantedOf,
} from './setup.ts';

export type PipelineOptions = {
  readonly setup: Setup;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: PipelineEvents;
};

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
  /**
   * Goes on with another setup. A camera section is applied by the camera worker alone, and thresholds
   * and views reach the inference workers as they run; another model, queue or number of workers
   * puts others in their places.
   */
  configure(next: Setup): void;
  /** Opens the camera again, or replaces the inference workers; false while that is under way. */
  restart(part: 'camera' | 'inference'): boolean;
  /** Has a picture made of the frame that is classified next; only the newest request is kept. */
  photograph(request: PictureRequest): void;
  /** Resolves when there is nothing more to do: the source ended and all is classified, or a fault. */
  readonly ended: Promise<PipelineEnd>;
  /** Stops the source, drains the ring, and ends the threads; `pending` names what is waited for. */
  stop(pending: Set<string>): Promise<void>;
}

const cameraOwner = 1;
const cameraUrl = new URL('../camera/worker.js', import.meta.url);

export function startPipeline(options: PipelineOptions): Pipeline {
  const { events } = options;
  const readers: Reader[] = [];
  const reorder = createReorder<Classification>(events.onClassified);
  const changes = createChanges();
  const rings = createRings();
  const pictures = createPictureDesk(readers, events.onPicture);
  let setup = options.setup;
  let phase: PipelinePhase = 'opening';
  let cameraState: CameraState = { kind: 'opening' };
  let source: SourceDescription | undefined;
  let opens = 0;
  let opening = 0;
  let isStreamEnded = false;
  let restartsBefore = 0;
  let finish: (end: PipelineEnd) => void = () => {};
  const ended = new Promise<PipelineEnd>((resolve) => {
    finish = resolve;
  });
  const giveUp = (reason: Fault): void => finish({ kind: 'fault', fault: reason });
  const fail = (reason: Fault): void => {
    if (!events.onFault(reason)) giveUp(reason);
  };
  let asked = requestOf(setup);

  const enterCamera = (next: CameraState): void => {
    cameraState = next;
    events.onCamera(next);
  };

  const startCapture = (): void => {
    const ring = rings.current();
    if (ring !== undefined) camera.send({ kind: 'start', opening, ring, owner: cameraOwner });
  };

  /** Looks at what every change may have made possible. */
  const advance = (): void => {
    if (phase === 'loading' && readers.every((reader) => reader.isLoaded)) {
      phase = 'running';
      // A camera that left meanwhile is told when it is back.
      if (cameraState.kind === 'streaming') startCapture();
      if (source !== undefined) events.onRunning(source);
    }
    if (phase === 'running' && isStreamEnded && readers.every((reader) => reader.isDrained))
      finish({ kind: 'drained' });
    changes.announce();
  };

  /** Sees to a ring that the source's frames fit; false when there can be none. */
  const provideRing = (opened: SourceDescription): boolean => {
    const provided = rings.provide(setup, opened);
    if (!provided.ok) {
      fail(provided.fault);
      return false;
    }
    const ring = rings.current();
    if (provided.value === 'new' && ring !== undefined) {
      send(readers, { kind: 'ring', ring, reportTogether: reportTogetherOf(setup, opened) });
    }
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
      seatReaders();
    }
  };

  const seatReaders = (): void => {
    phase = 'loading';
    for (let number = 0; number < setup.config.inference.workers; number += 1) {
      readers.push(readerOf(number));
    }
  };

  const openCamera = (): void => {
    asked = requestOf(setup);
    enterCamera({ kind: 'opening' });
    camera.send({ kind: 'open', request: asked });
  };

  /** Other inference workers for another setup; the newest one is what they get. */
  const rebuild = async (): Promise<void> => {
    phase = 'rebuilding';
    for (const { seat } of readers) {
      seat.retire();
      seat.send({ kind: 'stop' });
    }
    await changes.until(() => readers.every(({ seat }) => seat.isEmpty()));
    if (isStopping()) return;
    restartsBefore += restartsOf(readers);
    readers.length = 0;
    const isStreaming = cameraState.kind === 'streaming';
    const isFit = source !== undefined && rings.isFit(setup, source);
    const isAsked = isSameRequest(asked, requestOf(setup));
    if (isStreaming && isFit && isAsked) return seatReaders();
    // The ring can be replaced only while nobody writes to it.
    phase = 'opening';
    if (isStreaming || !isAsked) openCamera();
  };
  const isStopping = (): boolean => phase === 'stopping';

  const onCamera = (report: CameraReport): void => {
    switch (report.kind) {
      case 'opened':
        opening = report.opening;
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
        rings.spend();
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
        pictures.remind(reader);
        break;
      case 'picture':
        pictures.take(report.picture);
        return;
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
        if (phase !== 'rebuilding') fail(report.fault); // Else of a setup that is over.
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
    onGiveUp: giveUp,
  });

  const readerOf = (number: number): Reader =>
    openReader({
      number,
      seat: seatOf(`inference ${number + 1}`),
      start: () => startOf(setup, source),
      ring: rings.current,
      onReport: onInference,
      onLeft: (owner) => {
        const lost = rings.reclaim(owner);
        if (source?.lossless) for (const ordinal of lost) reorder.put(ordinal, undefined);
        advance();
      },
    });

  const camera = openSeat<CameraCommand, CameraReport>({
    ...seatOf('camera'),
    url: cameraUrl,
    // A replay that must lose nothing cannot begin again in the middle.
    isReplaceable: () => !isStreamEnded && source?.lossless !== true,
    died: 'camera.died',
    onSeated: (child) => child.send({ kind: 'open', request: asked }),
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
      inference: restartsBefore + restartsOf(readers),
    }),
    reopens: () => Math.max(0, opens - 1),
    configure: (next) => {
      const before = setup;
      setup = next;
      // A rebuild under way takes the newest setup.
      if (phase === 'stopping' || phase === 'rebuilding') return;
      if (!isSameForReaders(before, next)) return void rebuild();
      const view = viewOf(next.config.camera);
      if (!isSameView(view, viewOf(before.config.camera))) send(readers, { kind: 'view', view });
      const wanted = wantedOf(next);
      if (!isDeepStrictEqual(wanted, wantedOf(before))) send(readers, { kind: 'want', wanted });
      if (!isSameRequest(asked, requestOf(next))) openCamera();
    },
    restart: (part) => {
      if (phase === 'stopping' || phase === 'rebuilding') return false;
      if (part === 'camera') openCamera();
      else void rebuild();
      return true;
    },
    photograph: pictures.ask,
    ended,
    stop,
  };
}
