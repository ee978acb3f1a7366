import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { modelsFolder } from '../../src/base/paths.ts';
import { openNativeRuntime } from '../../src/inference/native-session.ts';

// In a file of its own: onnxruntime's own binding, loaded beside, would hold the library as well.

test('the model library stays loaded when what opened it is collected', async () => {
  const runtime = openNativeRuntime();
  assert.ok(runtime !== undefined);
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  for (let round = 0; round < 3; round += 1) {
    collectGarbage();
    // Finalizers, which unload libraries, run in turns of their own.
    await setImmediate();
  }
  assert.match(readFileSync('/proc/self/maps', 'utf8'), /libonnxruntime/);
  const facts = await runtime.readFacts(join(modelsFolder, 'scene-visitors.onnx'));
  assert.ok(facts.ok);
});
