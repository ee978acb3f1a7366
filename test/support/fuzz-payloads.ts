import type { Random } from '../../src/base/random.ts';
import { configSchema } from '../../src/contract/config.ts';

/*
 * What a broker may deliver: payloads that are wrong in every way that a document can be, and now and then
 * right, from a seeded generator.
 */

export const fuzzedConfig = configSchema.parse({
  label: { thresholds: { bird: 0.3 } },
  remoteConfig: { folders: ['/srv/frames'] },
});

const sections = Object.entries(fuzzedConfig).filter(([, value]) => typeof value === 'object');
/** Every key of the config, as section and key. */
const paths = sections.flatMap(([section, keys]) =>
  Object.keys(keys as object).map((key) => [section, key] as const),
);

/** Rarely more than a few: most payloads shall be small, so that there can be many. */
const few = (random: Random, most: number): number => Math.floor(random() ** 3 * most);
const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

/** JSON texts of values that somewhere are wrong, and now and then right. */
const values: readonly ((random: Random) => string)[] = [
  () => 'null',
  () => 'true',
  () => '[]',
  () => '{}',
  (random) => String(few(random, 1000)),
  (random) => String(random() * 2 - 1),
  () => '1e999',
  () => '-0',
  () => '123456789012345678901234567890',
  () => '1e-400',
  (random) => JSON.stringify(textOf(random, few(random, 40))),
  (random) =>
    JSON.stringify(
      pick(random, ['auto', 'latest', 'replay', 'debug', '/srv/frames/a', '/etc/passwd', '\0']),
    ),
  () => '"\\ud800"',
  (random) => `[${jsonOf(random)},${jsonOf(random)}]`,
  (random) => `{${keyOf(random)}:${jsonOf(random)}}`,
  (random) => `{${keyOf(random)}:${jsonOf(random)},${keyOf(random)}:${jsonOf(random)}}`,
];
const jsonOf = (random: Random): string => pick(random, values)(random);

const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'version',
  'config',
  'x',
  'y',
  '',
];
const keyOf = (random: Random): string => {
  const key = random() < 0.5 ? pick(random, keys) : pick(random, pick(random, paths));
  return random() < 0.1
    ? `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}"`
    : JSON.stringify(key);
};

const textOf = (random: Random, length: number): string =>
  Array.from({ length }, () => String.fromCharCode(random() * 0x3000)).join('');

/** A document with some keys set, right or wrong. */
function documentOf(random: Random): string {
  const parts = Array.from({ length: 1 + few(random, 6) }, () => {
    const [section, key] = pick(random, paths);
    return `"${section}":{"${key}":${jsonOf(random)}}`;
  });
  const version = random() < 0.7 ? String(1 + few(random, 1e6)) : jsonOf(random);
  return `{"version":${version},"config":{${parts.join()}}}`;
}

const bytesOf = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random() * 256);

function mutated(random: Random, text: string): Uint8Array {
  const bytes = Buffer.from(text);
  for (let change = 0; change <= few(random, 8); change += 1) {
    bytes[Math.floor(random() * bytes.length)] = random() * 256;
  }
  return bytes;
}

/** Kinds of payloads, each with its generator. */
export const payloadKinds: Readonly<Record<string, (random: Random) => Uint8Array>> = {
  'random bytes': (random) => bytesOf(random, few(random, 500)),
  documents: (random) => Buffer.from(documentOf(random)),
  'any JSON': (random) => Buffer.from(jsonOf(random)),
  'changed documents': (random) => mutated(random, documentOf(random)),
  'cut documents': (random) => {
    const whole = Buffer.from(documentOf(random));
    return whole.subarray(0, Math.floor(random() * whole.length));
  },
  'documents in documents': (random) =>
    Buffer.from(JSON.stringify({ payload: documentOf(random), signature: jsonOf(random) })),
  'deep nesting': (random) => {
    const depth = few(random, 20_000);
    const [open, close] = random() < 0.5 ? ['[', ']'] : ['{"a":', '}'];
    const end = random() < 0.5 ? `1${close.repeat(depth)}` : '';
    return Buffer.from(`{"version":1,"config":${open.repeat(depth)}${end}}`);
  },
  'many keys': (random) => {
    const count = few(random, 3000);
    const body = Array.from({ length: count }, (_, at) => `"${at % 1000}":${at}`).join();
    return Buffer.from(`{"version":1,"config":{"label":{"thresholds":{${body}}}}}`);
  },
  'long texts': (random) => {
    const length = random() < 0.01 ? 1024 * 1024 : few(random, 60_000);
    return Buffer.from(
      `{"version":1,"config":{"log":{"level":"${'"\\'[few(random, 3)] ?? 'x'.repeat(length)}"}}}`,
    );
  },
};
