import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import { frameBytesOf } from '../contract/frame.ts';
import type { RingHandle, RingShape } from '../contract/ring.ts';
import type { ModelFile, SourceDescription } from '../contract/threads.ts';
import { workspaceBytesOf } from '../inference/kernel.ts';
import { createRing, ringBytesMax, ringBytesOf } from '../ring/layout.ts';

/** The least ring for a source, a model and a config. */
export function ringShapeOf(
  config: Config,
  model: ModelFile,
  source: SourceDescription,
): RingShape {
  const { width, height } = source.geometryMax;
  return {
    slots: config.queue.slots,
    slotBytes: frameBytesOf(source.geometryMax),
    order: source.lossless ? 'fifo' : config.queue.order,
    readers: config.inference.workers,
    workspaceBytes: workspaceBytesOf(model.input, width, height),
  };
}

/** Whether a ring does for what is wanted: as ordered, and at least as large. */
export function fitsRing(shape: RingShape, wanted: RingShape): boolean {
  return (
    shape.slots === wanted.slots &&
    shape.order === wanted.order &&
    shape.readers === wanted.readers &&
    shape.slotBytes >= wanted.slotBytes &&
    shape.workspaceBytes >= wanted.workspaceBytes
  );
}

/** Makes a ring of this shape; refused when it would be too large. */
export function makeRing(shape: RingShape, source: SourceDescription): Outcome<RingHandle> {
  if (ringBytesOf(shape) <= ringBytesMax) return success(createRing(shape));
  const { width, height } = source.geometryMax;
  const gigabytes = (ringBytesOf(shape) / 2 ** 30).toFixed(1);
  const sentence = `${shape.slots} frames of ${width}×${height} take ${gigabytes} GiB; the limit is 2`;
  return failure(fault('ring.too-large', sentence, 'Lower queue.slots or the camera size.'));
}
