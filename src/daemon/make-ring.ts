import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import { frameBytesOf } from '../contract/frame.ts';
import type { RingHandle, RingShape } from '../contract/ring.ts';
import type { ModelFile, SourceDescription } from '../contract/threads.ts';
import { workspaceBytesOf } from '../inference/kernel.ts';
import { createRing, ringBytesMax, ringBytesOf } from '../ring/layout.ts';

/** Whether a ring of this shape is what a source, a model and a config need; it may be larger. */
export function fitsRing(
  shape: RingShape,
  config: RingConfig,
  model: ModelFile,
  source: SourceDescription,
): boolean {
  const wanted = shapeOf(config, model, source);
  return (
    wanted.slotBytes <= shape.slotBytes &&
    wanted.workspaceBytes <= shape.workspaceBytes &&
    wanted.slots === shape.slots &&
    wanted.order === shape.order &&
    wanted.readers === shape.readers
  );
}

type RingConfig = Pick<Config, 'queue' | 'inference'>;

function shapeOf(config: RingConfig, model: ModelFile, source: SourceDescription): RingShape {
  const { width, height } = source.geometryMax;
  return {
    slots: config.queue.slots,
    slotBytes: frameBytesOf(source.geometryMax),
    order: source.lossless ? 'fifo' : config.queue.order,
    readers: config.inference.workers,
    workspaceBytes: workspaceBytesOf(model.input, width, height),
  };
}

/** The ring for a source, a model and a config; refused when it would be too large. */
export function makeRing(
  config: RingConfig,
  model: ModelFile,
  source: SourceDescription,
): Outcome<RingHandle> {
  const shape = shapeOf(config, model, source);
  if (ringBytesOf(shape) <= ringBytesMax) return success(createRing(shape));
  const { width, height } = source.geometryMax;
  const gigabytes = (ringBytesOf(shape) / 2 ** 30).toFixed(1);
  const sentence = `${config.queue.slots} frames of ${width}×${height} take ${gigabytes} GiB; the limit is 2`;
  return failure(fault('ring.too-large', sentence, 'Lower queue.slots or the camera size.'));
}
