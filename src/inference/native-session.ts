import { assert } from '../base/assert.ts';
import { failure, messageOf, type Outcome, success } from '../base/fault.ts';
import {
  addressOf,
  type NativeFunction,
  type NativeValue,
  releasing,
  textAt,
} from '../base/ffi.ts';
import type { ModelFile } from '../contract/threads.ts';
import { check, type NativeApi, openNativeApi, resultOf, takeMessage } from './native-api.ts';
import {
  corruptFault,
  endsOf,
  failedFault,
  type ModelFacts,
  type ModelSession,
  mismatchOf,
  type Runtime,
  shapeOf,
  type TensorFacts,
} from './session.ts';

/*
 * onnxruntime through its C API. Input and scores are bound once, so a run is one call: the package's
 * own binding makes tensors, a promise and a turn of the event loop for each. Everything the API hands
 * out is owned by a scope and released with it, in reverse; what C points into is held by the scope too.
 */

/** The C API's runtime, or nothing where the package has no library that fits. */
export function openNativeRuntime(): Runtime | undefined {
  const api = openNativeApi();
  if (api === undefined) return undefined;
  return {
    readFacts: async (path) => {
      const loaded = load(api, path, 1);
      if (!loaded.ok) return loaded;
      loaded.value.scope.release();
      return success(loaded.value.facts);
    },
    open: (model, tensor, threads) => open(api, model, tensor, threads),
  };
}

/** What the API handed out, to be given back. */
type Scope = {
  /** Calls what makes something, and owns it. */
  own(release: NativeFunction, make: NativeFunction, ...values: readonly NativeValue[]): bigint;
  /** Keeps memory alive of which C knows only the address. */
  keep(view: ArrayBufferView): void;
  release(): void;
};

type Loaded = { readonly scope: Scope; readonly session: bigint; readonly facts: ModelFacts };

async function open(
  api: NativeApi,
  model: ModelFile,
  tensor: Uint8Array | Float32Array,
  threads: number,
): Promise<Outcome<ModelSession>> {
  const loaded = load(api, model.path, threads);
  if (!loaded.ok) return loaded;
  const { scope, facts } = loaded.value;
  const problem = mismatchOf(model, facts);
  if (problem !== undefined) {
    scope.release();
    return failure(problem);
  }
  const { shape } = endsOf(facts).output;
  if (typeof shape[shape.length - 1] === 'string') {
    // How many scores there are shows only when the model has run; the package finds room for them.
    scope.release();
    const { packageRuntime } = await import('./package-session.ts');
    return packageRuntime.open(model, tensor, threads);
  }
  try {
    return success(bind(api, loaded.value, model, tensor));
  } catch (error) {
    scope.release();
    return failure(failedFault(messageOf(error)));
  }
}

function load(api: NativeApi, path: string, threads: number): Outcome<Loaded> {
  const scope = createScope(api);
  try {
    // All environments of a process are one, and it ends with the last. 2: warnings.
    const env = scope.own(api.releaseEnv, api.createEnv, 2, 'sightd');
    const options = createOptions(api, scope, threads);
    const session = scope.own(api.releaseSession, api.createSession, env, path, options);
    return success({ scope, session, facts: factsOf(api, session) });
  } catch (error) {
    scope.release();
    return failure(corruptFault(path, messageOf(error)));
  }
}

/** The values are those of the enumerations in the header. */
function createOptions(api: NativeApi, scope: Scope, threads: number): bigint {
  const options = scope.own(api.releaseSessionOptions, api.createSessionOptions);
  check(api, api.setIntraOpNumThreads(options, threads));
  check(api, api.setInterOpNumThreads(options, 1));
  check(api, api.setSessionExecutionMode(options, 0)); // ORT_SEQUENTIAL
  check(api, api.setSessionGraphOptimizationLevel(options, 99)); // ORT_ENABLE_ALL
  check(api, api.setSessionLogSeverityLevel(options, 3)); // ORT_LOGGING_LEVEL_ERROR
  // Waiting threads would otherwise spin: at 30 fps that is several times the CPU of the model itself.
  check(api, api.addSessionConfigEntry(options, 'session.intra_op.allow_spinning', '0'));
  return options;
}

function bind(
  api: NativeApi,
  { scope, session, facts }: Loaded,
  model: ModelFile,
  tensor: Uint8Array | Float32Array,
): ModelSession {
  const { input, output } = endsOf(facts);
  const scores = new Float32Array(model.labels.length);
  // A batch of one; free dimensions before the last are then one too.
  const scoresShape = output.shape.map((size) => (typeof size === 'string' ? 1 : size));
  const binding = scope.own(api.releaseIoBinding, api.createIoBinding, session);
  check(api, api.bindOutput(binding, output.name, createValue(api, scope, scores, scoresShape)));
  let inputScope = createScope(api);
  const bindTensor = (next: Uint8Array | Float32Array): void => {
    const before = inputScope;
    inputScope = createScope(api);
    check(
      api,
      api.bindInput(binding, input.name, createValue(api, inputScope, next, shapeOf(model))),
    );
    // Only now does the binding no longer point to it.
    before.release();
  };
  bindTensor(tensor);
  // Kept so that another thread can end a running model by them (RunOptionsSetTerminate).
  const runOptions = scope.own(api.releaseRunOptions, api.createRunOptions);

  const release = releasing(() => {
    scope.release();
    inputScope.release();
  });
  const { runWithBinding } = api;
  const done = success(scores);
  let isClosed = false;
  return {
    run: async () => {
      assert(!isClosed, 'only an open session runs');
      const status = runWithBinding(session, runOptions, binding) as bigint | null;
      return status === null ? done : failure(failedFault(takeMessage(api, status)));
    },
    bind: (next) => {
      assert(!isClosed, 'only an open session is bound');
      bindTensor(next);
    },
    close: async () => {
      isClosed = true;
      release();
    },
  };
}

/** A tensor over memory that a view has already. */
function createValue(
  api: NativeApi,
  scope: Scope,
  view: Uint8Array | Float32Array,
  shape: readonly number[],
): bigint {
  const elements = shape.reduce((product, size) => product * size, 1);
  assert(view.length === elements, 'a tensor has the elements of its shape');
  const memory = scope.own(api.releaseMemoryInfo, api.createCpuMemoryInfo, 1, 0); // arena, default
  const sizes = new BigInt64Array(shape.map(BigInt));
  scope.keep(view);
  return scope.own(
    api.releaseValue,
    api.createTensorWithDataAsOrtValue,
    memory,
    addressOf(view),
    view.byteLength,
    sizes,
    sizes.length,
    elementTypes.indexOf(view instanceof Float32Array ? 'float32' : 'uint8'),
  );
}

function factsOf(api: NativeApi, session: bigint): ModelFacts {
  const allocator = resultOf(api, api.getAllocatorWithDefaultOptions);
  const read = (
    count: NativeFunction,
    nameOf: NativeFunction,
    typeOf: NativeFunction,
  ): TensorFacts[] =>
    Array.from({ length: Number(resultOf(api, count, session)) }, (_, index) => {
      const text = resultOf(api, nameOf, session, index, allocator);
      const name = textAt(text);
      check(api, api.allocatorFree(allocator, text));
      const scope = createScope(api);
      const typeInfo = scope.own(api.releaseTypeInfo, typeOf, session, index);
      const facts = { name, ...tensorFactsOf(api, typeInfo) };
      scope.release();
      return facts;
    });
  return {
    inputs: read(api.sessionGetInputCount, api.sessionGetInputName, api.sessionGetInputTypeInfo),
    outputs: read(
      api.sessionGetOutputCount,
      api.sessionGetOutputName,
      api.sessionGetOutputTypeInfo,
    ),
  };
}

function tensorFactsOf(api: NativeApi, typeInfo: bigint): Omit<TensorFacts, 'name'> {
  const tensorInfo = resultOf(api, api.castTypeInfoToTensorInfo, typeInfo);
  if (tensorInfo === 0n) return { type: 'not a tensor', shape: [] };
  const type = new Int32Array(1);
  check(api, api.getTensorElementType(tensorInfo, type));
  const rank = Number(resultOf(api, api.getDimensionsCount, tensorInfo));
  const sizes = new BigInt64Array(rank);
  const names = new BigUint64Array(rank);
  check(api, api.getDimensions(tensorInfo, sizes, rank));
  check(api, api.getSymbolicDimensions(tensorInfo, names, rank));
  const [number = 0] = type;
  return {
    type: elementTypes[number] ?? `elements of type ${number}`,
    shape: [...sizes].map((size, at) => (size < 0n ? textAt(names[at] as bigint) : Number(size))),
  };
}

/** By ONNXTensorElementDataType, with the names of the package. */
const elementTypes: readonly (string | undefined)[] = [
  undefined,
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
];

function createScope(api: NativeApi): Scope {
  const releases: (() => void)[] = [];
  const kept = new Set<ArrayBufferView>();
  return {
    own: (release, make, ...values) => {
      const pointer = resultOf(api, make, ...values);
      releases.push(() => release(pointer));
      return pointer;
    },
    keep: (view) => void kept.add(view),
    release: () => {
      for (const release of releases.splice(0).reverse()) release();
      kept.clear();
    },
  };
}
