import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';
import type { PreviousRun } from '../../src/daemon/life/previous-run.ts';
import { temporaryFolder } from '../support/data.ts';

const program = join(packageRoot, 'dist', 'test', 'support', 'mortal-life.js');

function start(stateDir: string, end: string, environment: Record<string, string>) {
  const child = spawn(process.execPath, [program, stateDir, end], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const output = createInterface({ input: child.stdout });
  const first = once(output, 'line').then(([line]) => JSON.parse(line) as PreviousRun | null);
  return { child, complaints, output, previous: first, closed: once(child, 'close') };
}

/** Runs to its end; returns how the run before was said to have ended. */
async function run(stateDir: string, end: string, environment: Record<string, string> = {}) {
  const { previous, complaints, closed } = start(stateDir, end, environment);
  await closed;
  return { previous: await previous, complaints };
}

/** A state folder, and a folder that systemd keeps in memory for the unit. */
function folders() {
  const folder = temporaryFolder();
  const runtime = join(folder, 'run');
  mkdirSync(runtime);
  const stateDir = join(folder, 'state');
  return { stateDir, runtime, environment: { RUNTIME_DIRECTORY: runtime } };
}

test('each end of a process is known to the one that follows', async () => {
  const { stateDir, runtime, environment } = folders();
  const first = await run(stateDir, 'kill', environment);
  assert.equal(first.previous, null);
  assert.equal(statSync(join(runtime, 'life.json')).mode & 0o777, 0o600);

  writeFileSync(join(runtime, 'exit'), 'signal killed KILL\n');
  const second = await run(stateDir, 'abort', environment);
  assert.equal(second.previous?.end, 'killed');
  assert.equal(second.previous?.isUnplanned, true);
  const { blind } = second.previous ?? {};
  assert.ok(blind !== undefined && blind > 900 && blind < 60_000, `blind for ${blind} ms`);
  assert.ok(!existsSync(join(runtime, 'exit')));

  writeFileSync(join(runtime, 'exit'), 'core-dump dumped ABRT\n');
  const third = await run(stateDir, 'planned', environment);
  assert.deepEqual([third.previous?.end, third.previous?.signal], ['crashed', 'ABRT']);

  writeFileSync(join(runtime, 'exit'), 'signal killed KILL\n');
  const fourth = await run(stateDir, 'asked', environment);
  assert.equal(fourth.previous?.end, 'planned');
  assert.deepEqual(fourth.previous?.fault, { code: 'inference.hung', message: 'it hangs' });

  assert.equal((await run(stateDir, 'asked', environment)).previous?.end, 'asked');
});

test('without systemd the state folder remembers', async () => {
  const { stateDir } = folders();
  assert.equal((await run(stateDir, 'kill')).previous, null);
  assert.equal((await run(stateDir, 'planned')).previous?.end, 'unknown');
  assert.equal((await run(stateDir, 'abort')).previous?.fault?.code, 'inference.hung');
  const { previous, complaints } = await run(stateDir, 'gone');
  assert.match(previous?.sentence ?? '', /nothing recorded why/);
  assert.deepEqual(complaints, []);
  assert.equal((await run(stateDir, 'asked')).previous?.end, 'asked', 'the folder was made again');
});

test('folders that cannot be written to are said, and end nothing', async () => {
  const runtime = { RUNTIME_DIRECTORY: '/proc/sightd-run' };
  for (const environment of [{}, runtime]) {
    const { previous, complaints } = await run('/proc/sightd', 'asked', environment);
    assert.equal(previous, null);
    assert.equal(complaints.length, 1 + Object.keys(environment).length, complaints.join('\n'));
    assert.match(complaints[0] ?? '', /^cannot write \/proc\/sightd/);
  }
});

test('a second process beside a running one does not take it for dead, nor its record', async () => {
  const { stateDir, runtime, environment } = folders();
  const running = start(stateDir, 'wait', environment);
  for await (const line of running.output) if (line === 'waiting') break;
  const { previous, complaints } = await run(stateDir, 'asked', environment);
  assert.equal(previous, null);
  assert.match(
    complaints.join('\n'),
    new RegExp(`another sightd \\(process ${running.child.pid}\\)`),
  );
  assert.match(readFileSync(join(runtime, 'life.json'), 'utf8'), /"ended":null/);
  running.child.kill('SIGKILL');
  await running.closed;
  assert.equal((await run(stateDir, 'asked', environment)).previous?.end, 'unknown');
});
