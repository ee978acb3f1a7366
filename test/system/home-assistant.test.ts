import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/data.ts';
import { createHome } from '../support/home-assistant.ts';
import { createRender } from '../support/home-assistant-templates.ts';
import { type Message, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
const topic = 'homeassistant/device/sightd_porch/config';

function publish(port: number, ...args: readonly string[]): void {
  const all = ['-h', '127.0.0.1', '-p', String(port), '-q', '1', ...args];
  assert.equal(spawnSync('mosquitto_pub', all, { env }).status, 0);
}

test('a device is in Home Assistant while it is switched on, and only then', { skip }, async () => {
  await using broker = await startMosquitto();
  const stateDir = temporaryFolder();
  const path = join(temporaryFolder(), 'config.yaml');
  const write = (homeAssistant: object): void =>
    writeFileSync(
      path,
      JSON.stringify({
        device: { id: 'porch' },
        camera: { source: 'scene', width: 320, height: 240 },
        mqtt: { url: broker.url },
        health: { intervalSeconds: 1 },
        remoteConfig: { trialSeconds: 1 },
        homeAssistant,
      }),
    );
  const start = () => startSightd(['run', '--config', path], { SIGHTD_STATE_DIR: stateDir });
  const subscriber = await broker.subscribe('#');
  let read = 0;
  const until = async (condition: (message: Message) => boolean): Promise<Message> => {
    const found = await subscriber.until(
      (message) => subscriber.messages.indexOf(message) >= read && condition(message),
    );
    read = subscriber.messages.indexOf(found) + 1;
    return found;
  };
  const announced = () => until((one) => one.topic === topic && one.payload !== '');
  const deleted = () => until((one) => one.topic === topic && one.payload === '');
  const desire = (document: object): void =>
    publish(broker.port, '-r', '-t', 'sightd/porch/config/desired', '-m', JSON.stringify(document));
  /** What the broker keeps there, as somebody hears it who comes now. */
  const kept = async (): Promise<string | undefined> => {
    const late = await broker.subscribe(topic);
    await late.close();
    return late.messages.find((one) => one.topic === topic)?.payload;
  };

  write({ enabled: true });
  let sightd = start();
  const first = await announced();
  assert.equal(await kept(), first.payload);
  // It has not gone the first time, nor come with a connection: it was heard of and answered.
  publish(broker.port, '-t', 'homeassistant/status', '-m', 'online');
  assert.equal((await announced()).payload, first.payload);

  desire({ version: 1, config: { label: { thresholds: { bird: 0.3 } } } });
  await announced();
  await until(
    ({ topic: where, payload }) =>
      where === 'sightd/porch/config/reported' && /"version":1,"state":"applied"/.test(payload),
  );
  await until(({ topic: where }) => where === 'sightd/porch/label');
  await until(
    ({ topic: where, payload }) => where === 'sightd/porch/health' && /"state":"ok"/.test(payload),
  );
  // All that the device said, as Home Assistant takes it; what it cannot read fails here. What is
  // retained comes to an entity when it is made.
  const home = createHome(createRender(new Date()));
  const [announcements, others] = [true, false].map((isOne) =>
    subscriber.messages.filter((message) => (message.topic === topic) === isOne),
  );
  for (const message of [...(announcements ?? []), ...(others ?? [])]) {
    home.receive(message.topic, message.payload);
  }
  assert.equal(home.stateOf('health'), 'ok');
  assert.equal(home.stateOf('threshold_bird'), '0.3');
  assert.equal(home.stateOf('enter'), '0.6');
  assert.equal(home.stateOf('publish_results'), 'ON');
  assert.ok(home.stateOf('label') !== undefined && home.stateOf('confidence') !== undefined);
  assert.ok(Number(home.stateOf('fps')) > 0);
  assert.ok([...home.entities.keys()].every((key) => home.isAvailable(key)));

  desire({ version: 2, config: { homeAssistant: { enabled: false } } });
  await deleted();
  assert.equal(await kept(), undefined);
  desire({ version: 3, config: {} });
  await announced();

  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  assert.ok(await kept(), 'a device that is stopped is unavailable, not gone');
  assert.ok(existsSync(join(stateDir, 'home-assistant.json')));

  write({ enabled: false });
  sightd = start();
  await deleted();
  await sightd.untilLine('taken away from Home Assistant');
  assert.equal(await kept(), undefined);
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  assert.ok(!existsSync(join(stateDir, 'home-assistant.json')));

  sightd = start();
  await sightd.untilLine('"msg":"running"');
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  const after = subscriber.messages.slice(read);
  assert.ok(!after.some((one) => one.topic.startsWith('homeassistant/')), 'nothing more is said');
  await subscriber.close();
});

test('a broker that has forgotten everything is told again', { skip }, async () => {
  await using broker = await startMosquitto();
  const path = join(temporaryFolder(), 'config.yaml');
  const config = {
    device: { id: 'porch' },
    camera: { source: 'scene', width: 320, height: 240 },
    mqtt: { url: broker.url, reconnectSecondsMax: 1 },
    homeAssistant: { enabled: true },
  };
  writeFileSync(path, JSON.stringify(config));
  const before = await broker.subscribe(topic);
  const sightd = startSightd(['run', '--config', path]);
  const { payload } = await before.until((one) => one.topic === topic);
  await before.close();
  // Killed before it saved anything.
  await broker.kill();
  await broker.start();
  const after = await broker.subscribe(topic);
  assert.equal((await after.until((one) => one.topic === topic)).payload, payload);
  sightd.process.kill('SIGTERM');
  assert.equal((await sightd.exited).code, 0);
  await after.close();
});
