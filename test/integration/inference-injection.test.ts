import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startInferenceThread, until } from '../support/inference-thread.ts';

/*
 * What is injected into a real inference thread. It reaches the thread while that waits for frames; what
 * ends the process is tried in one of its own.
 */

test('a thread that waits, and one that loads, have a pulse', async () => {
  const thread = startInferenceThread();
  await until(() => thread.signs().busy !== undefined);
  await thread.untilReport('loaded');
  await until(() => thread.signs().busy === undefined);
  await until(() => thread.signs().silent > 100);
  await until(() => thread.signs().silent < 50);
  await thread.stop();
});

test('hang: the next run does not return, and the pulse says for how long', async () => {
  const thread = startInferenceThread();
  await thread.untilReport('loaded');
  thread.inject('hang', 1.5);
  await thread.giveFrames(() => (thread.signs().busy ?? 0) > 1000);
  assert.ok(thread.signs().silent > 900, 'its event loop does not turn');
  assert.equal(thread.ledger().inFlight, 1);
  const { classified } = thread.ledger();
  await thread.giveFrames(() => thread.ledger().classified > classified + 1);
  assert.equal(thread.ledger().failed, 0);
  await thread.stop();
});

test('fail: the next run fails, the one after does not', async () => {
  const thread = startInferenceThread();
  await thread.untilReport('loaded');
  thread.inject('fail');
  await thread.giveFrames(() => thread.ledger().failed > 0);
  await thread.untilReport('frame-failed');
  const failed = thread.reports.find((report) => report.kind === 'frame-failed');
  assert.equal(failed?.fault.code, 'inference.failed');
  const { classified } = thread.ledger();
  await thread.giveFrames(() => thread.ledger().classified > classified);
  assert.equal(thread.ledger().failed, 1);
  await thread.stop();
});

test('throw: the thread dies of an error that nobody catches', async () => {
  const thread = startInferenceThread();
  await thread.untilReport('loaded');
  thread.inject('throw');
  assert.match((await thread.ended)?.message ?? '', /a fault was injected/);
});

const script = fileURLToPath(new URL('../support/doomed-process.js', import.meta.url));

for (const [what, signal] of [
  ['abort', 'SIGABRT'],
  ['segv', 'SIGSEGV'],
] as const) {
  test(`${what}: the process ends by ${signal}`, async () => {
    const child = spawn(process.execPath, [script, what], { stdio: 'ignore' });
    assert.deepEqual(await once(child, 'exit'), [null, signal]);
  });
}
