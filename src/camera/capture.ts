import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import { createTurn } from '../base/turn.ts';
import type { FrameProducer, WritableSlot } from '../ring/producer.ts';
import type { ChangeMeter } from './change.ts';
import type { FrameSource } from './source.ts';

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
  readonly source: FrameSource;
  readonly producer: FrameProducer;
  readonly meter: ChangeMeter;
  readonly onFrameFailed: (reason: Fault) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/**
 * Reads a source into the ring until it ends: waits for the next frame, finds a slot for it, has it
 * written there, and publishes it. Never waits for a reader unless the source must lose nothing.
 */
export async function captureFrames(capture: Capture): Promise<CaptureEnd> {
  const { source, producer, signal } = capture;
  const turn = createTurn(capture.clock);
  while (!signal.aborted) {
    await source.due(signal);
    // A claim may cost a waiting frame: not for nothing.
    if (signal.aborted) break;
    const slot = source.description.lossless
      ? await waitForSlot(producer, signal)
      : producer.claim();
    if (signal.aborted) {
      if (slot !== undefined) producer.abandon(slot);
      break;
    }
    const end = slot === undefined ? await letGo(capture) : await captureInto(slot, capture);
    // A source that is interrupted in the middle of a frame says that it has ended: it has not.
    if (signal.aborted) break;
    if (end !== undefined) return end;
    await turn();
  }
  return { kind: 'aborted' };
}

const noRoom = new Uint8Array(0);

/** Lets the due frame go, since there is no slot for it; says why when there will be no more. */
async function letGo({ source, producer, signal }: Capture): Promise<CaptureEnd | undefined> {
  if (await source.skip(signal)) {
    producer.count('full', 1);
    return undefined;
  }
  // There was no frame to let go: the source says why not, and needs no slot for that.
  const reading = await source.read(noRoom, signal);
  return reading.kind === 'ended' || reading.kind === 'broken' ? reading : undefined;
}

/** Lossless sources wait for room; `undefined` only when aborted meanwhile. */
async function waitForSlot(
  producer: FrameProducer,
  signal: AbortSignal,
): Promise<WritableSlot | undefined> {
  for (;;) {
    const slot = producer.claim();
    if (slot !== undefined || signal.aborted) return slot;
    await producer.untilFreed();
  }
}

/** Reads one frame into the slot and publishes it; says why when there will be no more. */
async function captureInto(slot: WritableSlot, capture: Capture): Promise<CaptureEnd | undefined> {
  const { source, producer, meter } = capture;
  const reading = await source.read(slot.pixels, capture.signal);
  if (reading.kind === 'frame') {
    if (reading.lost > 0) producer.count('driver', reading.lost);
    producer.publish(slot, {
      capturedAt: reading.capturedAt,
      driverSequence: reading.driverSequence,
      changeScore: meter.measure(slot.pixels, reading.geometry),
      geometry: reading.geometry,
      bytesUsed: reading.bytesUsed,
    });
    return undefined;
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
