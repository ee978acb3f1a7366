import { type Fault, fault } from '../base/fault.ts';
import type { GoldenTensor, ModelFile } from '../contract/threads.ts';
import { softmax, topK } from './scores.ts';
import type { ModelSession } from './session.ts';

/**
 * Asks a model for its golden picture and holds the answer against what is known of it. A model whose
 * file is right can still be wrong on this processor, for these input settings, or with these labels.
 * `input` is the tensor that the session is bound to; it is left as it was.
 */
export async function goldenFault(
  session: ModelSession,
  input: Uint8Array | Float32Array,
  { name, labels, outputKind }: ModelFile,
  golden: GoldenTensor,
): Promise<Fault | undefined> {
  const before = input.slice();
  input.set(golden.tensor);
  const outcome = await session.run();
  input.set(before);
  if (!outcome.ok) return outcome.fault;
  // The session's own are overwritten by its next run.
  const scores = outcome.value.slice();
  if (outputKind === 'logits') softmax(scores);
  const [best] = topK(scores, labels, 1);
  if (best?.index === golden.index && best.score >= golden.scoreMin) return undefined;
  const said = best === undefined ? 'nothing' : `${best.label} (${best.score.toFixed(2)})`;
  return fault(
    'model.golden',
    `the model ${name} says ${said} of its golden picture ${golden.image}; expected ${labels[golden.index]}, at least ${golden.scoreMin}`,
    "Correct the manifest's input, labels or golden picture, or fetch a model that was tested on this processor.",
  );
}
