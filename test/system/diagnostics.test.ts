import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostics } from '../../src/daemon/diagnostics.ts';
import { startDaemon } from '../support/sightd.ts';

test('SIGUSR2 has what is known of the process written to the log, as often as it comes', async () => {
  const sightd = startDaemon({ camera: { source: 'scene' }, mqtt: { url: 'mqtt://127.0.0.1:9' } });
  await sightd.untilLine('"msg":"running"');
  sightd.process.kill('SIGUSR2');
  const line = JSON.parse(await sightd.untilLine('"msg":"diagnostics"')) as Diagnostics;
  const { memory, heap, resources, openFiles, threads, uptimeSeconds } = line.process;
  assert.ok(memory.rss > 20 && memory.peak >= memory.rss && memory.arrayBuffers >= 0);
  assert.ok(heap.used > 1 && heap.limit > heap.used && heap.detachedContexts === 0);
  assert.ok(Object.keys(resources).length > 0);
  assert.ok(
    (openFiles ?? 0) > 3 && (threads ?? 0) > 3,
    'the camera, the model and the main thread',
  );
  assert.ok(uptimeSeconds < 60);
  assert.equal(line.phase, 'running');
  assert.notEqual(line.link['kind'], 'online');
  assert.ok('waiting' in line.outbox && 'captured' in line.ledger);
  sightd.process.kill('SIGUSR2');
  while (sightd.lines.filter((text) => text.includes('"msg":"diagnostics"')).length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
});
