import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';
import { temporaryFolder } from '../support/data.ts';
import { runSightd, type Sightd, startSightd } from '../support/sightd.ts';

/** Nobody listens there; the scene needs no camera. */
const configOf = (folder: string): string => {
  const path = join(folder, 'config.yaml');
  const camera = { source: 'scene', width: 320, height: 240 };
  writeFileSync(path, JSON.stringify({ camera, mqtt: { url: 'mqtt://127.0.0.1:9' } }));
  return path;
};

function startWith(lines: string, environment: Record<string, string> = {}) {
  const folder = temporaryFolder();
  const file = join(folder, 'faults');
  writeFileSync(file, lines);
  const args = ['run', '--config', configOf(folder), '--inject', file];
  return { file, sightd: startSightd(args, environment) };
}

/** Lines of the log with this sentence, read. */
const said = (sightd: Sightd, sentence: string): readonly Record<string, unknown>[] =>
  sightd.lines
    .filter((line) => line.includes(`"msg":"${sentence}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a fault that the file asks for ends the process as a native library would', async () => {
  const { sightd } = startWith('{"fault":"inference.abort","afterSeconds":1}\n');
  assert.deepEqual(await sightd.exited, { code: null, signal: 'SIGABRT' }, sightd.lines.join('\n'));
  const [line] = said(sightd, 'a fault is injected');
  assert.deepEqual(line?.['injection'], {
    ...{ fault: 'inference.abort', seconds: 5, afterSeconds: 1 },
  });
});

test('lines that are added to the file are followed, once they are whole', async () => {
  const { file, sightd } = startWith('# nothing yet\n');
  await sightd.untilLine('"msg":"running"');
  appendFileSync(file, 'nonsense\n{"fault":"inference.fail"}\n{"fault":"process.');
  await sightd.untilLine('"msg":"a fault is injected"');
  assert.equal(said(sightd, 'a line of injections is left out')[0]?.['line'], 2);
  await sightd.untilLine('inference.failed');
  assert.equal(sightd.process.exitCode, null);
  appendFileSync(file, 'segv"}\n');
  assert.deepEqual(await sightd.exited, { code: null, signal: 'SIGSEGV' });
});

test('the main thread can be blocked, its memory taken, and itself killed', async () => {
  const { file, sightd } = startWith('{"fault":"memory.grow","megabytes":64,"seconds":1}');
  await sightd.untilLine('"msg":"running"');
  const id = sightd.process.pid;
  appendFileSync(file, `{"fault":"loop.block","seconds":1,"process":${id}}\n`);
  appendFileSync(file, `{"fault":"process.kill","afterSeconds":0.2,"process":${id}}\n`);
  assert.deepEqual(await sightd.exited, { code: null, signal: 'SIGKILL' });
  const times = said(sightd, 'a fault is injected').map((line) => Date.parse(String(line['time'])));
  assert.equal(times.length, 3);
  const [, blocked = 0, killed = 0] = times;
  assert.ok(killed - blocked >= 950, `killed ${killed - blocked} ms after it was blocked`);
});

test('what the daemon is made to read keeps it from ending no longer than anything else', async () => {
  const { sightd } = startWith('{"fault":"temperature","celsius":90,"seconds":3600}\n');
  await sightd.untilLine('"msg":"a fault is injected"');
  await sightd.untilLine('"msg":"running"');
  const late = setTimeout(() => sightd.process.kill('SIGKILL'), 20_000);
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  clearTimeout(late);
});

test('a file that cannot be used is refused at the start, with its lines', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'faults');
  writeFileSync(file, '{"fault":"inference.fail"}\n{"fault":"inference.fall"}\n');
  const config = configOf(folder);
  const wrong = await runSightd(['run', '--config', config, '--inject', file]);
  assert.equal(wrong.code, 64);
  assert.match(
    wrong.errors,
    /faults:2: fault: got "inference\.fall"; did you mean inference\.fail/,
  );
  const missing = await runSightd(['run', '--config', config, '--inject', join(folder, 'none')]);
  assert.equal(missing.code, 64);
  assert.match(missing.errors, /cannot read .*none/);
  const variable = await runSightd(['run', '--config', config], { SIGHTD_INJECT: file });
  assert.equal(variable.code, 64);
});

/** The program as packages have it: without its tests. */
function packaged(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'dist'));
  cpSync(join(packageRoot, 'dist', 'src'), join(folder, 'dist', 'src'), { recursive: true });
  for (const name of ['models', 'node_modules']) {
    symlinkSync(join(packageRoot, name), join(folder, name));
  }
  copyFileSync(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  return join(folder, 'dist', 'src', 'main.js');
}

test('a package injects nothing: the option is refused, the variable passed over', async () => {
  const main = packaged();
  const folder = temporaryFolder();
  const file = join(folder, 'faults');
  writeFileSync(file, '{"fault":"process.kill"}\n');
  const run = ['run', '--config', configOf(folder)];
  const refused = startSightd([...run, '--inject', file], {}, [], main);
  assert.deepEqual(await refused.exited, { code: 64, signal: null });
  assert.match(refused.lines.join('\n'), /only in builds that have their tests/);
  const going = startSightd(run, { SIGHTD_INJECT: file }, [], main);
  await going.untilLine('SIGHTD_INJECT is ignored');
  await going.untilLine('"msg":"running"');
  await new Promise((resolve) => setTimeout(resolve, 500));
  going.process.kill('SIGTERM');
  assert.deepEqual(await going.exited, { code: 0, signal: null }, going.lines.join('\n'));
});
