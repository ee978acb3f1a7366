import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  addNode,
  createGraph,
  elementTypes,
  encodeModel,
  type Graph,
} from '../../models/training/onnx.ts';
import { modelsFolder } from '../../src/base/paths.ts';
import { createRandom } from '../../src/base/random.ts';
import { modelInputSchema } from '../../src/contract/manifest.ts';
import type { ModelFile } from '../../src/contract/threads.ts';
import { openNativeRuntime } from '../../src/inference/native-session.ts';
import { packageRuntime } from '../../src/inference/package-session.ts';
import type { ModelFacts, ModelSession, Runtime } from '../../src/inference/session.ts';
import { dataFolder, skipWithoutData, temporaryFolder } from '../support/data.ts';

/*
 * The C API against the package's own binding: whatever a file is, both say the same of it.
 */

const opened = openNativeRuntime();
assert.ok(opened !== undefined, 'the C API is found on the platforms that are tested');
const native: Runtime = opened;

const embedded = join(modelsFolder, 'scene-visitors.onnx');
const seed = 20_260_102;

/** The manifest that fits what a file says of itself. */
function modelOf(path: string, { inputs, outputs }: ModelFacts): ModelFile {
  const [input] = inputs;
  const sizes = input?.shape.map(Number) ?? [];
  const isRows = sizes[3] === 3;
  const [height, width] = isRows ? sizes.slice(1, 3) : sizes.slice(2, 4);
  const classes = Number(outputs[0]?.shape.at(-1));
  const layout = isRows ? 'nhwc' : 'nchw';
  return {
    name: 'model',
    version: '1',
    path,
    labels: Array.from({ length: classes }, (_, index) => `class ${index}`),
    input: modelInputSchema.parse({ layout, type: input?.type, color: 'rgb', width, height }),
    outputKind: 'probabilities',
  };
}

const tensorOf = ({ input }: ModelFile): Uint8Array | Float32Array => {
  const elements = input.width * input.height * 3;
  return input.type === 'uint8' ? new Uint8Array(elements) : new Float32Array(elements);
};

async function factsOf(path: string): Promise<ModelFacts> {
  const [ours, theirs] = [await native.readFacts(path), await packageRuntime.readFacts(path)];
  assert.ok(ours.ok);
  assert.deepEqual(ours, theirs);
  return ours.value;
}

async function openOf(runtime: Runtime, model: ModelFile, tensor: Uint8Array | Float32Array) {
  const session = await runtime.open(model, tensor, 1);
  assert.ok(session.ok, session.ok ? '' : session.fault.message);
  return session.value;
}

async function scoresOf(session: ModelSession): Promise<Float32Array> {
  const outcome = await session.run();
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.fault.message);
  return outcome.value.slice();
}

async function assertSame(path: string): Promise<void> {
  const model = modelOf(path, await factsOf(path));
  const tensor = tensorOf(model);
  const sessions = [
    await openOf(native, model, tensor),
    await openOf(packageRuntime, model, tensor),
  ] as const;
  const random = createRandom(seed);
  const answers = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    for (let at = 0; at < tensor.length; at += 1)
      tensor[at] = tensor instanceof Uint8Array ? random() * 256 : random() * 4 - 2;
    const [ours, theirs] = [await scoresOf(sessions[0]), await scoresOf(sessions[1])];
    assert.deepEqual(ours, theirs, `${path}, round ${round}, seed ${seed}`);
    answers.add(ours.join());
  }
  assert.ok(answers.size > 1, 'another tensor has other scores');
  for (const session of sessions) await session.close();
}

/** The same elements in shared memory, as a kernel's tensor is, not at its start. */
function sharedOf(tensor: Uint8Array | Float32Array): Uint8Array | Float32Array {
  const offset = 64;
  const memory = new SharedArrayBuffer(offset + tensor.byteLength);
  const shared =
    tensor instanceof Uint8Array
      ? new Uint8Array(memory, offset)
      : new Float32Array(memory, offset);
  shared.set(tensor);
  return shared;
}

for (const [name, runtime] of [
  ['the C API', native],
  ['the package', packageRuntime],
] as const) {
  test(`${name} reads the tensor in shared memory that it is bound to, each time anew`, async () => {
    const model = modelOf(embedded, await factsOf(embedded));
    const tensor = tensorOf(model);
    const reference = await openOf(packageRuntime, model, tensor);
    const random = createRandom(seed);
    const expectedOf = async (): Promise<Float32Array> => {
      for (let at = 0; at < tensor.length; at += 1) tensor[at] = random() * 256;
      return scoresOf(reference);
    };
    const [first, second, third] = [sharedOf(tensor), sharedOf(tensor), tensorOf(model)];
    const session = await openOf(runtime, model, first);
    for (const bound of [first, first, second, third, first]) {
      session.bind(bound);
      for (let round = 0; round < 2; round += 1) {
        const expected = await expectedOf();
        bound.set(tensor);
        assert.deepEqual(await scoresOf(session), expected, `seed ${seed}`);
      }
    }
    await session.close();
    await reference.close();
  });
}

test('both give the same scores for the embedded model, bit for bit', () => assertSame(embedded));

describe('both give the same scores, bit for bit', { skip: skipWithoutData() }, () => {
  const folder = join(dataFolder, 'models');
  for (const file of skipWithoutData() === false ? readdirSync(folder) : []) {
    if (file.endsWith('.onnx')) test(file, () => assertSame(join(folder, file)));
  }
});

/** A model whose sizes are free (−1): its input, flattened at an axis. */
function writeFlatten(input: readonly number[], axis: number, output: readonly number[]): string {
  const graph: Graph = createGraph();
  const numbers = addNode(graph, 'Cast', 'numbers', ['picture'], { to: elementTypes.float });
  addNode(graph, 'Flatten', 'scores', [numbers], { axis });
  const path = join(temporaryFolder(), 'flatten.onnx');
  const ports = [
    { name: 'picture', type: 'uint8', dims: input },
    { name: 'scores', type: 'float', dims: output },
  ] as const;
  writeFileSync(path, encodeModel(graph, ...ports, 'a test'));
  return path;
}

const small = modelInputSchema.parse({
  layout: 'nhwc',
  type: 'uint8',
  color: 'rgb',
  width: 8,
  height: 8,
});
const smallModel = (path: string, labels: number): ModelFile => ({
  name: 'small',
  version: '1',
  path,
  labels: Array.from({ length: labels }, (_, index) => `class ${index}`),
  input: small,
  outputKind: 'logits',
});

describe('sizes that the file leaves open', () => {
  test('a free batch is a batch of one', async () => {
    const path = writeFlatten([-1, 8, 8, 3], 1, [-1, 192]);
    const facts = await factsOf(path);
    assert.equal(typeof facts.inputs[0]?.shape[0], 'string');
    assert.equal(typeof facts.outputs[0]?.shape[0], 'string');
    const tensor = new Uint8Array(192).map((_, at) => at);
    const session = await openOf(native, smallModel(path, 192), tensor);
    assert.deepEqual(await scoresOf(session), Float32Array.from(tensor));
    await session.close();
  });

  test('a free number of scores is held against the labels when the model has run', async () => {
    const path = writeFlatten([1, -1, -1, 3], 1, [1, -1]);
    const tensor = new Uint8Array(192).map((_, at) => at);
    const fitting = await openOf(native, smallModel(path, 192), tensor);
    assert.deepEqual(await scoresOf(fitting), Float32Array.from(tensor));
    await fitting.close();
    const other = await openOf(native, smallModel(path, 10), tensor);
    const outcome = await other.run();
    assert.equal(outcome.ok ? '' : outcome.fault.code, 'model.labels-mismatch');
    await other.close();
  });

  test('a model that fails while it runs says why, each time', async () => {
    // Eight rows of scores for one picture, which shows only when it runs.
    const path = writeFlatten([-1, 8, 8, 3], 2, [-1, 24]);
    const session = await openOf(native, smallModel(path, 24), new Uint8Array(192));
    for (let round = 0; round < 2; round += 1) {
      const outcome = await session.run();
      assert.ok(!outcome.ok);
      assert.equal(outcome.fault.code, 'inference.failed');
      assert.match(outcome.fault.message, /the model failed: .*shape/);
    }
    await session.close();
  });
});

describe('both give the same fault', () => {
  const whole = readFileSync(embedded);
  const rows: readonly [what: string, bytes: Uint8Array | string | undefined][] = [
    ['a missing file', undefined],
    ['an empty file', ''],
    ['a file that is something else', 'this is not a model\n'],
    ['a file cut in its middle', whole.subarray(0, whole.length >> 1)],
    ['a file cut in its last bytes', whole.subarray(0, whole.length - 9)],
  ];
  for (const [what, bytes] of rows) {
    test(`for ${what}`, async () => {
      const path = join(temporaryFolder(), 'model.onnx');
      if (bytes !== undefined) writeFileSync(path, bytes);
      const [ours, theirs] = [await native.readFacts(path), await packageRuntime.readFacts(path)];
      assert.equal(ours.ok ? '' : ours.fault.code, 'model.corrupt');
      assert.deepEqual(ours, theirs);
    });
  }

  const changes: readonly [what: string, code: string, change: (model: ModelFile) => ModelFile][] =
    [
      [
        'another shape',
        'model.shape-mismatch',
        (model) => ({ ...model, input: { ...model.input, width: 64 } }),
      ],
      [
        'another type',
        'model.shape-mismatch',
        (model) => ({ ...model, input: { ...model.input, type: 'float32' } }),
      ],
      ['other labels', 'model.labels-mismatch', (model) => ({ ...model, labels: ['one'] })],
    ];
  for (const [what, code, change] of changes) {
    test(`for ${what} than the manifest says`, async () => {
      const model = change(modelOf(embedded, await factsOf(embedded)));
      const ours = await native.open(model, tensorOf(model), 1);
      assert.equal(ours.ok ? '' : ours.fault.code, code);
      assert.deepEqual(ours, await packageRuntime.open(model, tensorOf(model), 1));
    });
  }
});

describe('what the C API hands out is given back', () => {
  const residentMegabytes = (): number => process.memoryUsage.rss() / 1_000_000;

  test('memory does not grow over 2,000 runs', async () => {
    const model = modelOf(embedded, await factsOf(embedded));
    const session = await openOf(native, model, tensorOf(model));
    for (let run = 0; run < 500; run += 1) await session.run();
    const before = residentMegabytes();
    for (let run = 0; run < 2000; run += 1) await session.run();
    const grown = residentMegabytes() - before;
    await session.close();
    assert.ok(grown < 4, `${grown} MB more`);
  });

  test('memory does not grow over 20,000 bindings', async () => {
    const model = modelOf(embedded, await factsOf(embedded));
    const tensor = tensorOf(model);
    const session = await openOf(native, model, tensor);
    const bind = (count: number): void => {
      for (let at = 0; at < count; at += 1) session.bind(tensor);
    };
    bind(5000);
    const before = residentMegabytes();
    bind(20_000);
    const grown = residentMegabytes() - before;
    await session.close();
    assert.ok(grown < 4, `${grown} MB more`);
    assert.throws(() => session.bind(tensorOf(model)), /only an open session is bound/);
  });

  test('memory does not grow over failures and sessions', async () => {
    const corrupt = join(temporaryFolder(), 'model.onnx');
    writeFileSync(corrupt, 'this is not a model\n');
    const model = modelOf(embedded, await factsOf(embedded));
    const round = async (): Promise<void> => {
      const session = await openOf(native, model, tensorOf(model));
      await session.run();
      await session.close();
      for (let at = 0; at < 20; at += 1) assert.ok(!(await native.readFacts(corrupt)).ok);
    };
    for (let at = 0; at < 10; at += 1) await round();
    const before = residentMegabytes();
    for (let at = 0; at < 40; at += 1) await round();
    const grown = residentMegabytes() - before;
    assert.ok(grown < 8, `${grown} MB more`);
  });

  test('a closed session does not run', async () => {
    const model = modelOf(embedded, await factsOf(embedded));
    const session = await openOf(native, model, tensorOf(model));
    await session.close();
    await assert.rejects(session.run(), /only an open session runs/);
  });
});
