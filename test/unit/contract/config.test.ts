import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { configJsonSchema, configSchema } from '../../../src/contract/config.ts';

const accepts = (tree: unknown): boolean => configSchema.safeParse(tree).success;

/** A config with one key set, from `camera.width`. */
function configWith(path: string, value: unknown): unknown {
  const [section, key] = path.split('.') as [string, string];
  return { [section]: { [key]: value } };
}

test('an empty config is the defaults, and they are valid', () => {
  const config = configSchema.parse({});
  assert.equal(config.camera.fps, 30);
  assert.equal(config.camera.rotate, 0);
  assert.deepEqual(config.camera.region, { x: 0, y: 0, width: 1, height: 1 });
  assert.equal(config.queue.order, 'latest');
  assert.equal(config.mqtt.url, 'mqtt://localhost:1883');
  assert.deepEqual(configSchema.parse(config), config);
});

test('every section may be left empty', () => {
  for (const [name, part] of Object.entries(configSchema.shape)) {
    if (part.unwrap() instanceof z.ZodObject) assert.ok(accepts({ [name]: {} }), name);
  }
});

test('what is done to one config does not change the defaults of the next', () => {
  const first = configSchema.parse({});
  first.label.thresholds['bird'] = 0.5;
  assert.deepEqual(configSchema.parse({}).label.thresholds, {});
});

const limits: readonly [path: string, inside: readonly unknown[], outside: readonly unknown[]][] = [
  ['camera.width', [64, 3840, undefined], [62, 3842, 65, 640.5, '640', Number.NaN, null]],
  ['camera.height', [48, 2160, undefined], [46, 2162, 481]],
  ['camera.format', ['auto', 'YUYV', 'MJPG', 'GREY'], ['yuyv', 'H264', '']],
  ['camera.rotate', [0, 90, 180, 270], [45, 360, -90, '90']],
  [
    'camera.controls',
    [{}, { gain: 3, hflip: true, power_line_frequency: '50 Hz' }],
    [{ gain: null }],
  ],
  [
    'camera.region',
    [{}, { x: 0.5, width: 0.5 }, { y: 0.9, height: 0.1 }],
    [{ x: 0.5 }, { x: 0.5, width: 0.6 }, { y: 0.2 }, { width: 0 }, { height: 1.1 }, { x: -0.1 }],
  ],
  ['camera.fps', [0.1, 240], [0.09, 240.1, 0, -1, Number.POSITIVE_INFINITY]],
  ['camera.source', ['auto', 'scene', 'v4l2', 'rpicam'], ['Auto', 'usb', '', 'replay']],
  ['camera.path', ['x'], ['']],
  ['camera.seed', [0, 2 ** 31 - 1], [-1, 2 ** 31]],
  ['queue.slots', [1, 64], [0, 65, 1.5]],
  ['queue.order', ['latest', 'fifo', 'priority'], ['lifo']],
  ['inference.workers', [1, 8], [0, 9]],
  ['inference.threads', [1, 16], [0, 17]],
  ['label.smoothing', [0, 0.99], [-0.01, 1]],
  ['label.enter', [0.4, 1], [-0.1, 1.01]],
  ['label.holdSeconds', [0, 3600], [-1, 3601]],
  ['label.thresholds', [{}, { bird: 1 }, { bird: 0.001 }], [{ bird: 0 }, { bird: 1.1 }, []]],
  ['publish.resultsPerSecondMax', [0, 1000], [-1, 1001]],
  ['publish.topK', [1, 20], [0, 21]],
  ['mqtt.protocol', ['auto', 5, '3.1.1'], ['5', 3, '3.1']],
  ['mqtt.reconnectSecondsMax', [1, 3600], [0.9, 3601]],
  ['mqtt.keepaliveSeconds', [5, 20, 300], [4, 301, 20.5]],
  ['health.intervalSeconds', [1, 3600], [0, 0.9, 3601]],
  ['health.stopSeconds', [0.5, 600], [0.4, 601]],
  ['remoteConfig.trialSeconds', [1, 3600], [0, 3601]],
  [
    'remoteConfig.publicKey',
    [`${'A'.repeat(43)}=`, '-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n'],
    ['', 'key', 'A'.repeat(44), '-----BEGIN PRIVATE KEY-----\nMCow\n-----END PRIVATE KEY-----\n'],
  ],
  ['remoteConfig.folders', [[], ['/srv/frames']], [['frames'], [''], '/srv']],
  ['log.level', ['trace', 'silent'], ['warning']],
];

for (const [path, inside, outside] of limits) {
  test(`${path} is valid up to its limits and not beyond`, () => {
    for (const value of inside) assert.ok(accepts(configWith(path, value)), `takes ${value}`);
    for (const value of outside) assert.ok(!accepts(configWith(path, value)), `refuses ${value}`);
  });
}

test('the built-in scene has a largest size', () => {
  assert.ok(accepts({ camera: { source: 'scene', width: 1920, height: 1080 } }));
  assert.ok(!accepts({ camera: { source: 'scene', width: 1922, height: 1080 } }));
  assert.ok(!accepts({ camera: { source: 'scene', width: 1920, height: 1082 } }));
});

test('a replay needs a path', () => {
  assert.ok(accepts({ camera: { source: 'replay', path: 'frames' } }));
  assert.ok(!accepts({ camera: { source: 'replay' } }));
});

test('an enter threshold of 0 is refused: labels are ranked by their score in relation to it', () => {
  assert.ok(!accepts(configWith('label.enter', 0)));
});

test('a label is given up no higher than it is taken up', () => {
  assert.ok(accepts({ label: { enter: 0.5, exit: 0.5 } }));
  assert.ok(!accepts({ label: { enter: 0.5, exit: 0.51 } }));
  assert.ok(!accepts({ label: { enter: 0.39 } }), 'the default exit is above it');
  assert.ok(accepts({ label: { enter: 0.01, exit: 0 } }));
});

test('a device id is one topic level of at most 63 plain characters', () => {
  for (const id of ['a', 'porch-cam_2.lan', 'x'.repeat(63)]) assert.ok(accepts({ device: { id } }));
  for (const id of [
    '',
    'x'.repeat(64),
    '-a',
    '.a',
    'a/b',
    'a+',
    'a#',
    'a b',
    'ä',
    'a\n',
    'a\n\n',
  ]) {
    assert.ok(!accepts({ device: { id } }), JSON.stringify(id));
  }
});

test('a topic base has up to five levels and neither wildcard nor empty level', () => {
  for (const base of ['sightd', 'haus/oben', 'a/b/c/d/e', 'Küche']) {
    assert.ok(accepts({ mqtt: { base } }), base);
  }
  for (const base of ['', '/', '/a', 'a/', 'a//b', 'a/b/c/d/e/f', 'a+', '#', 'a\u0000', 'a\n']) {
    assert.ok(!accepts({ mqtt: { base } }), JSON.stringify(base));
  }
});

test('a broker address has one of the four schemes and something behind it', () => {
  for (const scheme of ['mqtt', 'mqtts', 'ws', 'wss']) {
    assert.ok(accepts({ mqtt: { url: `${scheme}://broker:1883` } }));
  }
  for (const url of ['', 'broker', 'http://broker', 'mqtt://', 'MQTT:broker', ' mqtt://broker']) {
    assert.ok(!accepts({ mqtt: { url } }), url);
  }
});

test('TLS files go with an address that speaks TLS, and a certificate with its key', () => {
  const files = { ca: 'ca.pem', cert: 'own.pem', key: 'own.key' };
  for (const url of ['mqtts://broker', 'wss://broker/mqtt']) {
    assert.ok(accepts({ mqtt: { url, ...files } }));
    assert.ok(accepts({ mqtt: { url } }), 'the authorities that Node.js knows');
    assert.ok(!accepts({ mqtt: { url, cert: 'own.pem' } }));
    assert.ok(!accepts({ mqtt: { url, key: 'own.key' } }));
  }
  for (const url of ['mqtt://broker', 'ws://broker']) {
    assert.ok(!accepts({ mqtt: { url, ca: 'ca.pem' } }));
    assert.ok(!accepts({ mqtt: { url, cert: 'own.pem', key: 'own.key' } }));
  }
});

test('a path may be a systemd credential, which is a name without a folder', () => {
  const login = (passwordFile: string) => ({ mqtt: { username: 'porch', passwordFile } });
  for (const path of ['/etc/password', 'credential:mqtt', 'credential:a.b']) {
    assert.ok(accepts(login(path)), path);
  }
  for (const path of ['', 'credential:', 'credential:..', 'credential:a/b', 'credential:../x']) {
    assert.ok(!accepts(login(path)), path);
  }
  assert.ok(!accepts({ mqtt: { passwordFile: 'password' } }), "a password is somebody's");
});

test('a key that no section has is refused', () => {
  assert.ok(!accepts({ camera: { widht: 640 } }));
  assert.ok(!accepts({ kamera: {} }));
});

type Described = { readonly properties: Record<string, unknown>; additionalProperties: unknown };

test('the JSON Schema has every section and every key, each described, and no other', () => {
  const schema = configJsonSchema() as Described;
  assert.deepEqual(Object.keys(schema.properties), Object.keys(configSchema.shape));
  assert.equal(schema.additionalProperties, false);
  for (const [name, part] of Object.entries(configSchema.shape)) {
    const section = schema.properties[name] as Described & { description: unknown };
    const inner = part.unwrap();
    if (!(inner instanceof z.ZodObject)) {
      assert.ok(typeof section.description === 'string' && section.description !== '', name);
      continue;
    }
    assert.deepEqual(Object.keys(section.properties), Object.keys(inner.shape), name);
    assert.equal(section.additionalProperties, false, name);
    for (const [key, value] of Object.entries(section.properties)) {
      const { description } = value as { description: unknown };
      assert.ok(typeof description === 'string' && description !== '', `${name}.${key}`);
    }
  }
});

test('the JSON Schema requires nothing: an empty file is a config', () => {
  const schema = configJsonSchema() as { required: unknown };
  assert.equal(schema.required, undefined);
  assert.match(JSON.stringify(schema), /draft\/2020-12/);
});
