import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { healthStates } from '../../../src/contract/messages.ts';
import { announcedIn, discoveryOf } from '../../../src/mqtt/home-assistant.ts';
import { thresholdEntitiesMax } from '../../../src/mqtt/home-assistant-entities.ts';
import { createHome } from '../../support/home-assistant.ts';
import {
  configOf,
  factsOf,
  healthOf,
  labelOf,
  reportedOf,
  statusOf,
  strangeLabels,
  topics,
} from '../../support/home-assistant-facts.ts';
import { deviceDiscoverySchema, discoveryTopicForm } from '../../support/home-assistant-schema.ts';
import { createRender } from '../../support/home-assistant-templates.ts';

const now = new Date('2026-05-04T14:17:01.585Z');

/** A Home Assistant that has heard of the device and of nothing else. */
function homeOf(facts = factsOf()) {
  const home = createHome(createRender(now));
  const { topic, message } = discoveryOf(facts);
  home.receive(topic, JSON.stringify(message));
  return {
    ...home,
    receive: (where: string, message: object) => home.receive(where, JSON.stringify(message)),
  };
}

const strangeThresholds = Object.fromEntries(strangeLabels.map((label) => [label, 0.5]));

test('every announcement has the documented options, and keeps their rules', () => {
  const manyLabels = Array.from({ length: 1000 }, (_, at) => `label ${at}`);
  const rows = [
    {},
    { hasTemperature: false, takesCommands: false, homepage: undefined },
    { labels: strangeLabels, config: configOf({ label: { thresholds: strangeThresholds } }) },
    { labels: manyLabels },
    { labels: ['none', 'none', 'None'] },
    { config: configOf({ remoteConfig: { enabled: false } }) },
    { config: configOf({ label: { enter: 1, exit: 1 } }) },
    { config: configOf({ label: { enter: 0.001, exit: 0, thresholds: { bird: 0.001 } } }) },
    { config: configOf({ health: { intervalSeconds: 1.5 } }) },
    { base: 'house/ground floor', device: 'porch.east' },
    { former: { threshold_gone: 'number', temperature: 'sensor' } as const },
  ];
  for (const row of rows) {
    const { topic, message } = discoveryOf(factsOf(row));
    assert.match(topic, discoveryTopicForm);
    const parsed = deviceDiscoverySchema.safeParse(JSON.parse(JSON.stringify(message)));
    assert.ok(parsed.success, `${JSON.stringify(row)}: ${parsed.error}`);
  }
});

test('the label is one of the model, or none', () => {
  const home = homeOf();
  const { label } = Object.fromEntries(home.entities);
  assert.ok(label?.platform === 'sensor');
  assert.deepEqual(label.options, ['empty', 'bird', 'car', 'none']);
  home.receive(topics.label, labelOf('bird', 0.83219));
  assert.equal(home.stateOf('label'), 'bird');
  assert.equal(home.stateOf('confidence'), '83.2');
  assert.deepEqual(home.attributesOf('label'), {
    previous: 'empty',
    since: '2026-05-04T14:17:01.485Z',
  });
  home.receive(topics.label, labelOf(null, 0));
  assert.equal(home.stateOf('label'), 'none');
  assert.equal(home.stateOf('confidence'), '0');
});

test('a label is shown whatever is in it', () => {
  const home = homeOf(factsOf({ labels: strangeLabels }));
  for (const label of strangeLabels) {
    home.receive(topics.label, labelOf(label, 0.5));
    assert.equal(home.stateOf('label'), label);
  }
});

test('a model with very many labels has no list of them', () => {
  const labels = Array.from({ length: 1000 }, (_, at) => `label ${at}`);
  const home = homeOf(factsOf({ labels }));
  const { label } = Object.fromEntries(home.entities);
  assert.ok(label?.platform === 'sensor' && label.options === undefined);
  home.receive(topics.label, labelOf('label 999', 0.5));
  assert.equal(home.stateOf('label'), 'label 999');
});

test('health, its reasons and its figures are shown', () => {
  const home = homeOf();
  for (const state of healthStates) {
    home.receive(topics.health, healthOf({ state }));
    assert.equal(home.stateOf('health'), state);
  }
  assert.equal(home.stateOf('fps'), '15');
  assert.equal(home.stateOf('temperature'), '48.3');
  const attributes = {
    camera: 'streaming',
    source: 'the scene',
    fault: '',
    camera_reopens: 0,
    camera_restarts: 1,
    inference_restarts: 0,
    model: 'scene-visitors',
    waiting_messages: 2,
  };
  assert.deepEqual(home.attributesOf('health'), attributes);
  const fault = {
    code: 'camera.unplugged',
    component: 'camera' as const,
    message: `the camera's "cable" is <out> & gone`,
    mend: 'Plug it in.',
    retryable: true,
  };
  const camera = { state: 'waiting', source: 'a webcam', fault, reopens: 3, restarts: 1 } as const;
  home.receive(topics.health, healthOf({ state: 'degraded', camera }));
  assert.deepEqual(home.attributesOf('health'), {
    ...attributes,
    camera: 'waiting',
    source: 'a webcam',
    fault: fault.message,
    camera_reopens: 3,
  });
});

test('a temperature is there only where the device has one, and may be away for a while', () => {
  assert.ok(!homeOf(factsOf({ hasTemperature: false })).entities.has('temperature'));
  const home = homeOf();
  home.receive(topics.health, healthOf());
  const { temperatureCelsius: _, ...without } = healthOf();
  home.receive(topics.health, without);
  assert.equal(home.stateOf('temperature'), undefined);
});

test('what health tells is out of date when it has been missed several times', () => {
  for (const intervalSeconds of [1, 1.5, 30, 3600]) {
    const home = homeOf(factsOf({ config: configOf({ health: { intervalSeconds } }) }));
    for (const key of ['health', 'fps', 'temperature']) {
      const entity = home.entities.get(key);
      assert.ok(entity?.platform === 'sensor');
      assert.ok((entity.expire_after ?? 0) >= 2 * intervalSeconds + 1, `${intervalSeconds}`);
    }
  }
});

test('everything is unavailable without the device, but what says so', () => {
  const home = homeOf();
  const all = [...home.entities.keys()];
  assert.deepEqual(
    all.filter((key) => home.isAvailable(key)),
    ['connected'],
  );
  for (const [state, isOnline] of [
    ['online', true],
    ['stopped', false],
    ['online', true],
    ['offline', false],
  ] as const) {
    home.receive(topics.status, statusOf(state));
    assert.equal(home.stateOf('connected'), isOnline ? 'ON' : 'OFF');
    for (const key of all) {
      assert.equal(home.isAvailable(key), isOnline || key === 'connected', `${key}: ${state}`);
    }
  }
});

/** What a device takes on `command/…`. */
const commandSchema = z.looseObject({
  id: z.string().min(1).max(64),
  expiresAt: z.iso.datetime(),
});

/** What a command says besides its id and its expiry, and where. */
function commanded(home: ReturnType<typeof homeOf>, key: string, value: string | number) {
  const { topic, payload } = home.command(key, value);
  const { id, expiresAt, ...others } = commandSchema.parse(JSON.parse(payload));
  assert.equal(id, 'ha-20260504141701585000');
  assert.equal(expiresAt, '2026-05-04T14:18:01Z');
  return [topic, others];
}

test('buttons say what is to be done', () => {
  const home = homeOf();
  assert.deepEqual(commanded(home, 'restart', 'PRESS'), [
    'sightd/porch/command/restart',
    { what: 'process' },
  ]);
  assert.deepEqual(commanded(home, 'snapshot', 'PRESS'), ['sightd/porch/command/snapshot', {}]);
});

test('settings change their part of the config, and show it', () => {
  const config = configOf({ label: { enter: 0.65, thresholds: { bird: 0.4 } } });
  const home = homeOf(factsOf({ config }));
  home.receive(topics.configReported, reportedOf(config));
  assert.equal(home.stateOf('enter'), '0.65');
  assert.equal(home.stateOf('threshold_bird'), '0.4');
  assert.equal(home.stateOf('publish_results'), 'ON');
  assert.equal(home.stateOf('publish_snapshot'), 'OFF');
  const off = configOf({ publish: { results: false } });
  home.receive(topics.configReported, reportedOf(off));
  assert.equal(home.stateOf('publish_results'), 'OFF');
  assert.equal(home.stateOf('threshold_bird'), undefined, 'a threshold that is gone is unknown');

  const configure = 'sightd/porch/command/configure';
  for (const [key, value, part] of [
    ['enter', 0.7, { label: { enter: 0.7 } }],
    ['enter', 1, { label: { enter: 1 } }],
    ['enter', 0.1 + 0.7, { label: { enter: 0.8 } }],
    ['threshold_bird', 0.35, { label: { thresholds: { bird: 0.35 } } }],
    ['publish_results', 'ON', { publish: { results: true } }],
    ['publish_results', 'OFF', { publish: { results: false } }],
    ['publish_snapshot', 'ON', { publish: { snapshot: 'label' } }],
    ['publish_snapshot', 'OFF', { publish: { snapshot: 'never' } }],
  ] as const) {
    assert.deepEqual(commanded(home, key, value), [configure, { config: part }]);
    assert.doesNotThrow(() => configOf(part), 'the config takes it');
  }
});

test('a threshold is set and shown for a label whatever is in it', () => {
  const config = configOf({ label: { thresholds: strangeThresholds } });
  const home = homeOf(factsOf({ labels: strangeLabels, config }));
  home.receive(topics.configReported, reportedOf(config));
  const keys = [...home.entities.keys()].filter((key) => key.startsWith('threshold_'));
  assert.equal(keys.length, strangeLabels.length);
  for (const [at, label] of strangeLabels.entries()) {
    const key = keys[at] ?? '';
    assert.equal(home.entities.get(key)?.name, `Threshold ${label}`);
    assert.equal(home.stateOf(key), '0.5', label);
    const [, others] = commanded(home, key, 0.25);
    assert.deepEqual(others, { config: { label: { thresholds: { [label]: 0.25 } } } });
  }
});

test('label.enter cannot be set below label.exit, and shows what it is', () => {
  for (const [enter, exit] of [
    [0.6, 0.4],
    [0.6, 0],
    [1, 1],
    [0.005, 0.002],
  ] as const) {
    const config = configOf({ label: { enter, exit } });
    const home = homeOf(factsOf({ config }));
    home.receive(topics.configReported, reportedOf(config));
    assert.equal(home.stateOf('enter'), String(enter));
    const entity = home.entities.get('enter');
    assert.ok(entity?.platform === 'number');
    assert.ok(entity.min >= Math.min(exit, 0.99) && entity.min > 0);
  }
});

test('settings are there only where the device takes them unsigned', () => {
  const settings = ['enter', 'threshold_bird', 'publish_results', 'publish_snapshot'];
  const thresholds = { label: { thresholds: { bird: 0.4 } } };
  const keysOf = (remoteConfig: object): string[] => [
    ...homeOf(factsOf({ config: configOf({ ...thresholds, remoteConfig }) })).entities.keys(),
  ];
  assert.ok(settings.every((key) => keysOf({}).includes(key)));
  const publicKey = `${'A'.repeat(43)}=`;
  for (const remoteConfig of [{ enabled: false }, { publicKey }]) {
    assert.ok(!settings.some((key) => keysOf(remoteConfig).includes(key)));
  }
});

test('a device that obeys no commands has nothing that sends them', () => {
  const home = homeOf(factsOf({ takesCommands: false }));
  const platforms = new Set([...home.entities.values()].map(({ platform }) => platform));
  assert.deepEqual([...platforms].sort(), ['binary_sensor', 'image', 'sensor']);
});

test('no more thresholds than the limit become settings', () => {
  const labels = Array.from({ length: thresholdEntitiesMax + 5 }, (_, at) => `l${at}`);
  const thresholds = Object.fromEntries(labels.map((label) => [label, 0.5]));
  const home = homeOf(factsOf({ labels, config: configOf({ label: { thresholds } }) }));
  const keys = [...home.entities.keys()].filter((key) => key.startsWith('threshold_'));
  assert.equal(keys.length, thresholdEntitiesMax);
});

test('what is gone is taken away, and comes back', () => {
  const withBird = configOf({ label: { thresholds: { bird: 0.4 } } });
  const { topic, message } = discoveryOf(factsOf({ config: withBird }));
  const home = createHome(createRender(now));
  home.receive(topic, JSON.stringify(message));
  assert.ok(home.entities.has('threshold_bird'));

  const without = discoveryOf(factsOf({ former: announcedIn(message).all, hasTemperature: false }));
  home.receive(topic, JSON.stringify(without.message));
  assert.ok(!home.entities.has('threshold_bird'));
  assert.ok(!home.entities.has('temperature'));
  const { all, here } = announcedIn(without.message);
  assert.ok('threshold_bird' in all && !('threshold_bird' in here));

  const again = discoveryOf(factsOf({ config: withBird, former: all }));
  home.receive(topic, JSON.stringify(again.message));
  assert.ok(home.entities.has('threshold_bird') && home.entities.has('temperature'));
  home.receive(topic, '');
  assert.equal(home.entities.size, 0);
});

test('what has been gone for long is forgotten', () => {
  const former = Object.fromEntries(
    Array.from({ length: 1000 }, (_, at) => [`threshold_l${at}`, 'number' as const]),
  );
  const { message } = discoveryOf(factsOf({ former }));
  assert.ok(Object.keys(message.components).length < 200);
  assert.ok('threshold_l999' in message.components);
});

test('two devices are two in Home Assistant, whatever they are called', () => {
  const devices = [
    ['sightd', 'porch'],
    ['sightd', 'porch.east'],
    ['sightd', 'porch_east'],
    ['sightd', 'porch-east'],
    ['sightd/porch', 'east'],
    ['sightd_porch', 'east'],
    ['house/sightd', 'porch'],
    ['Haus/Küche', 'porch'],
  ] as const;
  const ids = devices.map(([base, device]) => {
    const { topic, message } = discoveryOf(factsOf({ base, device }));
    const [, id] = discoveryTopicForm.exec(topic) ?? [];
    assert.deepEqual(message.device.identifiers, [id]);
    return id;
  });
  assert.equal(new Set(ids).size, devices.length);
  assert.equal(ids[0], 'sightd_porch');
});
