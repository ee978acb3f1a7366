import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { type Config, configSchema } from '../../../src/contract/config.ts';
import {
  type ConfigProblem,
  describeProblem,
  type Environment,
  parseConfig,
  readConfigText,
} from '../../../src/daemon/config-file.ts';

function configOf(text: string, environment: Environment = {}): Config {
  const reading = parseConfig(text, environment);
  assert.ok(reading.ok, `refused: ${JSON.stringify(reading)}`);
  return reading.config;
}

function problemsOf(text: string, environment: Environment = {}): readonly ConfigProblem[] {
  const reading = parseConfig(text, environment);
  assert.ok(!reading.ok, 'the config is refused');
  assert.ok(reading.problems.length > 0, 'a refusal has a reason');
  return reading.problems;
}

const describe = (text: string, environment: Environment = {}): string[] =>
  problemsOf(text, environment).map((problem) => describeProblem(problem, 'c.yaml'));

const defaults = configSchema.parse({});

test('an empty file, and one of comments only, is the defaults', () => {
  for (const text of ['', '\n\n', '# nothing yet\n', '---\n', '{}']) {
    assert.deepEqual(configOf(text), defaults, JSON.stringify(text));
  }
});

test('what the file sets goes over the defaults, section by section', () => {
  const config = configOf('camera:\n  width: 320\n  height: 240\nlog: {level: debug}\n');
  assert.deepEqual(config.camera, { ...defaults.camera, width: 320, height: 240 });
  assert.equal(config.log.level, 'debug');
  assert.deepEqual(config.queue, defaults.queue);
});

test('a section with nothing after its name is an empty section', () => {
  assert.deepEqual(configOf('camera:\nmqtt:\n  # url: mqtt://broker\nlog: ~\n'), defaults);
});

test('a key with nothing after its name is a problem at its line', () => {
  const [problem] = problemsOf('camera:\n  fps: 10\n  width:\n');
  assert.equal(problem?.path, 'camera.width');
  assert.equal(problem?.line, 3);
});

test('a wrong value is named with its path, its line, what it is and what it should be', () => {
  const rows: readonly [text: string, line: string][] = [
    ['camera:\n\n  width: wide\n', 'c.yaml:3: camera.width: got "wide"; expected a number'],
    ['camera:\n  width: 641\n', 'c.yaml:2: camera.width: got 641; expected an even number'],
    ['camera: {height: 10}\n', 'c.yaml:1: camera.height: got 10; expected at least 48'],
    ['queue:\n  slots: 1.5\n', 'c.yaml:2: queue.slots: got 1.5; expected a whole number'],
    ['queue:\n  slots: 65\n', 'c.yaml:2: queue.slots: got 65; expected at most 64'],
    ['model: {use: ""}', 'c.yaml:1: model.use: got ""; expected text, not empty'],
    ['queue:\n  order: lifo\n', 'c.yaml:2: queue.order: got "lifo"; expected one of latest, '],
    ['camera: {loop: yes}', 'c.yaml:1: camera.loop: got "yes"; expected true or false'],
    ['# a\nmqtt: {protocol: 4}', 'c.yaml:2: mqtt.protocol: got 4; expected one of auto, 5, 3.1.1'],
    ['mqtt:\n  url: broker\n', 'c.yaml:2: mqtt.url: got "broker"; expected an address such as'],
  ];
  for (const [text, line] of rows) {
    const [first, ...others] = describe(text);
    assert.ok(first?.startsWith(line), `${first} begins with ${line}`);
    assert.deepEqual(others, []);
  }
});

test('a wrong value deep inside a section has the line of its own key', () => {
  const [problem] = problemsOf('label:\n  thresholds:\n    car: 0.5\n    bird: 2\n');
  assert.equal(problem?.path, 'label.thresholds.bird');
  assert.equal(problem?.line, 4);
});

test('a rule between two keys is told at the section when one was left at its default', () => {
  assert.deepEqual(describe('log: {}\nlabel:\n  enter: 0.3\n'), [
    'c.yaml:2: label.exit: expected no more than label.enter; set it too',
  ]);
  assert.deepEqual(describe('label:\n  enter: 0.3\n  exit: 0.31\n'), [
    'c.yaml:3: label.exit: got 0.31; expected no more than label.enter',
  ]);
});

test('a long wrong value is cut short', () => {
  const [problem] = problemsOf(`camera: {width: ${'x'.repeat(1000)}}`);
  assert.ok((problem?.message.length ?? 1000) < 120);
});

test('a section that is no mapping is a problem', () => {
  for (const value of ['5', 'text', '[1, 2]', 'true']) {
    const [problem] = problemsOf(`log: {}\ncamera: ${value}\n`);
    assert.equal(problem?.path, 'camera', value);
    assert.equal(problem?.line, 2, value);
  }
});

test('a file that is no mapping is a problem', () => {
  for (const text of ['- camera\n', 'camera', '42', 'true']) {
    assert.match(describe(text)[0] ?? '', /^c\.yaml:1: a config is a mapping of sections/);
  }
});

test('a slip of the fingers in a key is told with the key that was meant', () => {
  assert.deepEqual(describe('camera:\n  fps: 5\n  widht: 640\n'), [
    'c.yaml:3: camera.widht: unknown key; did you mean camera.width?',
  ]);
  assert.deepEqual(describe('kamera: {}\n'), [
    'c.yaml:1: kamera: unknown key; did you mean camera?',
  ]);
  assert.deepEqual(describe('health: {intervalseconds: 5}\n'), [
    'c.yaml:1: health.intervalseconds: unknown key; did you mean health.intervalSeconds?',
  ]);
});

test('a key like no other is told with the keys that there are', () => {
  assert.deepEqual(describe('queue:\n  xyzzyplugh: 1\n'), [
    'c.yaml:2: queue.xyzzyplugh: unknown key; known here: slots, order',
  ]);
});

test('all problems are reported at once, each at its line', () => {
  const text = 'camera:\n  widht: 1\n  fps: fast\nmqqt: {}\nqueue:\n  slots: 0\n';
  const places = problemsOf(text).map(({ path, line }) => `${path}:${line}`);
  assert.deepEqual(places.sort(), ['camera.fps:3', 'camera.widht:2', 'mqqt:4', 'queue.slots:6']);
});

test('lines are counted alike with Windows line ends', () => {
  assert.equal(problemsOf('camera:\r\n  fps: 5\r\n  widht: 3\r\n')[0]?.line, 3);
});

test('a byte order mark is no part of the first key', () => {
  assert.equal(configOf('\uFEFFcamera: {width: 320}\n').camera.width, 320);
});

test('what is not YAML is a problem at its line', () => {
  for (const [text, line] of [
    ['camera:\n  width: [1, 2\nmqtt: {}\n', 3],
    ['camera:\n\twidth: 3\n', 2],
    ['camera: {}\nmqtt: "open\n', 2],
    ['camera: {}\n---\nmqtt: {}\n', 2],
  ] as const) {
    const [problem] = problemsOf(text);
    assert.match(problem?.message ?? '', /^not YAML: /);
    assert.ok((problem?.line ?? 0) >= line, `${JSON.stringify(text)}: line ${problem?.line}`);
  }
});

test('a key given twice is a problem at the line of the second', () => {
  assert.equal(problemsOf('camera:\n  width: 64\n  fps: 5\n  width: 128\n')[0]?.line, 4);
  assert.equal(problemsOf('camera: {}\nqueue: {}\ncamera: {}\n')[0]?.line, 3);
});

test('names that every JavaScript object knows are unknown keys', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.match(describe(`camera: {}\n${name}: {width: 64}\n`)[0] ?? '', /^c\.yaml:2: .* unknown/);
    assert.match(describe(`camera:\n  ${name}: {width: 64}\n`)[0] ?? '', /^c\.yaml:2: .* unknown/);
  }
  assert.equal(Object.hasOwn(Object.prototype, 'width'), false);
});

test('a threshold for __proto__ is refused, not lost', () => {
  assert.match(
    describe('label:\n  thresholds:\n    __proto__: 0.5\n')[0] ?? '',
    /^c\.yaml:3: .*__proto__: /,
  );
});

test('a value may be given by an alias', () => {
  assert.equal(configOf('camera: {width: &side 320, height: *side}\n').camera.height, 320);
});

test('aliases that multiply are refused instead of expanded', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level += 1) {
    const aliases = new Array<string>(9).fill(`*a${level - 1}`).join(', ');
    lines.push(`a${level}: &a${level} [${aliases}]`);
  }
  const [problem] = problemsOf(lines.join('\n'));
  assert.match(problem?.message ?? '', /alias/i);
});

test('an alias without its anchor is a problem at its line', () => {
  const [problem] = problemsOf('log: {}\ncamera: *nowhere\n');
  assert.equal(problem?.line, 2);
  assert.match(problem?.message ?? '', /nowhere/);
});

test('an alias to what it is in is refused', () => {
  for (const text of [
    'camera: &c\n  width: *c\n',
    'camera: &c [*c]\n',
    '&a a: *a\nb: &b {b: *b}',
  ]) {
    problemsOf(text);
  }
});

test('random text is read or refused, never thrown at', () => {
  const pieces = ['camera', ':', ' ', '\n', '  ', '- ', '{', '}', '[', ']', '"', '&a', '*a', '#'];
  pieces.push('640', 'width', '!!', '|', '>', '%', '\t', '?', ',', '~', '\u0000', '---\n', "'");
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = createRandom(seed);
    const text = Array.from(
      { length: Math.floor(random() * 30) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join('');
    assert.doesNotThrow(() => parseConfig(text, {}), `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

test('the environment goes over the file', () => {
  const config = configOf('camera: {width: 320, fps: 5}\n', {
    SIGHTD_CAMERA_WIDTH: '800',
    SIGHTD_CAMERA_LOOP: 'true',
    SIGHTD_HEALTH_INTERVAL_SECONDS: '2.5',
    SIGHTD_PUBLISH_TOP_K: '3',
    SIGHTD_MQTT_URL: 'mqtts://broker.example:8883',
    SIGHTD_LABEL_THRESHOLDS: '{bird: 0.3}',
  });
  assert.equal(config.camera.width, 800);
  assert.equal(config.camera.fps, 5);
  assert.equal(config.camera.loop, true);
  assert.equal(config.health.intervalSeconds, 2.5);
  assert.equal(config.publish.topK, 3);
  assert.equal(config.mqtt.url, 'mqtts://broker.example:8883');
  assert.deepEqual(config.label.thresholds, { bird: 0.3 });
});

test('the environment mends a wrong value of the file', () => {
  assert.equal(configOf('camera: {width: wide}', { SIGHTD_CAMERA_WIDTH: '320' }).camera.width, 320);
});

test('the environment does not hide that a section of the file is no mapping', () => {
  for (const value of ['5', '[width, 320]', 'text']) {
    const [problem] = problemsOf(`camera: ${value}\n`, { SIGHTD_CAMERA_FPS: '5' });
    assert.equal(problem?.path, 'camera');
    assert.equal(problem?.line, 1);
  }
});

test('a wrong value from the environment is told by its variable, not by a line', () => {
  const [first, second] = describe('camera:\n  width: 640\n', {
    SIGHTD_CAMERA_WIDTH: 'wide',
    SIGHTD_LABEL_THRESHOLDS: '{bird: 3}',
  });
  assert.equal(first, 'SIGHTD_CAMERA_WIDTH: camera.width: got "wide"; expected a number');
  assert.match(second ?? '', /^SIGHTD_LABEL_THRESHOLDS: label\.thresholds\.bird: got 3/);
});

test('a key on the top level is set by its own variable', () => {
  assert.equal(configOf('', { SIGHTD_STATE_DIR: '/data/sightd' }).stateDir, '/data/sightd');
  assert.deepEqual(describe('stateDir:\n'), [
    'c.yaml:1: stateDir: got nothing (null); expected text',
  ]);
});

test('an unknown key of a mapping inside a section is told with the keys of that mapping', () => {
  assert.deepEqual(describe('camera: {region: {widht: 0.5}}'), [
    'c.yaml:1: camera.region.widht: unknown key; did you mean camera.region.width?',
  ]);
});

test('an empty variable is an empty text, not an absent value', () => {
  assert.match(
    describe('', { SIGHTD_CAMERA_WIDTH: '' })[0] ?? '',
    /^SIGHTD_CAMERA_WIDTH: .*got ""/,
  );
});

test('a variable for a text key is that text, whatever YAML would make of it', () => {
  assert.equal(configOf('', { SIGHTD_DEVICE_ID: '1001' }).device.id, '1001');
  assert.equal(configOf('', { SIGHTD_MQTT_USERNAME: 'true' }).mqtt.username, 'true');
  assert.equal(configOf('', { SIGHTD_CAMERA_PATH: '/a: b' }).camera.path, '/a: b');
  assert.equal(configOf('', { SIGHTD_CAMERA_PATH: '/a #1' }).camera.path, '/a #1');
});

test('a key that the section does not have is told with the variable that was meant', () => {
  assert.deepEqual(describe('', { SIGHTD_CAMERA_WIDHT: '1' }), [
    'SIGHTD_CAMERA_WIDHT: camera has no such key; did you mean SIGHTD_CAMERA_WIDTH?',
  ]);
  assert.deepEqual(describe('', { SIGHTD_HEALTH_INTERVALSECONDS: '1' }), [
    'SIGHTD_HEALTH_INTERVALSECONDS: health has no such key; did you mean SIGHTD_HEALTH_INTERVAL_SECONDS?',
  ]);
  assert.deepEqual(describe('', { SIGHTD_CAMERA_XYZZYPLUGH: '1' }), [
    'SIGHTD_CAMERA_XYZZYPLUGH: camera has no such key',
  ]);
});

test('problems of the environment and of the file are reported together', () => {
  const text = describe('queue: {slots: 0}\n', { SIGHTD_CAMERA_WIDHT: '1', SIGHTD_LOG_LEVEL: 'x' });
  assert.equal(text.length, 3);
});

test('a variable that names no section is a warning; those of others are left alone', () => {
  const reading = parseConfig('', {
    SIGHTD_CAMRA_WIDTH: '1',
    SIGHTD_TRACE: '1',
    SIGHTD_INJECT: 'faults',
    PATH: '/bin',
    CAMERA_WIDTH: '5',
    SIGHTD_CAMERA_FPS: undefined,
  });
  assert.ok(reading.ok);
  assert.deepEqual(reading.config, defaults);
  assert.deepEqual(reading.warnings, [
    'SIGHTD_CAMRA_WIDTH names no section of the config and is ignored',
  ]);
});

test('a file is read, and one that is missing, too large or a folder is a fault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sightd-config-'));
  try {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, 'camera: {}\n');
    assert.deepEqual(readConfigText(file), { ok: true, value: 'camera: {}\n' });
    writeFileSync(file, '#'.repeat(1024 * 1024));
    assert.ok(readConfigText(file).ok);
    writeFileSync(file, '#'.repeat(1024 * 1024 + 1));
    for (const path of [file, folder, join(folder, 'none.yaml')]) {
      const read = readConfigText(path);
      assert.ok(!read.ok);
      assert.equal(read.fault.code, 'config.unreadable');
      assert.ok(read.fault.message.includes(path));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a key beside the sections is read from the file and from the environment', () => {
  const of = (text: string, environment = {}) => parseConfig(text, environment);
  const stateDir = (reading: ReturnType<typeof of>): string | undefined =>
    reading.ok ? reading.config.stateDir : undefined;
  assert.equal(stateDir(of('')), '/var/lib/sightd');
  assert.equal(stateDir(of('stateDir: /srv/state')), '/srv/state');
  assert.equal(stateDir(of('stateDir: /srv', { SIGHTD_STATE_DIR: '/env' })), '/env');
  assert.equal(stateDir(of('', { SIGHTD_STATE_DIR: '007' })), '007', 'text as it is');
  for (const [text, path, message] of [
    ['stateDir: 5', 'stateDir', /got 5; expected text/],
    ['stateDir: { folder: x }', 'stateDir', /expected text/],
    ['stateDri: /srv', 'stateDri', /did you mean stateDir\?/],
  ] as const) {
    const reading = of(text);
    assert.ok(!reading.ok);
    assert.equal(reading.problems[0]?.path, path);
    assert.match(reading.problems[0]?.message ?? '', message);
  }
});
