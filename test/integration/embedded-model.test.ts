import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { accuracyOf, confusionOf, runModel } from '../../models/training/evaluate.ts';
import { balanced, renderSamples } from '../../models/training/samples.ts';
import { sceneLabels } from '../../src/camera/scene.ts';
import { loadManifest } from '../../src/inference/manifest.ts';

const manifest = fileURLToPath(new URL('../../../models/scene-visitors.json', import.meta.url));

/** Scene seeds that neither training nor its evaluation use. */
const firstSeed = 990_000;

test('the embedded model recognises the visitors of scenes it has never seen', async () => {
  const model = loadManifest(manifest);
  assert.ok(model.ok, model.ok ? '' : model.fault.message);
  assert.deepEqual(model.value.labels, sceneLabels);
  assert.deepEqual(model.value.input.resize, { rule: 'squash' });
  const samples = renderSamples({
    count: 300,
    firstSeed,
    perScene: 15,
    jitter: false,
    mix: balanced,
  });
  const { rows } = await runModel(model.value, samples);
  for (let at = 0; at < rows.length; at += sceneLabels.length) {
    const sum = rows.subarray(at, at + sceneLabels.length).reduce((total, p) => total + p, 0);
    assert.ok(Math.abs(sum - 1) < 1e-5, 'probabilities add up to one');
  }
  const confusion = confusionOf(rows, samples.labels, sceneLabels.length);
  const accuracy = accuracyOf(confusion);
  assert.ok(accuracy >= 0.9, `accuracy ${accuracy}, truth by row: ${JSON.stringify(confusion)}`);
});
