import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Aedes, type AedesPublishPacket } from 'aedes';
import { commandNames } from '../../src/contract/commands.ts';
import { definitions } from '../../src/contract/contract.ts';
import { startDaemon } from '../support/sightd.ts';

/*
 * The contract against what is really sent: every packet that a device publishes goes to a topic of the
 * contract, travels as it says, and is what its schema says.
 */

const prefix = 'sightd/porch/';

/** A broker that keeps each packet as a client has sent it, wills too. */
async function startRecorder() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const packets: AedesPublishPacket[] = [];
  const waiting: (() => void)[] = [];
  broker.on('publish', (packet) => {
    if (!packet.topic.startsWith(prefix)) return;
    packets.push(packet);
    for (const resume of waiting.splice(0)) resume();
  });
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    packets,
    until: async (condition: (topic: string, payload: string) => boolean): Promise<void> => {
      const isThere = (): boolean =>
        packets.some(({ topic, payload }) => condition(topic, payload.toString()));
      while (!isThere()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    say: (topic: string, payload: string, retain: boolean): void =>
      broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, () => {}),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test('all that a device says is as the contract has it', async () => {
  await using broker = await startRecorder();
  const config = {
    device: { id: 'porch' },
    camera: { source: 'scene', width: 320, height: 240 },
    mqtt: { url: broker.url },
    health: { intervalSeconds: 1 },
    label: { smoothing: 0, holdSeconds: 0 },
    remoteConfig: { trialSeconds: 1 },
  };
  const lost = startDaemon(config);
  await broker.until((topic) => topic === `${prefix}label`);
  lost.process.kill('SIGKILL');
  await broker.until((_, payload) => payload.includes('"offline"'));

  const sightd = startDaemon(config);
  await sightd.untilLine('"msg":"running"');
  broker.say(`${prefix}config/desired`, '{"version":1,"config":{"label":{"enter":0.5}}}', true);
  await broker.until(
    (topic, payload) => topic.endsWith('/event') && payload.includes('config.applied'),
  );
  broker.say(`${prefix}config/desired`, '{"version":2,"config":{"label":{"enter":2}}}', true);
  await broker.until(
    (topic, payload) => topic.endsWith('/reported') && payload.includes('rejected'),
  );
  const own = { restart: { what: 'camera' }, configure: { config: { publish: { topK: 2 } } } };
  // What it has retained is taken away last.
  for (const name of [...commandNames].sort((a) => (a === 'purge' ? 1 : 0))) {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const command = { id: name, expiresAt, ...own[name as keyof typeof own] };
    broker.say(`${prefix}command/${name}`, JSON.stringify(command), false);
    await broker.until((topic) => topic === `${prefix}response/${name}`);
  }
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));

  const unheard = new Set(definitions.filter(({ direction }) => direction === 'from the device'));
  for (const { topic, qos, retain, payload } of broker.packets) {
    const definition = definitions.find((one) => topic === `${prefix}${one.topic}`);
    assert.ok(definition !== undefined, `${topic} is in the contract`);
    assert.deepEqual(
      { topic, qos, retain },
      { topic, qos: definition.qos, retain: definition.retained },
    );
    // An empty one takes away what was retained.
    if (payload.length > 0) definition.schema?.parse(JSON.parse(payload.toString()));
    unheard.delete(definition);
  }
  assert.deepEqual([...unheard], [], 'every message was heard');
});
