import { systemClock } from '../../base/time.ts';
import type { Config } from '../../contract/config.ts';
import type { ModelFile } from '../../contract/threads.ts';
import { type CheckupOf, fail, ok } from '../../daemon/checkups.ts';
import { prepareGolden } from '../../daemon/golden.ts';
import { prepareSetup } from '../../daemon/prepare.ts';
import { goldenFault } from '../../inference/golden.ts';
import { openSession } from '../../inference/open.ts';
import { type ModelSession, shapeOf } from '../../inference/session.ts';

/** Loads the model as an inference worker does, asks for its golden picture, and runs it once. */
export async function checkModel(config: Config): Promise<CheckupOf<'model'>> {
  const setup = prepareSetup(config, undefined);
  if (!setup.ok) return fail('model', setup.fault.message, setup.fault.mend);
  const { model } = setup.value;
  const golden = await prepareGolden(model);
  if (!golden.ok) return fail('model', golden.fault.message, golden.fault.mend);
  const tensor = tensorOf(model);
  const session = await openSession(model, tensor, config.inference.threads);
  if (!session.ok) return fail('model', session.fault.message, session.fault.mend);
  const wrong =
    golden.value === undefined
      ? undefined
      : await goldenFault(session.value, tensor, model, golden.value);
  const run = await timeRun(session.value);
  await session.value.close();
  if (wrong !== undefined) return fail('model', wrong.message, wrong.mend);
  if (!run.ok) return fail('model', run.fault.message, run.fault.mend);
  const known = golden.value === undefined ? '' : ' and knows its golden picture';
  return ok(
    'model',
    `${model.name} ${model.version} loads${known}; ${run.value.toFixed(1)} ms a run`,
  );
}

function tensorOf(model: ModelFile): Uint8Array | Float32Array {
  const length = shapeOf(model).reduce((product, size) => product * size, 1);
  return model.input.type === 'uint8' ? new Uint8Array(length) : new Float32Array(length);
}

/** The second run: the first one makes its memory. */
async function timeRun(session: ModelSession) {
  const first = await session.run();
  if (!first.ok) return first;
  const begun = systemClock.now();
  const second = await session.run();
  return second.ok ? { ok: true as const, value: (systemClock.now() - begun) / 1000 } : second;
}
