import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assert } from '../../src/base/assert.ts';
import { createRandom } from '../../src/base/random.ts';
import { sceneLabels } from '../../src/camera/scene.ts';
import { type ModelManifest, modelManifestSchema } from '../../src/contract/manifest.ts';
import { loadManifest } from '../../src/inference/manifest.ts';
import { accuracyOf, agreementOf, confusionOf, runModel } from './evaluate.ts';
import { inferAll, train } from './learn.ts';
import { createNetwork, createPass } from './network.ts';
import { calibrate, quantize } from './quantize.ts';
import { balanced, harder, pictureSide, renderSamples, type Samples } from './samples.ts';

/**
 * Trains, quantizes, writes and measures the embedded model: `node dist/models/training/train.js`.
 * All chance comes from one seed; the same Node on the same kind of machine writes the same file.
 */
const seed = 20;
const widths = [8, 16, 24, 32];
const trainingCount = 9600;
const evaluationCount = 4000;
const calibrationCount = 400;
const schedule = { epochs: 9, batch: 16, rate: 0.003 };
/** Scene seeds of training and of evaluation; nothing else in the project uses these. */
const trainingSeed = 100_000;
const evaluationSeed = 900_000;

const about =
  "Tells which visitor is in sightd's own built-in scene, a drawn landscape: a hot-air balloon, a " +
  'bird, a car, or nobody. It has never seen a photograph and knows nothing of real pictures.';

const folder = new URL('../../../models/', import.meta.url);

async function main(): Promise<void> {
  const start = performance.now();
  const say = (line: string): void => {
    console.log(`${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  };
  const samples = renderSamples({
    count: trainingCount,
    firstSeed: trainingSeed,
    perScene: 40,
    jitter: true,
    mix: harder,
  });
  say(`${trainingCount} training samples rendered`);
  const network = createNetwork(pictureSide, widths, sceneLabels.length, seed);
  train(network, samples, schedule, createRandom(seed + 1), (epoch, loss, accuracy) => {
    say(`epoch ${epoch}: loss ${loss.toFixed(4)}, accuracy ${(100 * accuracy).toFixed(2)} %`);
  });
  const model = quantize(network, calibrate(network, headOf(samples, calibrationCount)), about);
  const written = loadManifest(writeModel(model));
  assert(written.ok, 'the manifest that was just written is valid');
  say(`${model.length} bytes written; rendering ${evaluationCount} samples to evaluate it`);
  const unseen = {
    count: evaluationCount,
    firstSeed: evaluationSeed,
    perScene: 40,
    jitter: false,
    mix: balanced,
  };
  const evaluation = renderSamples(unseen);
  const float = inferAll(createPass(network), evaluation);
  const { rows, medianMilliseconds } = await runModel(written.value, evaluation);
  const labels = sceneLabels.length;
  const confusion = confusionOf(rows, evaluation.labels, labels);
  const floatAccuracy = accuracyOf(confusionOf(float, evaluation.labels, labels));
  say(`accuracy ${(100 * accuracyOf(confusion)).toFixed(2)} % quantized`);
  say(`accuracy ${(100 * floatAccuracy).toFixed(2)} % in floating point`);
  say(`both agree on ${(100 * agreementOf(rows, float, labels)).toFixed(2)} %`);
  say(`${medianMilliseconds.toFixed(3)} ms per inference, median`);
  for (const [truth, line] of confusion.entries()) {
    say(
      `${(sceneLabels[truth] as string).padEnd(8)}${line.map((n) => `${n}`.padStart(6)).join('')}`,
    );
  }
}

function headOf(samples: Samples, count: number): Samples {
  const bytes = samples.pictures.length / samples.labels.length;
  return {
    pictures: samples.pictures.subarray(0, count * bytes),
    labels: samples.labels.subarray(0, count),
  };
}

/** Writes both files and returns the manifest's path. */
function writeModel(model: Uint8Array): string {
  const manifest: ModelManifest = modelManifestSchema.parse({
    name: 'scene-visitors',
    version: '1.0.0',
    description: about,
    file: 'scene-visitors.onnx',
    sha256: createHash('sha256').update(model).digest('hex'),
    labels: [...sceneLabels],
    input: {
      layout: 'nhwc',
      type: 'uint8',
      color: 'rgb',
      width: pictureSide,
      height: pictureSide,
      resize: { rule: 'squash' },
    },
    output: { kind: 'probabilities' },
    source: "made by this project's own training program, models/training",
    license: 'MIT',
  });
  writeFileSync(new URL(manifest.file, folder), model);
  const path = fileURLToPath(new URL('scene-visitors.json', folder));
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
  return path;
}

await main();
