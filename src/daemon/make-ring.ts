import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import { frameBytesOf } from '../contract/frame.ts';
import type { RingHandle, RingShape } from '../contract/ring.ts';
import type { ModelFile, SourceDescription } from '../contract/threads.ts';
import { workspaceBytesOf } from '../inference/kernel.ts';
import { createRing, ringBytesMax, ringBytesOf } from '../ring/layout.ts';

/** Whether a source's frames go through a ring of this shape. */
export function fitsRing(shape: RingShape, model: ModelFile, source: SourceDescription): boolean {
  const { width, height } = source.geometryMax;
  return (
    frameBytesOf(source.geometryMax) <= shape.slotBytes &&
    workspaceBytesOf(model.input, width, height) <= shape.workspaceBytes
  );
}

/** The ring for a source, a model and a config; refused when it would be too large. */
export function makeRing(
  config: Config,
  model: ModelFile,
  source: SourceDescription,
): Outcome<RingHandle> {
  const { width, height } = source.geometryMax;
  const shape = {
    slots: config.queue.slots,
    slotBytes: frameBytesOf(source.geometryMax),
    order: source.lossless ? ('fifo' as const) : config.queue.order,
    readers: config.inference.workers,
    workspaceBytes: workspaceBytesOf(model.input, width, height),
  };
  if (ringBytesOf(shape) <= ringBytesMax) return success(createRing(shape));
  const gigabytes = (ringBytesOf(shape) / 2 ** 30).toFixed(1);
  const sentence = `${config.queue.slots} frames of ${width}×${height} take ${gigabytes} GiB; the limit is 2`;
  return failure(fault('ring.too-large', sentence, 'Lower queue.slots or the camera size.'));
}
