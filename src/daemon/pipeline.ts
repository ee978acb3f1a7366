import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import { returnFreedMemory } from '../base/libc.ts';
import type { Micros, Millis } from '../base/time.ts';
import { isSameView } from '../contract/frame.ts';
import { unpackClassifications } from '../contract/packed-classifications.ts';
import type { CameraReport, InferenceReport, SourceDescription } from '../contract/threads.ts';
import { type CameraSeat, openCameraSeat } from './camera-seat.ts';
import { createChanges } from './changes.ts';
import { createClassifiedFrames } from './classified.ts';
import { createPictureDesk } from './picture-desk.ts';
import type { CameraState, PipelineEnd, PipelinePhase } from './pipeline-events.ts';
import type { Pipeline, PipelineOptions } from './pipeline-interface.ts';
import { injectorOf, openReader, type Reader, refillReaders, restartsOf, send } from './readers.ts';
import { createRings } from './rings.ts';
import {
  isSameForReaders,
  isSameRequest,
  reportTogetherOf,
  requestOf,
  startOf,
  viewOf,
  wantedOf,
} from './setup.ts';
import { stopThreads } from './stop-threads.ts';

const noThread = { signs: undefined, died: undefined };
const cameraOwner = 1;

export function startPipeline(options: PipelineOptions): Pipeline {
  const { events } = options;
  const readers: Reader[] = [];
  const isLossless = (): boolean => source?.lossless ?? false;
  const frames = createClassifiedFrames(options.clock, isLossless, events);
  const changes = createChanges();
  const rings = createRings();
  const pictures = createPictureDesk(readers, events.onPicture);
  let setup = options.setup;
  let phase: PipelinePhase = 'held';
  let cameraState: CameraState = { kind: 'opening' };
  let source: SourceDescription | undefined;
  let opens = 0;
  let opening = 0;
  let isStreamEnded = false;
  let restartsBefore = 0;
  const troubles = { camera: 0, inference: 0 };
  let streamingSince: Micros | undefined;
  let fpsMax: number | undefined;
  let camera: CameraSeat | undefined;
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
    if (next.kind !== 'streaming') streamingSince = undefined;
    events.onCamera(next);
  };

  const startCapture = (): void => {
    const ring = rings.current();
    if (ring === undefined) return;
    streamingSince = options.clock.now();
    camera?.send({ kind: 'start', opening, ring, owner: cameraOwner });
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
    events.onChange();
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
    if (phase === 'running') startCapture();
    else if (phase === 'opening') seatReaders();
  };

  const seatReaders = (): void => {
    phase = 'loading';
    const { workers } = setup.config.inference;
    readers.push(...Array.from({ length: workers }, (_, number) => readerOf(number)));
  };

  const openCamera = (): void => {
    asked = requestOf(setup);
    enterCamera({ kind: 'opening' });
    camera?.send({ kind: 'open', request: asked });
  };

  /** Other inference workers for another setup; the newest one is what they get. */
  const rebuild = async (): Promise<void> => {
    phase = 'rebuilding';
    for (const { seat } of readers) seat.retire();
    send(readers, { kind: 'stop' });
    await changes.until(() => readers.every(({ seat }) => seat.isEmpty()));
    if (isStopping()) return;
    restartsBefore += restartsOf(readers);
    readers.length = 0;
    const isStreaming = cameraState.kind === 'streaming';
    const isAsked = isSameRequest(asked, requestOf(setup));
    if (isStreaming && rings.isFit(setup, source) && isAsked) return seatReaders();
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
      case 'stuck':
        troubles.camera += 1;
        enterCamera({ kind: 'stuck', fault: report.fault });
        break;
      case 'resumed':
        // Other readers may wait for a source to be opened by now, or another ring be asked for.
        if (phase !== 'running' || !rings.isFit(setup, source)) openCamera();
        else if (source !== undefined) enterCamera({ kind: 'streaming', source });
        streamingSince = options.clock.now();
        break;
      case 'notice':
        events.onNotice(report.fault);
        break;
      case 'frame-failed':
        frames.fail(report.fault, undefined);
        break;
      case 'ended':
        isStreamEnded = true;
        streamingSince = undefined;
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
        returnFreedMemory();
        pictures.remind(reader);
        break;
      case 'picture':
        pictures.take(report.picture);
        return;
      case 'classified':
        frames.take(unpackClassifications(report.packed, reader.labels));
        return;
      case 'frame-failed':
        frames.fail(report.fault, report.ordinal);
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

  const onDied = (thread: string, reason: Fault): void => {
    troubles[thread === 'camera' ? 'camera' : 'inference'] += 1;
    events.onDied(thread, reason);
  };

  const readerOf = (number: number): Reader =>
    openReader({
      number,
      clock: options.clock,
      onDied,
      start: () => startOf(setup, source),
      ring: rings.current,
      onReport: onInference,
      onLeft: (owner) => {
        frames.miss(rings.reclaim(owner));
        advance();
      },
    });

  const seatCamera = (): CameraSeat =>
    openCameraSeat({
      clock: options.clock,
      request: () => asked,
      fpsMax: () => fpsMax,
      onReport: onCamera,
      onLeft: () => {
        rings.reclaim(cameraOwner);
        if (phase !== 'stopping') enterCamera({ kind: 'opening' });
        advance();
      },
      onDied: (reason) => {
        // A replay that must lose nothing cannot begin again in the middle.
        if (isStreamEnded || source?.lossless === true) giveUp(reason);
        else onDied('camera', reason);
      },
    });

  const begin = (): void => {
    if (phase !== 'held') return;
    phase = 'opening';
    asked = requestOf(setup);
    camera = seatCamera();
  };

  const recoverCamera = async (by: 'stream' | 'device', wait: Millis): Promise<void> => {
    const before = cameraState;
    await options.clock.sleep(wait, undefined);
    // What became of it meanwhile is another matter.
    if (cameraState !== before || phase === 'stopping') return;
    // Only a ring in use can be gone on with; else it is provided when the source opens.
    if (before.kind !== 'stuck') openCamera();
    else camera?.send({ kind: 'recover', by: phase === 'running' ? by : 'device' });
  };

  const stop = async (pending: Set<string>): Promise<void> => {
    phase = 'stopping';
    await stopThreads(camera, readers, rings, changes, pending);
    // Left over only where no reader was alive to take them.
    rings.discardWaiting('stopped', cameraOwner);
  };

  if (!options.isHeld) begin();
  return {
    phase: () => phase,
    ledger: rings.ledger,
    camera: () => cameraState,
    vitals: () => ({
      camera: camera?.facts() ?? noThread,
      readers: readers.map(({ seat, isLoaded }) => ({ ...seat.facts(), isLoaded })),
      ...{ heard: frames.heard(), lastFailure: frames.lastFailure(), streamingSince },
      troubles: { ...troubles },
      isLossless: isLossless(),
    }),
    begin,
    recover: (component, rung, wait) => {
      if (phase === 'stopping') return;
      if (component === 'inference') refillReaders(readers, wait);
      else if (rung === 'worker') camera?.refill(wait);
      else void recoverCamera(rung, wait);
    },
    limit: (fps) => {
      fpsMax = fps;
      camera?.send({ kind: 'limit', fps });
    },
    isRestarting: () => (camera?.isEmpty() ?? true) || readers.some((reader) => !reader.isLoaded),
    restarts: () => ({
      camera: camera?.restarts() ?? 0,
      inference: restartsBefore + restartsOf(readers),
    }),
    reopens: () => Math.max(0, opens - 1),
    configure: (next) => {
      const before = setup;
      setup = next;
      // A rebuild under way takes the newest setup.
      if (phase === 'stopping' || phase === 'rebuilding' || phase === 'held') return;
      if (!isSameForReaders(before, next)) return void rebuild();
      const view = viewOf(next.config.camera);
      if (!isSameView(view, viewOf(before.config.camera))) send(readers, { kind: 'view', view });
      const wanted = wantedOf(next);
      if (!isDeepStrictEqual(wanted, wantedOf(before))) send(readers, { kind: 'want', wanted });
      // The ring is replaced when a camera opens: only then nobody writes to it.
      const isRingOld = cameraState.kind === 'streaming' && !rings.isFit(setup, source);
      if (isRingOld || !isSameRequest(asked, requestOf(next))) openCamera();
    },
    restart: (part) => {
      if (phase === 'stopping' || phase === 'rebuilding' || phase === 'held') return false;
      if (part === 'camera') openCamera();
      else void rebuild();
      return true;
    },
    photograph: pictures.ask,
    inject: injectorOf(() => camera, readers),
    ended,
    stop,
  };
}
