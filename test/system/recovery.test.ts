import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import {
  type EventMessage,
  eventMessageSchema,
  type HealthMessage,
  healthMessageSchema,
} from '../../src/contract/messages.ts';
import { ask, commandOf } from '../support/ask.ts';
import { temporaryFolder } from '../support/data.ts';
import { type Mosquitto, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { finalLedger, startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();

/** A device whose faults are made as the test goes, with deadlines that a test can wait for. */
async function brokenDevice(broker: Mosquitto, health: object = {}) {
  const subscriber = await broker.subscribeForGood('sightd/porch/#');
  const folder = temporaryFolder();
  const [configPath, faultsPath] = [join(folder, 'config.yaml'), join(folder, 'faults')];
  const deadlines = { frameDeadlineSeconds: 1, frozenSeconds: 2, inferenceDeadlineSeconds: 2 };
  const config = {
    device: { id: 'porch' },
    camera: { source: 'scene', width: 320, height: 240, fps: 10 },
    mqtt: { url: broker.url },
    health: { intervalSeconds: 1, stopSeconds: 10, ...deadlines, ...health },
  };
  writeFileSync(configPath, JSON.stringify(config));
  writeFileSync(faultsPath, '');
  const environment = {
    RUNTIME_DIRECTORY: join(folder, 'run'),
    SIGHTD_STATE_DIR: join(folder, 'state'),
  };
  const events = (): EventMessage[] => {
    const sent = subscriber.messages
      .filter(({ topic }) => topic.endsWith('/event'))
      .map(({ payload }) => eventMessageSchema.parse(JSON.parse(payload)));
    // What was under way when a process ended comes again.
    return [...new Map(sent.map((event) => [event.id, event])).values()];
  };
  const healths = (): HealthMessage[] =>
    subscriber.messages
      .filter(({ topic }) => topic.endsWith('/health'))
      .map(({ payload }) => healthMessageSchema.parse(JSON.parse(payload)));
  const untilEvent = async (code: string, since: number): Promise<EventMessage> => {
    const found = await subscriber.until(({ topic, payload }) => {
      if (!topic.endsWith('/event')) return false;
      const event = eventMessageSchema.parse(JSON.parse(payload));
      return event.code === code && event.id > since;
    });
    return eventMessageSchema.parse(JSON.parse(found.payload));
  };
  return {
    config,
    configPath,
    events,
    healths,
    untilEvent,
    start: () => startSightd(['run', '--config', configPath, '--inject', faultsPath], environment),
    inject: (...faults: readonly object[]) =>
      appendFileSync(faultsPath, faults.map((one) => `${JSON.stringify(one)}\n`).join('')),
    newest: () => events().at(-1)?.id ?? 0,
    /** Waits for a health message that comes from now on. */
    untilHealth: async (isWanted: (health: HealthMessage) => boolean): Promise<HealthMessage> => {
      const seen = new Set(subscriber.messages);
      const found = await subscriber.until((message) => {
        if (seen.has(message) || !message.topic.endsWith('/health')) return false;
        return isWanted(healthMessageSchema.parse(JSON.parse(message.payload)));
      });
      return healthMessageSchema.parse(JSON.parse(found.payload));
    },
    close: () => subscriber.close(),
  };
}

const stepsOf = (events: readonly EventMessage[]): string[] =>
  events
    .filter(({ code }) => code === 'recovery.step')
    .map(({ data }) => `${data?.['component']} ${data?.['rung']} ${data?.['fault']}`);

test('each fault of a part is named, mended by the gentlest step that helps, and told', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await brokenDevice(broker);
  const sightd = device.start();
  await device.untilHealth(({ state }) => state === 'ok');
  const faults = [
    ['camera.stall', { seconds: 60, mendedBy: 'stream' }, 'camera.stalled', 'camera stream'],
    ['camera.freeze', { seconds: 60, mendedBy: 'device' }, 'camera.frozen', 'camera device'],
    ['camera.throw', {}, 'camera.died', 'camera worker'],
    ['inference.throw', {}, 'inference.died', 'inference worker'],
  ] as const;
  for (const [fault, how, code, step] of faults) {
    const since = device.newest();
    device.inject({ fault, ...how });
    const [component = '', rung = ''] = step.split(' ');
    await device.untilEvent(code, since);
    const done = await device.untilEvent('recovery.done', since);
    assert.deepEqual([done.data?.['component'], done.data?.['rung']], [component, rung]);
    const steps = stepsOf(device.events().filter(({ id }) => id > since));
    assert.deepEqual(steps, [`${step} ${code}`]);
    await device.untilHealth(({ state }) => state === 'ok');
  }
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  for (const { ledger, session } of device.healths()) {
    assert.equal(imbalanceOf(ledger), 0, JSON.stringify(ledger));
    assert.equal(session, device.healths()[0]?.session, 'one process');
  }
  const ledger = finalLedger(sightd);
  assert.deepEqual([imbalanceOf(ledger), ledger.inFlight], [0, 0]);
  await device.close();
});

test('heat thins frames out, a full disk and a wrong config are said, and each passes', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await brokenDevice(broker);
  const sightd = device.start();
  await device.untilHealth(({ state }) => state === 'ok');

  device.inject({ fault: 'temperature', celsius: 90, seconds: 600 });
  const hot = await device.untilHealth(({ components }) => components.power.state === 'degraded');
  assert.equal(hot.components.power.fault, 'power.hot');
  assert.equal(hot.state, 'degraded');
  const limited = await device.untilEvent('power.limited', 0);
  assert.equal(limited.data?.['fpsMax'], 5);
  await device.untilHealth(({ ledger }) => ledger.dropped.throttled > 5);

  device.inject({ fault: 'disk.full', seconds: 5 });
  const full = await device.untilHealth(({ components }) => components.disk.state === 'degraded');
  assert.equal(full.components.disk.fault, 'disk.full');

  writeFileSync(device.configPath, JSON.stringify({ ...device.config, camera: { fps: 'many' } }));
  sightd.process.kill('SIGHUP');
  const wrong = await device.untilHealth(({ components }) => components.config.state !== 'ok');
  assert.equal(wrong.components.config.fault, 'config.invalid');
  assert.match(wrong.components.config.message ?? '', /camera\.fps/);
  writeFileSync(device.configPath, JSON.stringify(device.config));
  sightd.process.kill('SIGHUP');
  await device.untilHealth(({ components }) => components.config.state === 'ok');

  assert.deepEqual(stepsOf(device.events()), [], 'nothing of this is mended by a restart');
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  await device.close();
});

test('a model that hangs for good ends the process; a crash loop is held and says so', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await brokenDevice(broker, { restartsPerHourMax: 2 });
  const first = device.start();
  await device.untilHealth(({ state }) => state === 'ok');
  device.inject({ fault: 'inference.hang', seconds: 600, process: first.process.pid });
  assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' }, first.lines.join('\n'));

  const since = device.newest();
  const second = device.start();
  const started = await device.untilEvent('daemon.started', since);
  assert.equal(started.data?.['previousEnd'], 'planned');
  assert.equal(started.data?.['previousFault'], 'inference.hung');
  assert.ok(Number(started.data?.['blindSeconds']) >= 2, JSON.stringify(started));
  await device.untilHealth(({ state }) => state === 'ok');
  second.process.kill('SIGKILL');
  await second.exited;

  // Two ends within the hour, one of its own and one that nobody asked for.
  const third = device.start();
  const held = await device.untilEvent('recovery.held', started.id);
  assert.equal(held.data?.['component'], 'daemon');
  const failing = await device.untilHealth(({ state }) => state === 'failing');
  assert.equal(failing.components.daemon.fault, 'daemon.crash-loop');
  assert.equal(failing.ledger.captured, 0);
  const answer = await ask(broker, 'identify', commandOf());
  assert.equal(answer.ok, true, 'it is there all the same');

  const mended = { ...device.config, camera: { ...device.config.camera, fps: 5 } };
  writeFileSync(device.configPath, JSON.stringify(mended));
  third.process.kill('SIGHUP');
  const tried = await device.untilHealth(({ state }) => state === 'ok');
  assert.match(tried.camera.source, /scene 320/, 'another config is a fresh try');
  third.process.kill('SIGTERM');
  assert.deepEqual(await third.exited, { code: 0, signal: null }, third.lines.join('\n'));
  await device.close();
});
