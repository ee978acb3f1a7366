import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, configSchema } from '../../../src/contract/config.ts';
import { createLiveConfig, differenceOf } from '../../../src/daemon/live-config.ts';
import { prepareSetup } from '../../../src/daemon/prepare.ts';

const parse = (tree: object): Config => configSchema.parse(tree);

/** A live config whose parts only tell that they were told. */
function createBench(tree: object = {}) {
  const told: string[] = [];
  const setup = prepareSetup(parse(tree), undefined);
  assert.ok(setup.ok);
  const live = createLiveConfig({
    setup: setup.value,
    pipeline: { configure: () => told.push('pipeline') },
    publisher: { configure: () => told.push('publisher') },
    reporter: { configure: () => told.push('reporter'), touch: () => {} },
    discovery: { configure: () => told.push('discovery') },
    log: {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: () => {},
      setLevel: (level) => told.push(`log ${level}`),
    },
  });
  return { live, told };
}

const rows: readonly [tree: object, told: readonly string[]][] = [
  [{}, []],
  [{ log: { level: 'debug' } }, ['log debug']],
  [{ label: { enter: 0.9 } }, ['publisher', 'pipeline', 'discovery']],
  [{ publish: { results: false } }, ['publisher', 'pipeline']],
  [{ camera: { fps: 5 } }, ['pipeline']],
  [{ queue: { slots: 3 } }, ['pipeline']],
  [{ inference: { threads: 2 } }, ['pipeline', 'reporter']],
  [{ health: { intervalSeconds: 5 } }, ['pipeline', 'reporter', 'discovery']],
  [{ homeAssistant: { enabled: true } }, ['discovery']],
  [{ mqtt: { base: 'elsewhere' }, device: { id: 'x' }, stateDir: '/x' }, []],
];

test('only the parts whose sections are new are told', () => {
  for (const [tree, expected] of rows) {
    const { live, told } = createBench();
    assert.ok(live.apply(parse(tree)).ok);
    assert.deepEqual(told, expected, JSON.stringify(tree));
  }
});

test('what waits for a restart is said, and stays what is in force', () => {
  const { live } = createBench();
  const next = parse({ mqtt: { base: 'elsewhere' }, camera: { fps: 5 } });
  const applied = live.apply(next);
  assert.deepEqual(applied, { ok: true, value: { applied: ['camera'], waiting: ['mqtt'] } });
  assert.equal(live.current().mqtt.base, 'sightd');
  assert.equal(live.current().camera.fps, 5);
});

test('what cannot be applied changes nothing', () => {
  for (const tree of [{ model: { use: 'none' } }, { label: { thresholds: { unicorn: 0.5 } } }]) {
    const { live, told } = createBench();
    const applied = live.apply(parse({ ...tree, camera: { fps: 5 } }));
    assert.ok(!applied.ok);
    assert.deepEqual(told, []);
    assert.equal(live.current().camera.fps, 30);
  }
});

test('a lossless run keeps its frames: neither into one nor out of one', () => {
  const fast = parse({ camera: { source: 'scene', pace: 'fast' }, queue: { slots: 3 } });
  for (const [from, to] of [
    [fast, parse({})],
    [parse({}), fast],
  ] as const) {
    assert.deepEqual(differenceOf(from, to), { applied: [], waiting: ['camera', 'queue'] });
  }
});
