import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../src/base/paths.ts';

/**
 * Real models, photographs and a labelled video, which are not part of this project. Tests that need
 * them are skipped where they are missing, and fail there in CI.
 */
export const dataFolder: string =
  process.env['SIGHTD_DATA'] ?? resolve(packageRoot, '..', 'shared', 'data');

const isCi = process.env['CI'] === 'true';

/** `false` to run a test, or why it is skipped. */
export function skipWithoutData(): string | false {
  if (existsSync(join(dataFolder, 'models'))) return false;
  if (isCi) throw new Error(`the test data is missing in CI: ${dataFolder}`);
  return `needs the test data in ${dataFolder} (or $SIGHTD_DATA)`;
}

/** A folder of its own for one test. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'sightd-test-'));

export type DataModel = 'mobilenet-uint8' | 'mobilenet-float32' | 'shufflenet' | 'person';

const imagenetLabels = join(dataFolder, 'labels', 'imagenet1000.txt');
const square = (size: number) => ({ color: 'rgb', width: size, height: size });

const models = {
  'mobilenet-uint8': {
    file: 'mobilenetv2_1.0_224_imagenet_int8_qdq.onnx',
    labels: imagenetLabels,
    input: { layout: 'nhwc', type: 'uint8', ...square(224) },
    output: { kind: 'probabilities' },
  },
  'mobilenet-float32': {
    file: 'mobilenetv2_1.0_224_imagenet_ptq_ort1.21_f32in.onnx',
    labels: imagenetLabels,
    input: { layout: 'nchw', type: 'float32', mean: 127.5, std: 127.5, ...square(224) },
    output: { kind: 'probabilities' },
  },
  shufflenet: {
    file: 'shufflenet-v2-12-int8.onnx',
    labels: imagenetLabels,
    input: {
      layout: 'nchw',
      type: 'float32',
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      ...square(224),
    },
    output: { kind: 'logits' },
  },
  person: {
    file: 'vww_person_mlperftiny_96_836k_int8_qdq.onnx',
    labels: ['empty', 'person'],
    // The whole picture in its proportions: people at its sides are people too.
    input: { layout: 'nhwc', type: 'uint8', resize: { rule: 'letterbox' }, ...square(96) },
    output: { kind: 'probabilities' },
  },
} as const;

/** Writes a manifest for one of the data's models into `folder`; returns its path. */
export function writeManifest(model: DataModel, folder: string, changes: object = {}): string {
  const file = join(dataFolder, 'models', models[model].file);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  const manifest = {
    name: model,
    version: '1',
    ...models[model],
    file,
    sha256,
    source: 'test data',
    license: 'Apache-2.0',
    ...changes,
  };
  const path = join(folder, `${model}.json`);
  writeFileSync(path, JSON.stringify(manifest));
  return path;
}
