import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { definitions, topicsOf } from '../../src/contract/contract.ts';
import { temporaryFolder } from '../support/data.ts';
import {
  type Message,
  skipWithoutMosquitto,
  startMosquitto,
  startSubscriber,
} from '../support/mosquitto.ts';
import { startDaemon } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

// One's name is the beginning of another's, and one's is another's with a dot.
const names = ['porch', 'porch-2', 'garden', 'garden.east', 'cellar'];

/** What Mosquitto's log tells of one client: what it asked for, what it got, what it said. */
type Traffic = {
  readonly subscribed: string[];
  readonly received: string[];
  readonly published: string[];
};

/** Lines of `log_type all`, as Mosquitto 2.0 writes them. */
function trafficOf(log: string): Map<string, Traffic> {
  const clients = new Map<string, Traffic>();
  const of = (client: string): Traffic => {
    const known = clients.get(client) ?? { subscribed: [], received: [], published: [] };
    clients.set(client, known);
    return known;
  };
  let asking: string | undefined;
  for (const line of log.split('\n')) {
    const text = line.replace(/^\d+: /, '');
    const asks = /^Received SUBSCRIBE from (\S+)/.exec(text)?.[1];
    const asked = /^\t(\S.*) \(QoS \d\)$/.exec(text)?.[1];
    const [, verb, client, topic] =
      /^(Sending|Received) PUBLISH (?:to|from) (\S+) \(.*?, '([^']*)'/.exec(text) ?? [];
    if (asked !== undefined && asking !== undefined) of(asking).subscribed.push(asked);
    if (client !== undefined && topic !== undefined) {
      (verb === 'Sending' ? of(client).received : of(client).published).push(topic);
    }
    if (asked === undefined) asking = asks;
  }
  return clients;
}

test('five devices on one broker: each hears and says only what is its own', {
  skip,
}, async (t) => {
  const logFile = join(temporaryFolder(), 'mosquitto.log');
  const all = `allow_anonymous true\nuser root\nlog_type all\nlog_dest file ${logFile}\n`;
  await using broker = await startMosquitto(all);
  const watcher = startSubscriber(broker.port, ['-V', '5', '-i', 'watcher', '-t', 'sightd/#']);
  const devices = names.map((id) => ({
    id,
    topics: topicsOf('sightd', id),
    sightd: startDaemon({
      device: { id },
      camera: { source: 'scene', width: 160, height: 120, fps: 5 },
      mqtt: { url: broker.url },
      health: { intervalSeconds: 1 },
      remoteConfig: { trialSeconds: 1 },
    }),
  }));
  const reportOf = (topic: string, version: number | null, state: string) => (message: Message) =>
    message.topic === topic && isReport(message.payload, version, state);
  for (const { topics } of devices) {
    await watcher.until(reportOf(topics.configReported, null, 'applied'));
    await watcher.until(({ topic, payload }) => topic === topics.health && isOk(payload));
    await watcher.until(({ topic }) => topic === topics.label);
  }

  const [first] = devices;
  assert.ok(first !== undefined);
  const { configDesired, configReported } = first.topics;
  const change = JSON.stringify({ version: 1, config: { camera: { fps: 7 } } });
  const where = ['-h', '127.0.0.1', '-p', `${broker.port}`, '-t', configDesired];
  const sent = spawnSync(
    'mosquitto_pub',
    [...where, '-i', 'owner', '-q', '1', '-r', '-m', change],
    {
      env,
    },
  );
  assert.equal(sent.status, 0);
  await watcher.until(reportOf(configReported, 1, 'applied'));
  // The others have said something since: that they have not changed is no matter of time.
  const until = watcher.messages.length;
  for (const { topics } of devices) {
    await watcher.until(
      (message) => message.topic === topics.health && watcher.messages.indexOf(message) >= until,
    );
  }
  for (const { sightd } of devices) sightd.process.kill('SIGTERM');
  for (const { sightd } of devices) {
    assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  }

  // What a newcomer is told is what the broker has kept.
  const late = startSubscriber(broker.port, [
    '-V',
    '5',
    '-i',
    'late',
    '-t',
    'sightd/#',
    '-t',
    'end',
  ]);
  spawnSync('mosquitto_pub', [...where.slice(0, 4), '-t', 'end', '-r', '-m', 'x', '-q', '1'], {
    env,
  });
  await late.until(({ topic }) => topic === 'end');
  await Promise.all([watcher.close(), late.close()]);

  const traffic = trafficOf(readFileSync(logFile, 'utf8'));
  assert.ok((traffic.get('watcher')?.received.length ?? 0) > 50, 'the log was understood');
  for (const { id, topics } of devices) {
    const clients = [...traffic].filter(([client]) => isClientOf(client, id));
    assert.equal(clients.length, 1, `${id}: ${clients.map(([client]) => client)}`);
    const [, own] = clients[0] ?? [];
    const heard = definitions.filter(({ direction }) => direction === 'to the device');
    assert.deepEqual(
      own?.subscribed.toSorted(),
      heard.map(({ topic }) => `sightd/${id}/${topic}`).sort(),
      `${id} asks for its own`,
    );
    assert.deepEqual(own?.received, id === first.id ? [configDesired] : [], `${id} hears its own`);
    const strange = own?.published.filter((topic) => !Object.values(topics).includes(topic));
    assert.deepEqual(strange, [], `${id} says its own`);
    const kept = late.messages.filter(({ topic }) => topic.startsWith(`sightd/${id}/`));
    const changed: string[] = id === first.id ? [configDesired] : [];
    assert.deepEqual(
      kept.map(({ topic }) => topic).sort(),
      [topics.status, topics.health, topics.label, topics.configReported, ...changed].sort(),
      `${id} has left these in the broker`,
    );
    const reports = watcher.messages.filter(({ topic }) => topic === topics.configReported);
    const versions = reports.map(({ payload }) => JSON.parse(payload).version);
    assert.deepEqual([...new Set(versions)], id === first.id ? [null, 1] : [null]);
    const fps = JSON.parse(reports.at(-1)?.payload ?? '{}').config.camera.fps;
    assert.equal(fps, id === first.id ? 7 : 5, `${id} sees ${fps} frames a second`);
  }
  t.diagnostic(
    [...traffic]
      .map(
        ([client, { received, published }]) => `${client} ${received.length}/${published.length}`,
      )
      .join(', '),
  );
});

/** A device's client id is its name and a part of its session's. */
const isClientOf = (client: string, id: string): boolean =>
  client.startsWith(`sightd-${id}-`) && /^[0-9a-f]{6}$/.test(client.slice(`sightd-${id}-`.length));

const isOk = (payload: string): boolean => JSON.parse(payload).state === 'ok';

function isReport(payload: string, version: number | null, state: string): boolean {
  const report = JSON.parse(payload);
  return report.version === version && report.state === state;
}
