import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Fault, failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { modelsFolder } from '../base/paths.ts';
import { type ModelManifest, modelManifestSchema } from '../contract/manifest.ts';
import type { ModelFile } from '../contract/threads.ts';

/**
 * Finds a model and holds its file against its manifest: `use` is the name of a model that comes with
 * sightd, or the path of a manifest or of an .onnx file with its manifest beside it.
 */
export function loadModel(use: string): Outcome<ModelFile> {
  const path = manifestPathOf(use);
  return path.ok ? loadManifest(path.value) : path;
}

/** Loads a model by its manifest; `modelPath` stands in for the file the manifest names. */
export function loadManifest(path: string, modelPath?: string): Outcome<ModelFile> {
  const text = readText(path, 'the manifest');
  if (!text.ok) return text;
  const manifest = parseManifest(text.value, path);
  if (!manifest.ok) return manifest;
  const labels = readLabels(manifest.value, path);
  if (!labels.ok) return labels;
  const { name, version, input, output, file, golden } = manifest.value;
  if (golden !== undefined && !labels.value.includes(golden.label)) {
    const sentence = `${path}: golden.label: the model has no label ${golden.label}`;
    const known = `Its labels are ${labels.value.slice(0, 8).join(', ')}${labels.value.length > 8 ? ', …' : ''}.`;
    return failure(fault('model.manifest-invalid', sentence, known));
  }
  const onnx = modelPath ?? besides(path, file);
  const mismatch = checkHash(onnx, manifest.value, path);
  if (mismatch !== undefined) return failure(mismatch);
  return success({
    name,
    version,
    path: onnx,
    labels: labels.value,
    input,
    outputKind: output.kind,
    ...(golden === undefined ? {} : { golden: { ...golden, image: besides(path, golden.image) } }),
  });
}

/** Whether a manifest lies beside an .onnx file. */
export function hasManifest(onnxPath: string): boolean {
  return existsSync(onnxPath.replace(/\.onnx$/, '.json'));
}

/** The names of the models that come with sightd. */
export function embeddedModels(): readonly string[] {
  return readdirSync(modelsFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

function manifestPathOf(use: string): Outcome<string> {
  const isPath = use.includes('/') || use.endsWith('.onnx') || use.endsWith('.json');
  if (!isPath) {
    const path = join(modelsFolder, `${use}.json`);
    if (existsSync(path)) return success(path);
    return failure(
      fault(
        'model.missing',
        `no model is named ${use}`,
        `Use one of ${embeddedModels().join(', ')}, or a path to an .onnx file or its manifest.`,
      ),
    );
  }
  const path = resolve(use);
  if (path.endsWith('.json')) return success(path);
  if (!existsSync(path)) {
    return failure(
      fault('model.missing', `there is no model file ${path}`, 'Correct model.use in the config.'),
    );
  }
  const beside = path.replace(/\.onnx$/, '.json');
  if (beside !== path && existsSync(beside)) return success(beside);
  return failure(
    fault(
      'model.missing',
      `${path} has no manifest beside it`,
      `Write ${beside}; docs/models.md says what it holds.`,
    ),
  );
}

function readText(path: string, what: string): Outcome<string> {
  try {
    return success(readFileSync(path, 'utf8'));
  } catch (error) {
    return failure(
      fault(
        'model.missing',
        `cannot read ${what} ${path}: ${messageOf(error)}`,
        'Correct model.use in the config.',
      ),
    );
  }
}

function parseManifest(text: string, path: string): Outcome<ModelManifest> {
  const mend = 'docs/models.md says what a manifest holds.';
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return failure(
      fault('model.manifest-invalid', `${path} is not JSON: ${messageOf(error)}`, mend),
    );
  }
  const parsed = modelManifestSchema.safeParse(document);
  if (parsed.success) return success(parsed.data);
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'manifest'}: ${issue.message}`,
  );
  return failure(fault('model.manifest-invalid', `${path}: ${problems.join('; ')}`, mend));
}

const besides = (path: string, file: string): string =>
  isAbsolute(file) ? file : join(dirname(path), file);

function readLabels(manifest: ModelManifest, path: string): Outcome<readonly string[]> {
  if (typeof manifest.labels !== 'string') return success(manifest.labels);
  const text = readText(besides(path, manifest.labels), 'the labels');
  if (!text.ok) return text;
  const names = text.value.replace(/\r/g, '').replace(/\n+$/, '').split('\n');
  if (names.every((name) => name !== '')) return success(names);
  return failure(
    fault(
      'model.manifest-invalid',
      `${besides(path, manifest.labels)} has an empty line where a label should be`,
      'docs/models.md says what a manifest holds.',
    ),
  );
}

function checkHash(onnx: string, manifest: ModelManifest, path: string): Fault | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(onnx);
  } catch (error) {
    return fault(
      'model.missing',
      `cannot read the model file ${onnx}: ${messageOf(error)}`,
      `Put it where ${path} says (file).`,
    );
  }
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual === manifest.sha256) return undefined;
  return fault(
    'model.hash-mismatch',
    `${onnx} is not the file its manifest names: SHA-256 ${actual}, expected ${manifest.sha256}`,
    'The file is damaged or another version: fetch it again, or write its SHA-256 into the manifest.',
  );
}
