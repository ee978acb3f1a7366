import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelFile } from '../../../src/contract/threads.ts';
import { type ModelFacts, mismatchOf, shapeOf } from '../../../src/inference/session.ts';

const model: ModelFile = {
  name: 'pets',
  version: '1',
  path: '/models/pets.onnx',
  labels: ['cat', 'dog', 'fish'],
  input: {
    layout: 'nhwc',
    type: 'uint8',
    color: 'rgb',
    width: 96,
    height: 64,
    scale: 1,
    mean: 0,
    std: 1,
    resize: { rule: 'squash' },
  },
  outputKind: 'logits',
};

const takes = { name: 'picture', type: 'uint8', shape: [1, 64, 96, 3] };
const gives = { name: 'scores', type: 'float32', shape: [1, 3] };
const fitting: ModelFacts = { inputs: [takes], outputs: [gives] };

function assertMismatch(facts: Partial<ModelFacts>, code: string, ...parts: string[]): void {
  const found = mismatchOf(model, { ...fitting, ...facts });
  assert.ok(found !== undefined, `${JSON.stringify(facts)} does not fit`);
  assert.equal(found.code, code);
  for (const part of ['/models/pets.onnx', ...parts]) {
    assert.ok(found.message.includes(part), `"${found.message}" names ${part}`);
  }
  assert.ok(found.mend.includes('pets'));
}

const shape = 'model.shape-mismatch';

test('a file that is what its manifest says has no mismatch', () => {
  assert.equal(mismatchOf(model, fitting), undefined);
});

test('the shape follows from layout, colour and size', () => {
  const shapeWith = (changes: Partial<ModelFile['input']>) =>
    shapeOf({ input: { ...model.input, ...changes } });
  assert.deepEqual(shapeWith({}), [1, 64, 96, 3]);
  assert.deepEqual(shapeWith({ layout: 'nchw' }), [1, 3, 64, 96]);
  assert.deepEqual(shapeWith({ color: 'gray' }), [1, 64, 96, 1]);
  assert.deepEqual(shapeWith({ color: 'bgr', layout: 'nchw' }), [1, 3, 64, 96]);
});

test('a free dimension fits whatever the manifest says', () => {
  const free = ['batch', 'height', 'width', 3];
  assert.equal(mismatchOf(model, { ...fitting, inputs: [{ ...takes, shape: free }] }), undefined);
  for (const given of [['batch', 3], [1, 'classes'], ['', ''], [1, 1, 1, 3], [3]]) {
    const facts = { ...fitting, outputs: [{ ...gives, shape: given }] };
    assert.equal(mismatchOf(model, facts), undefined, JSON.stringify(given));
  }
});

test('anything but one input and one output is a mismatch', () => {
  assertMismatch({ inputs: [] }, shape, '0 inputs and 1 outputs');
  assertMismatch({ inputs: [takes, takes] }, shape, '2 inputs and 1 outputs');
  assertMismatch({ outputs: [] }, shape, '1 inputs and 0 outputs');
  assertMismatch({ outputs: [gives, gives, gives] }, shape, '1 inputs and 3 outputs');
});

test('another type of input is a mismatch that names both', () => {
  assertMismatch({ inputs: [{ ...takes, type: 'float32' }] }, shape, 'float32', 'uint8');
  assertMismatch({ inputs: [{ ...takes, type: 'not a tensor', shape: [] }] }, shape, 'uint8');
});

test('another shape of input is a mismatch that names both', () => {
  for (const given of [
    [1, 3, 64, 96],
    [1, 96, 64, 3],
    [2, 64, 96, 3],
    [64, 96, 3],
    [1, 64, 96, 1],
    ['batch', 64, 96, 4],
    [],
  ]) {
    const facts = { inputs: [{ ...takes, shape: given }] };
    assertMismatch(facts, shape, `[${given.join(', ')}]`, '[1, 64, 96, 3]');
  }
});

test('scores of another type are a mismatch', () => {
  for (const type of ['uint8', 'float16', 'int64', 'not a tensor']) {
    assertMismatch({ outputs: [{ ...gives, type }] }, shape, type);
  }
});

test('more than one row of scores is a mismatch', () => {
  for (const given of [
    [2, 3],
    [1, 7, 3],
    [10, 1, 3],
  ]) {
    assertMismatch(
      { outputs: [{ ...gives, shape: given }] },
      shape,
      `[${given.join(', ')}]`,
      'one row',
    );
  }
});

test('another number of scores than labels is a mismatch of the labels', () => {
  for (const count of [2, 4, 1000]) {
    const facts = { outputs: [{ ...gives, shape: [1, count] }] };
    assertMismatch(facts, 'model.labels-mismatch', `${count} scores`, '3 labels');
  }
});
