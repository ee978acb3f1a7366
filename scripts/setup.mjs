// Makes a fresh clone ready to run: installs the packages, compiles, and says what it is doing.
// Does nothing that is already done. `--build` compiles in any case.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (text) => process.stderr.write(`sightd setup: ${text}\n`);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  say(`needs Node.js 20.19 or later; this is ${process.versions.node}`);
  process.exit(70);
}

await install();
await build(process.argv.includes('--build'));

async function install() {
  const stamp = join(root, 'node_modules', '.sightd-installed');
  const wanted = hashOf([join(root, 'package-lock.json')]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing packages (about 190 MB to download the first time; a minute or two)');
  await working('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}

async function build(isForced) {
  const stamp = join(root, 'dist', '.sightd-built');
  const wanted = hashOf(sources());
  if (!isForced && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('compiling');
  mkdirSync(join(root, 'dist'), { recursive: true });
  await working(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc')]);
  for (const kernel of kernels()) {
    await working(process.execPath, [
      join('node_modules', 'assemblyscript', 'bin', 'asc.js'),
      ...kernel,
    ]);
  }
  chmodSync(join(root, 'dist', 'src', 'main.js'), 0o755);
  writeFileSync(stamp, wanted);
}

/** What runs as WebAssembly with SIMD, written in AssemblyScript: the compiler's arguments for each. */
function kernels() {
  const code = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
  const memory = ['--importMemory', '--noExportMemory', '--initialMemory', '1'];
  const kernel = (folder, source, target) => [
    join('src', folder, 'assembly', source),
    '--outFile',
    join('dist', 'src', folder, target),
    ...code,
    ...memory,
  ];
  // The ring may be as large as its limit: the module takes any shared memory up to 4 GiB.
  const shared = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];
  return [
    [...kernel('inference', 'tensor.ts', 'tensor.wasm'), ...shared],
    kernel('camera', 'scene.ts', 'scene.wasm'),
  ];
}

function sources() {
  const folders = ['src', 'test', 'bench', join('models', 'training')].map((name) =>
    join(root, name),
  );
  const files = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => /\.(ts|json)$/.test(path) && statSync(path).isFile()),
  );
  return [join(root, 'tsconfig.json'), join(root, 'package-lock.json'), ...files.sort()];
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.update(process.platform + process.arch).digest('hex');
}

/** Runs a command; when it takes long, says every ten seconds that it still works. */
async function working(command, args) {
  const started = Date.now();
  const timer = setInterval(() => {
    say(`  still at it (${Math.round((Date.now() - started) / 1000)} s)`);
  }, 10_000);
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      say(`cannot run ${command}: ${error.message}`);
      resolve(70);
    });
    child.once('exit', (status) => resolve(status ?? 70));
  });
  clearInterval(timer);
  if (code === 0) return;
  say(`${command} ${args.join(' ')} failed (${code})`);
  process.exit(70);
}
