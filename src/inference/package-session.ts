// The order matters: this comes before the library is loaded.
import './no-telemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { ModelFile } from '../contract/threads.ts';
import {
  corruptFault,
  endsOf,
  failedFault,
  type ModelFacts,
  mismatchOf,
  type Runtime,
  shapeOf,
  type TensorFacts,
} from './session.ts';

/** onnxruntime through its own package, on every platform that the package has a library for. */
export const packageRuntime: Runtime = {
  readFacts: async (path) => {
    const session = await create(path, 1);
    if (!session.ok) return session;
    const facts = factsOf(session.value);
    await session.value.release();
    return success(facts);
  },
  open: async (model, tensor, threads) => {
    const created = await create(model.path, threads);
    if (!created.ok) return created;
    const session = created.value;
    const facts = factsOf(session);
    const problem = mismatchOf(model, facts);
    if (problem !== undefined) {
      await session.release();
      return failure(problem);
    }
    const { input, output } = endsOf(facts);
    let bound = createFeed(model, tensor);
    return success({
      bind: (next) => {
        bound = createFeed(model, next);
      },
      run: async () => {
        bound.refresh();
        try {
          const outputs = await session.run({ [input.name]: bound.feed });
          const scores = outputs[output.name]?.data as Float32Array;
          if (scores.length === model.labels.length) return success(scores);
          // The file left the number of outputs open.
          const sentence = `${model.path} gives ${scores.length} scores, but its manifest has ${model.labels.length} labels`;
          return failure(fault('model.labels-mismatch', sentence, 'Correct the labels.'));
        } catch (error) {
          return failure(failedFault(messageOf(error)));
        }
      },
      close: () => session.release(),
    });
  },
};

/** The package refuses shared memory: a tensor there is copied before every run. */
function createFeed(model: ModelFile, tensor: Uint8Array | Float32Array) {
  const isShared = tensor.buffer instanceof SharedArrayBuffer;
  const own = isShared ? tensor.slice() : tensor;
  return {
    feed: new Tensor(model.input.type, own, shapeOf(model)),
    refresh: (): void => {
      if (isShared) own.set(tensor);
    },
  };
}

async function create(path: string, threads: number): Promise<Outcome<InferenceSession>> {
  try {
    const session = await InferenceSession.create(path, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Waiting threads would otherwise spin: at 30 fps that is several times the CPU of the model itself.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return success(session);
  } catch (error) {
    return failure(corruptFault(path, messageOf(error)));
  }
}

function factsOf(session: InferenceSession): ModelFacts {
  const read = (list: readonly InferenceSession.ValueMetadata[]): TensorFacts[] =>
    list.map((value) => ({
      name: value.name,
      type: value.isTensor ? value.type : 'not a tensor',
      shape: value.isTensor ? value.shape : [],
    }));
  return { inputs: read(session.inputMetadata), outputs: read(session.outputMetadata) };
}
