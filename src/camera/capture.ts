import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import { createTurn } from '../base/turn.ts';
import type { FrameProducer, WritableSlot } from '../ring/producer.ts';
import type { ChangeMeter } from './change.ts';
import type { FreezeMeter } from './freeze.ts';
import type { FrameSource } from './source.ts';
import type { Throttle } from './throttle.ts';

/** Why capturing ended. */
export type CaptureEnd =
  | { readonly kind: 'aborted' }
  /** The source has no more frames, ever. */
  | { readonly kind: 'ended' }
  /** The source must be opened again. */
  | { readonly kind: 'broken'; readonly fault: Fault }
  /** The source cannot be of use at all. */
  | { readonly kind: 'failed'; readonly fault: Fault };

export type Capture = {
  /** Looked at for each frame: another one may take its place on the way. */
  readonly source: FrameSource;
  readonly producer: FrameProducer;
  readonly meter: ChangeMeter;
  /** Undefined where a picture may stand still. */
  readonly freeze: FreezeMeter | undefined;
  /** Not asked where no frame may be lost. */
  readonly throttle: Throttle;
  readonly onFrameFailed: (reason: Fault) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/**
 * Reads a source into the ring until it ends: waits for the next frame, finds a slot for it, has it
 * written there, and publishes it. Never waits for a reader unless the source must lose nothing.
 */
export async function captureFrames(capture: Capture): Promise<CaptureEnd> {
  const { producer, signal, throttle } = capture;
  const turn = createTurn(capture.clock);
  while (!signal.aborted) {
    const { source } = capture;
    await source.due(signal);
    // A claim may cost a waiting frame: not for nothing.
    if (signal.aborted) break;
    const isWanted = source.description.lossless || throttle.admits();
    const slot = isWanted ? await slotFor(source, capture) : undefined;
    if (signal.aborted) {
      if (slot !== undefined) producer.abandon(slot);
      break;
    }
    const end =
      slot === undefined
        ? await letGo(source, isWanted ? 'full' : 'throttled', capture)
        : await captureInto(slot, source, capture);
    // A source that is interrupted in the middle of a frame says that it has ended: it has not.
    if (signal.aborted) break;
    if (end !== undefined) return end;
    await turn();
  }
  return { kind: 'aborted' };
}

const noRoom = new Uint8Array(0);

/** Lets the due frame go; says why when there will be no more. */
async function letGo(
  source: FrameSource,
  outcome: 'full' | 'throttled',
  { producer, signal }: Capture,
): Promise<CaptureEnd | undefined> {
  if (await source.skip(signal)) {
    producer.count(outcome, 1);
    return undefined;
  }
  // There was no frame to let go: the source says why not, and needs no slot for that.
  const reading = await source.read(noRoom, signal);
  return reading.kind === 'ended' || reading.kind === 'broken' ? reading : undefined;
}

/** Lossless sources wait for room; `undefined` where there is none, or when aborted meanwhile. */
async function slotFor(
  { description }: FrameSource,
  { producer, signal }: Capture,
): Promise<WritableSlot | undefined> {
  for (;;) {
    const slot = producer.claim();
    if (slot !== undefined || signal.aborted || !description.lossless) return slot;
    await producer.untilFreed();
  }
}

/** Reads one frame into the slot and publishes it; says why when there will be no more. */
async function captureInto(
  slot: WritableSlot,
  source: FrameSource,
  capture: Capture,
): Promise<CaptureEnd | undefined> {
  const { producer, meter, freeze } = capture;
  const reading = await source.read(slot.pixels, capture.signal);
  if (reading.kind === 'frame') {
    if (reading.lost > 0) producer.count('driver', reading.lost);
    const { geometry, bytesUsed } = reading;
    const changeScore = meter.measure(slot.pixels, geometry);
    const frozen = freeze?.see(slot.pixels, geometry, changeScore);
    producer.publish(slot, {
      capturedAt: reading.capturedAt,
      driverSequence: reading.driverSequence,
      changeScore,
      geometry,
      bytesUsed,
    });
    return frozen === undefined ? undefined : { kind: 'broken', fault: frozen };
  }
  producer.abandon(slot);
  switch (reading.kind) {
    case 'failed':
      producer.count('failed', 1);
      if (!reading.fault.retryable) return { kind: 'failed', fault: reading.fault };
      capture.onFrameFailed(reading.fault);
      return undefined;
    case 'ended':
    case 'broken':
      return reading;
    default:
      return unreachable(reading);
  }
}
