import { type Fault, fault, type Outcome } from '../base/fault.ts';
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
  /** Classifies what the bound tensor holds now; the scores are the caller's until the next run. */
  run(): Promise<Outcome<Float32Array>>;
  /** Binds another tensor of the same shape instead; the one before may then be let go. */
  bind(tensor: Uint8Array | Float32Array): void;
  /** Frees the model, which must not run any more. */
  close(): Promise<void>;
}

/** A way to onnxruntime. */
export interface Runtime {
  /** What the file says of itself, without running it. */
  readFacts(path: string): Promise<Outcome<ModelFacts>>;
  /**
   * Loads a model and binds it to `tensor` (memory of the shape the manifest states, shared or not).
   * The file is held against the manifest first.
   */
  open(
    model: ModelFile,
    tensor: Uint8Array | Float32Array,
    threads: number,
  ): Promise<Outcome<ModelSession>>;
}

/** The one input and the one output of a model whose facts fit its manifest. */
export function endsOf(facts: ModelFacts): {
  readonly input: TensorFacts;
  readonly output: TensorFacts;
} {
  const [input] = facts.inputs as [TensorFacts];
  const [output] = facts.outputs as [TensorFacts];
  return { input, output };
}

/** The input's shape as the manifest has it, batch of one. */
export function shapeOf(model: Pick<ModelFile, 'input'>): readonly number[] {
  const { layout, color, width, height } = model.input;
  const channels = color === 'gray' ? 1 : 3;
  return layout === 'nhwc' ? [1, height, width, channels] : [1, channels, height, width];
}

export function corruptFault(path: string, reason: string): Fault {
  return fault(
    'model.corrupt',
    `cannot load ${path}: ${reason.trim()}`,
    'The file is not a whole ONNX model, or needs operators that this onnxruntime does not have; fetch it again.',
  );
}

export function failedFault(reason: string): Fault {
  return fault(
    'inference.failed',
    `the model failed: ${reason}`,
    'Check the model with `sightd model eval`.',
  );
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
