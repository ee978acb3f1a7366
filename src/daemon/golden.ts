import { failure, fault, type Outcome, success } from '../base/fault.ts';
import { wholeFrame } from '../contract/frame.ts';
import type { GoldenTensor, ModelFile } from '../contract/threads.ts';
import { createFrameRoom } from '../inference/frame-room.ts';
import { openTensorKernel } from '../inference/kernel.ts';

/** A golden picture is shrunk to this before it is prepared, as a camera's frame would be smaller. */
const sideMax = 1920;

/** A model's golden picture as its tensor; undefined where it has none. */
export async function prepareGolden(model: ModelFile): Promise<Outcome<GoldenTensor | undefined>> {
  const { golden, input, labels } = model;
  if (golden === undefined) return success(undefined);
  // Most models have none, and then the image library need not be loaded.
  const { decodeImage } = await import('../camera/image.ts');
  const picture = await decodeImage(golden.image, sideMax, sideMax);
  if (!picture.ok) {
    const sentence = `the golden picture of ${model.name}: ${picture.fault.message}`;
    const mend = 'Put the picture where the manifest says (golden.image).';
    return failure(fault('model.golden', sentence, mend));
  }
  const { geometry, pixels } = picture.value;
  const room = createFrameRoom(input, geometry, pixels.length);
  room.pixels.set(pixels);
  const kernel = openTensorKernel(room.workspace, input, wholeFrame);
  kernel.prepare(geometry, room.offset);
  return success({
    tensor: kernel.tensor.slice(),
    image: golden.image,
    index: labels.indexOf(golden.label),
    scoreMin: golden.scoreMin,
  });
}
