// Runs the compiled tests: all of them, or the folders and files under test/ that are named.
//   node scripts/test.mjs [unit|fuzz|integration|system|PATH…]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
  `running ${files.length} test files; the whole suite takes about eight minutes\n`,
);
/** The one sees other daemons; the other has daemons do all that the machine can. */
const alone = ['doctor', 'stop'].map((name) => join(tests, 'system', `${name}.test.js`));
const isIn = (file, folder) => file.startsWith(join(tests, folder, '/'));
const isPure = (file) => isIn(file, 'unit') || isIn(file, 'fuzz');
const isDaemon = (file) => isIn(file, 'system') && !alone.includes(file);
const isOther = (file) => !isPure(file) && !isDaemon(file);
// Those that keep to themselves share the machine. Daemons wait for half of their time: two share it too.
// The stress tests, and those whose deadlines are short, want it for themselves.
const codes = [
  await run(files.filter(isPure), availableParallelism()),
  await run(files.filter(isOther), 1),
  await run(files.filter(isDaemon), Math.min(2, availableParallelism())),
];
process.exit(codes.find((code) => code !== 0) ?? 0);

/** Runs test files, so many at a time; resolves with the exit code. */
async function run(files, concurrency) {
  if (files.length === 0) return 0;
  const args = [
    '--test',
    // What hangs is a failure: the longest file, the long stress run, takes five minutes.
    '--test-timeout=900000',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    ...files,
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

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
