import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Fault, FaultCode, Outcome } from '../../../src/base/fault.ts';
import { modelsFolder } from '../../../src/base/paths.ts';
import {
  embeddedModels,
  hasManifest,
  loadManifest,
  loadModel,
} from '../../../src/inference/manifest.ts';

const root = mkdtempSync(join(tmpdir(), 'sightd-manifest-'));
after(() => rmSync(root, { recursive: true }));

const onnx = Buffer.from('not really a model, but bytes with a hash');
const sha256 = createHash('sha256').update(onnx).digest('hex');
const input = { layout: 'nhwc', type: 'uint8', color: 'rgb', width: 96, height: 96 };
const whole = {
  name: 'pets',
  version: '2.1',
  file: 'pets.onnx',
  sha256,
  labels: ['cat', 'dog'],
  input,
  output: { kind: 'logits' },
  source: 'a test',
  license: 'MIT',
};

let folders = 0;

/** A folder with a manifest, or text in its place, and the model beside it. */
function folderOf(manifest: object | string, files: Readonly<Record<string, string>> = {}): string {
  folders += 1;
  const folder = join(root, `${folders}`);
  mkdirSync(folder);
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  writeFileSync(join(folder, 'pets.json'), text);
  writeFileSync(join(folder, 'pets.onnx'), onnx);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Asserts the fault, and that it tells the person what to do. */
function assertFault(outcome: Outcome<unknown>, code: FaultCode, ...parts: string[]): Fault {
  assert.ok(!outcome.ok, `${code} is found`);
  assert.equal(outcome.fault.code, code);
  for (const part of parts) {
    assert.ok(outcome.fault.message.includes(part), `"${outcome.fault.message}" names ${part}`);
  }
  assert.notEqual(outcome.fault.mend, '');
  return outcome.fault;
}

test('a model is found by its manifest and by its file', () => {
  const folder = folderOf(whole);
  const byManifest = loadModel(join(folder, 'pets.json'));
  assert.ok(byManifest.ok);
  assert.deepEqual(byManifest.value, {
    name: 'pets',
    version: '2.1',
    path: join(folder, 'pets.onnx'),
    labels: ['cat', 'dog'],
    input: {
      ...input,
      scale: 1,
      mean: 0,
      std: 1,
      resize: { rule: 'center-crop', fraction: 0.875 },
    },
    outputKind: 'logits',
  });
  assert.deepEqual(loadModel(join(folder, 'pets.onnx')), byManifest);
});

test('every model that comes with sightd is found by its name, and is what its manifest says', () => {
  assert.ok(embeddedModels().includes('scene-visitors'));
  for (const name of embeddedModels()) {
    const loaded = loadModel(name);
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.equal(loaded.value.name, name);
    assert.ok(loaded.value.path.startsWith(modelsFolder));
  }
});

test('a name that no model has is a fault that lists the names there are', () => {
  const { mend } = assertFault(loadModel('scene-visitor'), 'model.missing', 'scene-visitor');
  assert.ok(mend.includes('scene-visitors'));
});

test('a name cannot lead out of the folder of models', () => {
  assertFault(loadModel('../package'), 'model.missing', 'package');
});

test('a path with nothing behind it is a fault that names it', () => {
  for (const name of ['none.onnx', 'none.json', 'none']) {
    const path = join(root, name);
    assertFault(loadModel(path), 'model.missing', path);
  }
});

test('a model without a manifest beside it is a fault that says which file to write', () => {
  const folder = folderOf(whole);
  rmSync(join(folder, 'pets.json'));
  const path = join(folder, 'pets.onnx');
  const { mend } = assertFault(loadModel(path), 'model.missing', path, 'manifest');
  assert.ok(mend.includes(join(folder, 'pets.json')));
  assert.equal(hasManifest(path), false);
});

test('a manifest beside a model is seen without being read', () => {
  assert.equal(hasManifest(join(folderOf('{'), 'pets.onnx')), true);
});

test('a manifest that is not JSON is a fault that names it', () => {
  for (const text of ['', '{', 'name: pets']) {
    const path = join(folderOf(text), 'pets.json');
    assertFault(loadModel(path), 'model.manifest-invalid', path, 'not JSON');
  }
});

test('a manifest that is JSON but no manifest is a fault that names it', () => {
  for (const text of ['null', '[]', '7', '"pets"', '{}']) {
    const path = join(folderOf(text), 'pets.json');
    assertFault(loadModel(path), 'model.manifest-invalid', path);
  }
});

const wrong: readonly [key: string, changes: object][] = [
  ['name', { name: 'my pets' }],
  ['name', { name: '../pets' }],
  ['version', { version: '' }],
  ['sha256', { sha256: sha256.slice(1) }],
  ['labels', { labels: [] }],
  ['labels', { labels: ['cat', ''] }],
  ['input.layout', { input: { ...input, layout: 'hwc' } }],
  ['input.type', { input: { ...input, type: 'int8' } }],
  ['input.width', { input: { ...input, width: 7 } }],
  ['input.height', { input: { ...input, height: 1025 } }],
  ['input.scale', { input: { ...input, scale: 0 } }],
  ['input.mean', { input: { ...input, mean: [1, 2] } }],
  ['input.std', { input: { ...input, std: 0 } }],
  ['input.std', { input: { ...input, std: [1, 0, 1] } }],
  ['input.resize.fraction', { input: { ...input, resize: { rule: 'center-crop', fraction: 0 } } }],
  ['input.resize.rule', { input: { ...input, resize: { rule: 'stretch' } } }],
  ['output.kind', { output: { kind: 'boxes' } }],
  ['colour', { colour: 'rgb' }],
];

/** The value at a dotted path. */
const valueAt = (tree: unknown, path: string): unknown =>
  path.split('.').reduce((value, key) => (value as Record<string, unknown>)[key], tree);

for (const [key, changes] of wrong) {
  test(`a manifest with ${key} ${JSON.stringify(valueAt(changes, key))} is refused, naming it`, () => {
    const path = join(folderOf({ ...whole, ...changes }), 'pets.json');
    assertFault(loadModel(path), 'model.manifest-invalid', path, key);
  });
}

test('all that is wrong with a manifest is told at once', () => {
  const path = join(folderOf({ ...whole, name: '', version: '', output: {} }), 'pets.json');
  assertFault(loadModel(path), 'model.manifest-invalid', 'name: ', 'version: ', 'output.kind: ');
});

test('a model file that is not there is a fault that names it', () => {
  const folder = folderOf({ ...whole, file: 'cats.onnx' });
  const path = join(folder, 'pets.json');
  const { mend } = assertFault(loadModel(path), 'model.missing', join(folder, 'cats.onnx'));
  assert.ok(mend.includes(path));
});

test('a model file of one other bit is a fault with both hashes', () => {
  const folder = folderOf(whole);
  const path = join(folder, 'pets.onnx');
  const changed = Buffer.from(onnx);
  changed[0] = (changed[0] ?? 0) ^ 1;
  writeFileSync(path, changed);
  const actual = createHash('sha256').update(changed).digest('hex');
  assertFault(loadModel(path), 'model.hash-mismatch', path, actual, sha256);
});

test('an empty model file is a fault', () => {
  const folder = folderOf(whole);
  writeFileSync(join(folder, 'pets.onnx'), '');
  assertFault(loadModel(join(folder, 'pets.onnx')), 'model.hash-mismatch');
});

test('labels may lie in a file of their own, one a line, with either line end', () => {
  for (const text of ['cat\ndog', 'cat\ndog\n', 'cat\r\ndog\r\n', 'cat\ndog\n\n']) {
    const folder = folderOf({ ...whole, labels: 'labels.txt' }, { 'labels.txt': text });
    const loaded = loadModel(join(folder, 'pets.json'));
    assert.ok(loaded.ok);
    assert.deepEqual(loaded.value.labels, ['cat', 'dog'], JSON.stringify(text));
  }
});

test('a file of labels that is not there is a fault that names it', () => {
  const folder = folderOf({ ...whole, labels: 'labels.txt' });
  assertFault(loadModel(join(folder, 'pets.json')), 'model.missing', join(folder, 'labels.txt'));
});

test('a file with a label of no name is a fault, as it is in the manifest', () => {
  for (const text of ['', '\n', 'cat\n\ndog\n']) {
    const folder = folderOf({ ...whole, labels: 'labels.txt' }, { 'labels.txt': text });
    const loaded = loadModel(join(folder, 'pets.json'));
    assertFault(loaded, 'model.manifest-invalid', join(folder, 'labels.txt'));
  }
});

test('another file may stand in for the one that the manifest names, if it is the same', () => {
  const folder = folderOf({ ...whole, file: 'elsewhere.onnx' });
  const manifest = join(folder, 'pets.json');
  const loaded = loadManifest(manifest, join(folder, 'pets.onnx'));
  assert.ok(loaded.ok);
  assert.equal(loaded.value.path, join(folder, 'pets.onnx'));
  assertFault(loadManifest(manifest, manifest), 'model.hash-mismatch', manifest);
});
