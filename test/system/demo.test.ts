import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { resultMessageSchema } from '../../src/contract/messages.ts';
import { runSightd, startSightd } from '../support/sightd.ts';

test('the demo names its broker, publishes there over TCP and WebSocket, and stops on an interrupt', async () => {
  const sightd = startSightd(['demo', '--port', '0']);
  const addresses = await untilOutput(sightd.output, /(mqtt:\S+)\s+(ws:\S+)/);
  for (const address of addresses.slice(1, 3)) {
    const client = await connectAsync(address, { protocolVersion: 4 });
    const result = new Promise<Buffer>((resolve) => {
      client.on('message', (_topic, payload) => resolve(payload));
    });
    await client.subscribeAsync('sightd/demo/result');
    const message = resultMessageSchema.parse(JSON.parse(String(await result)));
    assert.equal(message.model.name, 'scene-visitors');
    await client.endAsync();
  }
  sightd.process.kill('SIGINT');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  assert.match(sightd.output(), /Stopped\. Of \d+ frames \d+ were classified/);
});

test('the demo gives way where its ports are taken, and an idle HTTP client does not keep it', async () => {
  const first = startSightd(['demo', '--port', '0', '--seconds', '20']);
  await untilOutput(first.output, /mqtt:/);
  const second = startSightd(['demo', '--port', '0']);
  const [, , webSocket = ''] = await untilOutput(second.output, /(mqtt:\S+)\s+ws:(\S+)/);
  const response = await fetch(`http:${webSocket}`, { headers: { connection: 'keep-alive' } });
  assert.equal(response.status, 426);
  for (const sightd of [second, first]) {
    sightd.process.kill('SIGINT');
    assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  }
});

test('the demo writes lines of JSON for a script and stops by itself', async () => {
  const { code, output } = await runSightd(['demo', '--port', '0', '--seconds', '4', '--json']);
  assert.equal(code, 0);
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(lines.length >= 1);
  assert.ok(lines.every((line) => line.ledger.captured >= line.ledger.classified));
});

test('version, help and schema are there', async () => {
  assert.match((await runSightd(['--version'])).output, /^sightd \d+\.\d+\.\d+\n$/);
  assert.match((await runSightd(['--help'])).output, /Usage: sightd COMMAND/);
  for (const command of ['run', 'demo', 'watch', 'model', 'config']) {
    const { code, output } = await runSightd([command, '--help']);
    assert.equal(code, 0);
    assert.match(output, new RegExp(`Usage: sightd ${command}`));
  }
  const schema = JSON.parse((await runSightd(['config', 'schema'])).output);
  assert.equal(schema.type, 'object');
  assert.ok(schema.properties.camera.properties.width);
});

async function untilOutput(output: () => string, pattern: RegExp): Promise<RegExpExecArray> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const found = pattern.exec(output());
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the demo did not say ${pattern}: ${output()}`);
}
