import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { createRandom } from '../../src/base/random.ts';
import { commandNames, refusalSchema } from '../../src/contract/commands.ts';
import { configSchema } from '../../src/contract/config.ts';
import { reportedMessageSchema } from '../../src/contract/messages.ts';
import { readDesired } from '../../src/daemon/desired-document.ts';
import { payloadKinds } from '../support/fuzz-payloads.ts';
import { skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { startDaemon } from '../support/sightd.ts';

/*
 * A running device on a real broker is sent FUZZ_WIRE_PAYLOADS payloads (`npm run stress`: 100,000) from
 * FUZZ_SEED: each is answered once, it goes on classifying, and nothing is left behind.
 */

const payloads = Number(process.env['FUZZ_WIRE_PAYLOADS'] ?? 8000);
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));
/** Payloads that are not answered yet; fewer than the outbox holds. */
const underWayMax = 2000;

const residentMegabytes = (pid: number | undefined): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
};

test(`${payloads} payloads on the wire, FUZZ_SEED=${seed}: each is answered once`, {
  skip: skipWithoutMosquitto(),
}, async (t) => {
  await using broker = await startMosquitto();
  const own = {
    device: { id: 'porch' },
    camera: { source: 'scene', width: 320, height: 240, fps: 5 },
    mqtt: { url: broker.url },
    label: { enter: 1 },
    log: { level: 'error' },
  };
  const sightd = startDaemon(own);
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  let answered = 0;
  let waiting = (): void => {};
  const configs = new Set<string>();
  let session = '';
  client.on('message', (topic, payload) => {
    if (topic.includes('/response/')) {
      assert.equal(refusalSchema.parse(JSON.parse(payload.toString())).ok, false);
      answered += 1;
      waiting();
      return;
    }
    const report = reportedMessageSchema.parse(JSON.parse(payload.toString()));
    session = report.session;
    configs.add(JSON.stringify(report.config));
    // The first is the one of the start.
    if (report.state === 'rejected') answered += 1;
    waiting();
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      const changed = new Promise<void>((resolve) => {
        waiting = resolve;
      });
      const ended = await Promise.race([changed, sightd.exited]);
      if (ended !== undefined) throw new Error(`sightd ended:\n${sightd.lines.join('\n')}`);
    }
  };
  await client.subscribeAsync('sightd/porch/config/reported', { qos: 1 });
  for (const name of commandNames) {
    await client.subscribeAsync(`sightd/porch/response/${name}`, { qos: 1 });
  }
  await until(() => session !== '');
  const firstSession = session;

  const local = configSchema.parse(own);
  const random = createRandom(seed);
  const names = Object.keys(payloadKinds);
  let sent = 0;
  let settled = 0;
  while (sent < payloads) {
    const kind = names[sent % names.length] as string;
    const bytes = payloadKinds[kind]?.(random) ?? new Uint8Array(0);
    // What happens to right ones is told elsewhere; here every answer must be a refusal.
    if (readDesired(bytes, local, undefined).kind !== 'refused') continue;
    await until(() => sent - answered < underWayMax);
    sent += 1;
    // No command is right without an id and an expiry, which these never have.
    const isCommand = random() < 0.5;
    const topic = isCommand
      ? `command/${commandNames[sent % commandNames.length]}`
      : 'config/desired';
    client.publish(`sightd/porch/${topic}`, Buffer.from(bytes), { qos: 1 });
    if (sent === payloads >> 1) settled = residentMegabytes(sightd.process.pid);
  }
  await until(() => answered >= sent);
  const grown = residentMegabytes(sightd.process.pid) - settled;
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  await client.endAsync();
  assert.equal(answered, sent, 'one answer each');
  assert.equal(configs.size, 1, 'the config in force is the same all along');
  assert.equal(session, firstSession, 'one run of the daemon');
  assert.ok(grown < 40, `grew by ${Math.round(grown)} MiB after the first half`);
  t.diagnostic(`${answered} answers, grown ${grown.toFixed(1)} MiB`);
});
