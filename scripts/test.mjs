// Runs the compiled tests: all of them, or the folders and files under test/ that are named.
//   node scripts/test.mjs [unit|fuzz|integration|system|PATH…]
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tests = join(root, 'dist', 'test');
const named = process.argv.slice(2);
const files = (named.length > 0 ? named : ['unit', 'fuzz', 'integration', 'system']).flatMap(find);
if (files.length === 0) {
  process.stderr.write(`no tests in ${named.join(', ')}\n`);
  process.exit(64);
}

process.stderr.write(
  `running ${files.length} test files; the whole suite takes about five minutes\n`,
);
// One file at a time: the stress and system tests want the machine for themselves.
// What hangs is a failure: the longest file, the long stress run, takes five minutes.
const args = [
  '--test',
  '--test-timeout=900000',
  '--test-concurrency=1',
  '--test-reporter=spec',
  ...files,
];
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
child.once('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));

/** Test files below a folder of test/, or one file by its source's or compiled path. */
function find(name) {
  const path = join(tests, name.replace(/^test\//, '').replace(/\.ts$/, '.js'));
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true })
    .map((file) => join(path, String(file)))
    .filter((file) => file.endsWith('.test.js'))
    .sort();
}
