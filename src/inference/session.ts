// The order matters: this comes before the package is loaded.
import './no-telemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { ModelFile } from '../contract/threads.ts';

/** What an .onnx file says about one of its inputs or outputs; free dimensions are names. */
export type TensorFacts = {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
};

export type ModelFacts = {
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
};

/** A loaded model bound to one input tensor. `run` occupies the calling thread for its whole length. */
export interface ModelSession {
  /** Classifies what the bound tensor holds now; the scores are the caller's to change. */
  run(): Promise<Outcome<Float32Array>>;
  close(): Promise<void>;
}

/** What the file says of itself, without running it. */
export async function readModelFacts(path: string): Promise<Outcome<ModelFacts>> {
  const session = await create(path, 1);
  if (!session.ok) return session;
  const facts = factsOf(session.value);
  await session.value.release();
  return success(facts);
}

/**
 * Loads a model and binds it to `tensor` (private memory of the shape the manifest states). The file
 * is held against the manifest first.
 */
export async function openSession(
  model: ModelFile,
  tensor: Uint8Array | Float32Array,
  threads: number,
): Promise<Outcome<ModelSession>> {
  const created = await create(model.path, threads);
  if (!created.ok) return created;
  const session = created.value;
  const facts = factsOf(session);
  const problem = mismatchOf(model, facts);
  if (problem !== undefined) {
    await session.release();
    return failure(problem);
  }
  const [input] = facts.inputs as [TensorFacts];
  const [output] = facts.outputs as [TensorFacts];
  const feeds = { [input.name]: new Tensor(model.input.type, tensor, shapeOf(model)) };
  return success({
    run: async () => {
      try {
        const outputs = await session.run(feeds);
        const scores = outputs[output.name]?.data as Float32Array;
        if (scores.length === model.labels.length) return success(scores);
        // The file left the number of outputs open.
        const sentence = `${model.path} gives ${scores.length} scores, but its manifest has ${model.labels.length} labels`;
        return failure(fault('model.labels-mismatch', sentence, 'Correct the labels.'));
      } catch (error) {
        return failure(
          fault(
            'inference.failed',
            `the model failed: ${messageOf(error)}`,
            'Check the model with `sightd model eval`.',
          ),
        );
      }
    },
    close: () => session.release(),
  });
}

/** The input's shape as the manifest has it, batch of one. */
export function shapeOf(model: Pick<ModelFile, 'input'>): readonly number[] {
  const { layout, color, width, height } = model.input;
  const channels = color === 'gray' ? 1 : 3;
  return layout === 'nhwc' ? [1, height, width, channels] : [1, channels, height, width];
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
    return failure(
      fault(
        'model.corrupt',
        `cannot load ${path}: ${messageOf(error).trim()}`,
        'The file is not a whole ONNX model, or needs operators that this onnxruntime does not have; fetch it again.',
      ),
    );
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

/** Why the file cannot be what its manifest says, if so. */
export function mismatchOf(model: ModelFile, facts: ModelFacts) {
  const mend = `Correct the manifest of ${model.name}, or use the file it was written for.`;
  const shape = (code: 'model.shape-mismatch' | 'model.labels-mismatch', sentence: string) =>
    fault(code, `${model.path} ${sentence}`, mend);
  const [input, ...otherInputs] = facts.inputs;
  const [output, ...otherOutputs] = facts.outputs;
  if (input === undefined || output === undefined || otherInputs.length + otherOutputs.length > 0) {
    return shape(
      'model.shape-mismatch',
      `has ${facts.inputs.length} inputs and ${facts.outputs.length} outputs; a classifier has one of each`,
    );
  }
  if (input.type !== model.input.type) {
    return shape(
      'model.shape-mismatch',
      `takes ${input.type}, but its manifest says ${model.input.type} (input.type)`,
    );
  }
  const wanted = shapeOf(model);
  if (!isShape(input.shape, wanted)) {
    return shape(
      'model.shape-mismatch',
      `takes [${input.shape.join(', ')}], but its manifest says [${wanted.join(', ')}] (input.layout, color, width, height)`,
    );
  }
  if (output.type !== 'float32') {
    return shape(
      'model.shape-mismatch',
      `gives ${output.type}; only float32 scores are understood`,
    );
  }
  const outputs = output.shape[output.shape.length - 1];
  const leading = output.shape.slice(0, -1);
  if (!leading.every((size) => size === 1 || typeof size === 'string')) {
    return shape(
      'model.shape-mismatch',
      `gives [${output.shape.join(', ')}]; a classifier gives one row of scores`,
    );
  }
  if (typeof outputs === 'number' && outputs !== model.labels.length) {
    return shape(
      'model.labels-mismatch',
      `gives ${outputs} scores, but its manifest has ${model.labels.length} labels`,
    );
  }
  return undefined;
}

function isShape(actual: readonly (number | string)[], wanted: readonly number[]): boolean {
  return (
    actual.length === wanted.length &&
    actual.every((size, at) => typeof size === 'string' || size === wanted[at])
  );
}
