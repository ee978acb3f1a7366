import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { createRandom } from '../../src/base/random.ts';
import { configSchema } from '../../src/contract/config.ts';
import { pathErrorSchema } from '../../src/contract/messages.ts';
import { readDesired } from '../../src/daemon/desired-document.ts';
import { errorsMax } from '../../src/daemon/strict-json.ts';
import { fuzzedConfig, payloadKinds } from '../support/fuzz-payloads.ts';

/*
 * What a broker may deliver: FUZZ_PAYLOADS payloads (100,000) from FUZZ_SEED, which is printed. Each is
 * answered with a document or with errors; nothing is thrown, and nothing is left behind.
 */

const payloads = Number(process.env['FUZZ_PAYLOADS'] ?? 100_000);
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));

const local = fuzzedConfig;

test(`${payloads} payloads, FUZZ_SEED=${seed}: each is answered, none does harm`, () => {
  const random = createRandom(seed);
  const names = Object.keys(payloadKinds);
  const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
  const before = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);
  const snapshot = JSON.stringify(local);
  const answers = { layer: 0, none: 0, refused: 0 };
  let settledMegabytes = 0;
  let slowestMs = 0;
  for (let at = 0; at < payloads; at += 1) {
    const kind = names[at % names.length] as string;
    const bytes = payloadKinds[kind]?.(random) ?? new Uint8Array(0);
    const begun = performance.now();
    // A signature is checked first where there is a key; this one takes any.
    const verify = at % 7 === 0 ? () => true : undefined;
    const desired = readDesired(bytes, local, verify);
    slowestMs = Math.max(slowestMs, performance.now() - begun);
    answers[desired.kind] += 1;
    if (desired.kind === 'refused') {
      const where = `payload ${at} (${kind})`;
      assert.ok(desired.errors.length > 0 && desired.errors.length <= errorsMax + 1, where);
      for (const error of desired.errors) {
        assert.ok(pathErrorSchema.safeParse(error).success && error.message !== '', where);
        assert.ok(error.path.length + error.message.length < 700, where);
      }
    } else if (desired.kind === 'layer') {
      assert.ok(configSchema.safeParse(desired.config).success, `payload ${at} (${kind})`);
      assert.deepEqual(desired.config.mqtt, local.mqtt);
    }
    if (at === payloads >> 2) settledMegabytes = process.memoryUsage.rss() / 2 ** 20;
  }
  const grown = process.memoryUsage.rss() / 2 ** 20 - settledMegabytes;
  assert.deepEqual(
    prototypes.map((prototype) => Reflect.ownKeys(prototype).length),
    before,
  );
  assert.equal(JSON.stringify(local), snapshot);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
  assert.ok(answers.layer > payloads / 500, `${answers.layer} documents were taken`);
  assert.ok(answers.refused > payloads / 2, `${answers.refused} were refused`);
  assert.ok(slowestMs < 1000, `the slowest took ${Math.round(slowestMs)} ms`);
  assert.ok(grown < 50, `grew by ${Math.round(grown)} MiB after the first quarter`);
  process.stderr.write(
    `${JSON.stringify(answers)}, slowest ${slowestMs.toFixed(1)} ms, grown ${grown.toFixed(1)} MiB\n`,
  );
});
