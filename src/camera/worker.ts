import { parentPort } from 'node:worker_threads';
import { assert, unreachable } from '../base/assert.ts';
import { systemClock } from '../base/time.ts';
import type { CameraCommand, CameraReport } from '../contract/threads.ts';
import { type FrameProducer, openProducer, type WritableSlot } from '../ring/producer.ts';
import { type ChangeMeter, createChangeMeter } from './change.ts';
import { openSource } from './open.ts';
import type { FrameSource } from './source.ts';

/*
 * The camera worker's thread: it waits for the source's next frame, finds a slot for it, has it
 * written there, and publishes it. It never waits for a reader unless the source must lose nothing.
 */

assert(parentPort !== null, 'the camera worker is a thread');
const port = parentPort;
const report = (message: CameraReport): void => port.postMessage(message);
const stop = new AbortController();
let source: FrameSource | undefined;
let producer: FrameProducer | undefined;
let capturing: Promise<void> = Promise.resolve();

port.on('message', (command: CameraCommand) => {
  switch (command.kind) {
    case 'open':
      capturing = open(command);
      break;
    case 'start':
      producer = openProducer(command.ring, command.owner);
      if (source !== undefined) capturing = capture(source, producer);
      break;
    case 'stop':
      stop.abort();
      producer?.wake();
      void capturing.then(finish);
      break;
    default:
      unreachable(command);
  }
});

async function open(command: Extract<CameraCommand, { kind: 'open' }>): Promise<void> {
  const opened = await openSource(command.config, systemClock, stop.signal);
  if (!opened.ok) {
    report({ kind: 'fault', fault: opened.fault });
    return;
  }
  source = opened.value;
  report({ kind: 'opened', source: source.description });
}

async function capture(from: FrameSource, into: FrameProducer): Promise<void> {
  const meter = createChangeMeter();
  while (!stop.signal.aborted) {
    await from.due(stop.signal);
    const slot = from.description.lossless ? await waitForSlot(into) : into.claim();
    if (stop.signal.aborted) {
      if (slot !== undefined) into.abandon(slot);
      break;
    }
    if (slot === undefined) {
      if (await from.skip(stop.signal)) into.count('full', 1);
    } else if (!(await captureInto(slot, from, into, meter))) {
      report({ kind: 'ended' });
      break;
    }
    // A source that is always ready must still let messages in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  into.end();
}

/** Lossless sources wait for room; `undefined` only when stopped meanwhile. */
async function waitForSlot(into: FrameProducer): Promise<WritableSlot | undefined> {
  for (;;) {
    const slot = into.claim();
    if (slot !== undefined || stop.signal.aborted) return slot;
    await into.untilFreed();
  }
}

/** Reads one frame into the slot and publishes it; false at the end of the source. */
async function captureInto(
  slot: WritableSlot,
  from: FrameSource,
  into: FrameProducer,
  meter: ChangeMeter,
): Promise<boolean> {
  const reading = await from.read(slot.pixels, stop.signal);
  switch (reading.kind) {
    case 'frame':
      into.publish(slot, {
        capturedAt: reading.capturedAt,
        driverSequence: reading.driverSequence,
        changeScore: meter.measure(slot.pixels, reading.geometry),
        geometry: reading.geometry,
        bytesUsed: reading.bytesUsed,
      });
      return true;
    case 'failed':
      into.abandon(slot);
      into.count('failed', 1);
      report({ kind: reading.fault.retryable ? 'frame-failed' : 'fault', fault: reading.fault });
      return reading.fault.retryable;
    case 'ended':
      into.abandon(slot);
      return false;
    default:
      return unreachable(reading);
  }
}

async function finish(): Promise<void> {
  await source?.[Symbol.asyncDispose]();
  report({ kind: 'stopped' });
  port.close();
}
