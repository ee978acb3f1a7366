import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { type Config, configSchema } from '../../../src/contract/config.ts';
import { type Desired, readDesired } from '../../../src/daemon/desired-document.ts';
import { verifierOf } from '../../../src/daemon/signature.ts';

const local = configSchema.parse({
  device: { id: 'porch' },
  camera: { width: 640, height: 480 },
  label: { thresholds: { bird: 0.3 } },
  remoteConfig: { folders: ['/srv/frames'] },
});

const read = (document: unknown, below: Config = local): Desired =>
  readDesired(Buffer.from(JSON.stringify(document)), below, undefined);

function configOf(layer: unknown, below: Config = local): Config {
  const desired = read({ version: 1, config: layer }, below);
  assert.equal(desired.kind, 'layer', JSON.stringify(desired));
  assert.ok(desired.kind === 'layer');
  return desired.config;
}

/** Each error as `path: message`. */
function errorsOf(desired: Desired): readonly string[] {
  assert.ok(desired.kind === 'refused', 'the document is refused');
  assert.ok(desired.errors.length > 0, 'a refusal has a reason');
  return desired.errors.map(({ path, message }) => `${path}: ${message}`);
}

const errorsIn = (layer: unknown, below?: Config): readonly string[] =>
  errorsOf(read({ version: 1, config: layer }, below));

test('a layer goes over the local config, key by key', () => {
  const config = configOf({
    camera: { fps: 5, region: { x: 0.5, width: 0.5 } },
    label: { enter: 0.7 },
  });
  assert.deepEqual(config, {
    ...local,
    camera: { ...local.camera, fps: 5, region: { x: 0.5, y: 0, width: 0.5, height: 1 } },
    label: { ...local.label, enter: 0.7 },
  });
  assert.deepEqual(configOf({}), local);
});

test('free keys are merged too, and null takes a key away', () => {
  assert.deepEqual(configOf({ label: { thresholds: { car: 0.5 } } }).label.thresholds, {
    bird: 0.3,
    car: 0.5,
  });
  assert.deepEqual(configOf({ label: { thresholds: { bird: null } } }).label.thresholds, {});
  const config = configOf({ camera: { width: null, height: null } });
  assert.equal(config.camera.width, undefined);
  assert.equal(configOf({ camera: null }).camera.height, undefined);
});

test('the version and the layer are handed on as they were sent', () => {
  const layer = { log: { level: 'debug' } };
  const desired = read({ version: 7, config: layer });
  assert.ok(desired.kind === 'layer');
  assert.equal(desired.version, 7);
  assert.deepEqual(desired.layer, layer);
});

test('an empty message asks for no layer', () => {
  assert.deepEqual(readDesired(new Uint8Array(0), local, undefined), { kind: 'none' });
});

test('a version is a whole number from 1 on', () => {
  for (const version of [0, -1, 1.5, '7', null, true, 2 ** 53, 1e300, undefined, [7]]) {
    const desired = read({ version, config: {} });
    assert.ok(desired.kind === 'refused' && desired.version === null);
    assert.match(errorsOf(desired)[0] ?? '', /^version: got .*; expected a whole number/);
  }
});

test('a refused document is told by its version where that can be read', () => {
  const desired = read({ version: 9, config: { camera: { fps: 'fast' } } });
  assert.ok(desired.kind === 'refused');
  assert.equal(desired.version, 9);
});

test('everything wrong is told at once, with paths', () => {
  const errors = errorsOf(
    read({ version: 'x', config: { camera: { widht: 1, fps: 'x' }, mqtt: {} }, extra: 1 }),
  );
  assert.deepEqual(errors.map((error) => error.split(':')[0]).sort(), [
    'camera.fps',
    'camera.widht',
    'extra',
    'mqtt',
    'version',
  ]);
});

test('unknown keys are told with the nearest known one', () => {
  assert.deepEqual(errorsIn({ camera: { widht: 640 } }), [
    'camera.widht: unknown key; did you mean camera.width?',
  ]);
  assert.deepEqual(errorsIn({ camera: { region: { heigth: 1 } } }), [
    'camera.region.heigth: unknown key; did you mean camera.region.height?',
  ]);
  assert.deepEqual(errorsIn({ lable: {} }), ['lable: unknown key; did you mean label?']);
});

test('a wrong value is told with what it is and what it should be', () => {
  assert.deepEqual(errorsIn({ queue: { slots: 65 } }), [
    'queue.slots: got 65; expected at most 64',
  ]);
  assert.deepEqual(errorsIn({ camera: 5 }), ['camera: got 5; expected a mapping']);
  assert.deepEqual(errorsIn({ label: { thresholds: [] } }), [
    'label.thresholds: got []; expected a mapping',
  ]);
});

test("a rule that the device's own value breaks says whose value that is", () => {
  assert.deepEqual(errorsIn({ label: { enter: 0.3 } }), [
    "label.exit: got 0.4; expected no more than label.enter (0.4 is the device's own; set it too)",
  ]);
  assert.equal(configOf({ label: { enter: 0.3, exit: 0.2 } }).label.exit, 0.2);
});

test('what is local only is refused with the reason, right or wrong, set or taken away', () => {
  for (const section of ['mqtt', 'stateDir', 'remoteConfig', 'device']) {
    for (const value of [{}, null, { url: 'mqtt://evil' }, 'x', 5]) {
      const errors = errorsIn({ [section]: value });
      assert.equal(errors.length, 1, `${section} ${JSON.stringify(value)}: ${errors}`);
      assert.match(
        errors[0] ?? '',
        new RegExp(`^${section}: cannot be set remotely: .*config file`),
      );
    }
  }
});

test('paths are taken only below the folders that the device allows', () => {
  const replay = (path: string) => ({ camera: { source: 'replay', loop: true, path } });
  assert.equal(configOf(replay('/srv/frames/day')).camera.path, '/srv/frames/day');
  for (const path of [
    '/etc/shadow',
    '/srv/frames/../secret',
    '/srv/framesX/a',
    '/srv/frames',
    'frames',
    '../srv/frames/a',
    '/srv/frames/a\0',
    '~/x',
  ]) {
    assert.match(errorsIn(replay(path))[0] ?? '', /^camera\.path: outside the folders/, path);
  }
  const closed = configSchema.parse({});
  assert.match(errorsIn(replay('/a/b'), closed)[0] ?? '', /^camera\.path: no folder/);
  assert.equal(configOf({ camera: { path: null } }).camera.path, undefined);
});

test("a model is one of sightd's own, or below the state's models or an allowed folder", () => {
  for (const use of ['scene-visitors', '/var/lib/sightd/models/a.onnx', '/srv/frames/m.json']) {
    assert.equal(configOf({ model: { use } }).model.use, use);
  }
  for (const use of [
    '/tmp/m.onnx',
    'm.onnx',
    '../m',
    '/var/lib/sightd/models/../x.json',
    'a.json',
  ]) {
    assert.match(errorsIn({ model: { use } })[0] ?? '', /^model\.use: outside/, use);
  }
});

test('a camera is a device, or a number', () => {
  for (const device of ['/dev/video0', '/dev/v4l/by-id/usb-cam', '0']) {
    assert.equal(configOf({ camera: { device } }).camera.device, device);
  }
  for (const device of ['/dev/../etc/passwd', '/etc/passwd', 'video0', '/devil', '/dev']) {
    assert.match(
      errorsIn({ camera: { device } })[0] ?? '',
      /^camera\.device: not a device/,
      device,
    );
  }
});

test('what would end the daemon by itself is refused', () => {
  assert.match(errorsIn({ camera: { pace: 'fast' } })[0] ?? '', /^camera\.pace: /);
  const path = '/srv/frames/a';
  assert.match(errorsIn({ camera: { source: 'replay', path } })[0] ?? '', /^camera\.loop: /);
});

test('a lossless run is left alone, but for what does not touch its frames', () => {
  const lossless = configSchema.parse({ camera: { source: 'scene', pace: 'fast' } });
  for (const section of ['camera', 'queue', 'model', 'inference']) {
    assert.match(errorsIn({ [section]: {} }, lossless)[0] ?? '', /lossless/);
  }
  assert.equal(configOf({ label: { enter: 0.9 } }, lossless).label.enter, 0.9);
});

test('documents that are no documents are refused', () => {
  const rows: readonly [bytes: string | Uint8Array, error: RegExp][] = [
    [' '.repeat(65_537), /^: 65537 bytes; at most 65536/],
    [Uint8Array.of(0xff, 0xfe), /UTF-8/],
    ['{"version":1,"config":{}', /^: not JSON/],
    ['[]', /^: got \[\]; expected \{"version"/],
    ['7', /^: got 7/],
    ['null', /^: got nothing/],
    ['{"version":1}', /^config: got nothing; expected a mapping/],
    ['{"version":1,"config":[]}', /^config: got \[\]/],
    ['{"version":1,"version":2,"config":{}}', /^version: this key is given twice/],
    ['{"version":1,"config":{"log":{},"log":{}}}', /^config\.log: this key is given twice/],
    ['{"version":1,"config":{"__proto__":{"a":1}}}', /^config\.__proto__: /],
    [`{"version":1,"config":${'{"a":'.repeat(9)}1${'}'.repeat(10)}`, /nested deeper than 8/],
    ['{"version":1,"config":{"camera":{"fps":1e999}}}', /^camera\.fps: got Infinity/],
  ];
  for (const [bytes, error] of rows) {
    const desired = readDesired(Buffer.from(bytes), local, undefined);
    assert.match(errorsOf(desired)[0] ?? '', error, String(bytes).slice(0, 60));
  }
});

test('errors are bounded in number and length', () => {
  const keys = Object.fromEntries(
    Array.from({ length: 500 }, (_, at) => [`${'y'.repeat(100)}${at}`, 1]),
  );
  const errors = errorsIn(keys);
  assert.equal(errors.length, 21);
  assert.match(errors[20] ?? '', /480 more/);
  assert.ok(JSON.stringify(errors).length < 16_000);
});

// Signatures.

const pair = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const raw = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');

function signed(payload: string, key = pair.privateKey, ...more: object[]): Uint8Array {
  const signature = sign(null, Buffer.from(payload), key).toString('base64');
  return Buffer.from(JSON.stringify(Object.assign({ payload, signature }, ...more)));
}

const document = '{"version": 3,\n "config": {"label": {"enter": 0.8}}}';

for (const [form, key] of [
  ['PEM', pem],
  ['base64', raw],
]) {
  test(`with a key as ${form}, signed documents are taken and all others refused`, () => {
    const verifier = verifierOf(key);
    assert.ok(verifier.ok && verifier.value !== undefined);
    const judge = (bytes: Uint8Array): Desired => readDesired(bytes, local, verifier.value);
    const taken = judge(signed(document));
    assert.ok(taken.kind === 'layer' && taken.version === 3);
    assert.match(errorsOf(judge(Buffer.from(document)))[0] ?? '', /^signature: not signed/);
    assert.match(errorsOf(judge(new Uint8Array(0)))[0] ?? '', /^: empty, and so unsigned/);
    const foreign = signed(document, other.privateKey);
    assert.match(errorsOf(judge(foreign))[0] ?? '', /^signature: not of this payload by this key/);
    const swapped = signed(document, pair.privateKey, { payload: document.replace('3', '4') });
    assert.match(errorsOf(judge(swapped))[0] ?? '', /^signature: not of this payload/);
    for (const bad of [{ signature: 'AAAA' }, { signature: 5 }, { signature: null }]) {
      const bytes = signed(document, pair.privateKey, bad);
      assert.match(errorsOf(judge(bytes))[0] ?? '', /^signature: got .*; expected 64 bytes/);
    }
    const extra = signed(document, pair.privateKey, { version: 9 });
    assert.match(errorsOf(judge(extra))[0] ?? '', /^version: not part of a signed document/);
    assert.match(errorsOf(judge(signed('{')))[0] ?? '', /^: not JSON/);
  });
}

test('without a key a signed document is refused: nobody could tell whether it is right', () => {
  const desired = readDesired(signed(document), local, undefined);
  assert.match(
    errorsOf(desired)[0] ?? '',
    /^signature: signed, but there is no remoteConfig\.publicKey/,
  );
});

test('a key that is none, or of another kind, is a fault', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const pemOfRsa = rsa.export({ type: 'spki', format: 'pem' }).toString();
  const broken = '-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n';
  for (const key of [pemOfRsa, broken]) {
    const verifier = verifierOf(key);
    assert.ok(!verifier.ok);
    assert.equal(verifier.fault.code, 'config.invalid');
  }
  assert.deepEqual(verifierOf(undefined), { ok: true, value: undefined });
});
