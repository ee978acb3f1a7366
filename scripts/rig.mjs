// Runs the compiled tests of test/rig in a virtual machine that has V4L2 cameras and systemd: all
// of them, or those that are named. docs/rig.md says more.
//   node scripts/rig.mjs [--limit SECONDS] [NAME…]
//   node scripts/rig.mjs [--limit SECONDS] --exec 'shell command'
//   node scripts/rig.mjs --missing      the Debian packages that the host lacks
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const home =
  process.env.RIG_HOME ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sightd-rig');
/** A hung machine ends there; twice what all the tests may take without acceleration. */
const limitSeconds = 900;
/** A hung test file ends there, and the others have their turn. */
const fileLimitMs = 300_000;
const runsKept = 10;

/** What the rig needs of the host: a file that shows it is there, and the package that brings it. */
const tools = [
  ['/usr/bin/qemu-system-x86_64', 'qemu-system-x86'],
  ['/usr/bin/mmdebstrap', 'mmdebstrap'],
  ['/sbin/mke2fs', 'e2fsprogs'],
  ['/usr/bin/cpio', 'cpio'],
  ['/usr/bin/gcc-12', 'gcc-12'],
  ['/usr/include/stdio.h', 'libc6-dev'],
  ['/usr/bin/make', 'make'],
  ['/usr/bin/xz', 'xz-utils'],
  ['/usr/lib/x86_64-linux-gnu/libelf.so.1', 'libelf1'],
];

const say = (text) => process.stderr.write(`sightd rig: ${text}\n`);
const missing = tools.filter(([file]) => !existsSync(file)).map(([, name]) => name);

process.exit(await main());

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      exec: { type: 'string' },
      limit: { type: 'string', default: String(limitSeconds) },
      missing: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.missing) {
    process.stdout.write(missing.map((name) => `${name}\n`).join(''));
    return 0;
  }
  const limit = Number(values.limit);
  if (!(limit > 0)) return usage(`--limit ${values.limit} is not a number of seconds`);
  const job = values.exec ?? testCommand(positionals);
  if (job === undefined) return usage(`no tests in test/rig are named ${positionals.join(', ')}`);
  const image = join(home, `image-${imageKey()}`);
  const obstacle = obstacleTo(image);
  if (obstacle !== undefined) {
    const isFailure = process.env.CI === 'true' || values.exec !== undefined;
    say(`${isFailure ? 'cannot run' : 'skipped'}: ${obstacle}`);
    return isFailure ? 69 : 0;
  }
  if (!existsSync(image) && !(await build(image))) return 70;
  return run(image, job, limit);
}

function usage(text) {
  say(text);
  return 64;
}

/** Why the rig cannot run on this host, if so. */
function obstacleTo(image) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x86-64';
  if (missing.length > 0) {
    return `needs ${missing.join(', ')} (sudo apt install ${missing.join(' ')})`;
  }
  if (existsSync(image)) return undefined;
  if (!readFileSync('/etc/os-release', 'utf8').includes('VERSION_CODENAME=bookworm')) {
    return 'its image can be built on Debian 12 only';
  }
  if (process.getuid() !== 0) return 'only root can build its image (sudo node scripts/rig.mjs)';
  return undefined;
}

/** The tests of test/rig, or those whose names hold one of the given, as a command for the guest. */
function testCommand(names) {
  const files = readdirSync(join(root, 'test', 'rig'))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => names.length === 0 || names.some((name) => file.includes(basename(name))))
    .map((file) => `dist/test/rig/${file.replace(/\.ts$/, '.js')}`)
    .sort();
  if (files.length === 0) return undefined;
  const options = ['--test-concurrency=1', `--test-timeout=${fileLimitMs}`, '--test-reporter=spec'];
  return ['SIGHTD_RIG=1 CI=true exec node --test', ...options, ...files].join(' ');
}

/** Names the image by all that it is made from. */
function imageKey() {
  const hash = createHash('sha256');
  const folder = join(root, 'test', 'rig', 'image');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(file.slice(folder.length)).update(readFileSync(file));
  hash.update(process.version).update(kernelVersion());
  return hash.digest('hex').slice(0, 16);
}

function kernelVersion() {
  try {
    const args = ['show', '--no-all-versions', 'linux-image-amd64'];
    const text = execFileSync('apt-cache', args, { encoding: 'utf8', stdio: 'pipe' });
    return /^Version: (.*)$/m.exec(text)?.[1] ?? 'unknown';
  } catch {
    return 'unknown'; // No apt, or no package lists yet: then the kernel is whatever was built.
  }
}

async function build(image) {
  mkdirSync(home, { recursive: true });
  say('building the machine: about 300 MB to download, a minute or two');
  const script = join(root, 'test', 'rig', 'image', 'build.sh');
  // One build at a time; and what it mounts is seen by none but itself, and gone with it.
  const args = [join(home, 'lock'), 'unshare', '--mount', script, image];
  const child = spawn('flock', args, { stdio: ['ignore', 2, 2] });
  return (await exitOf(child)) === 0;
}

async function run(image, job, limit) {
  const folder = newRunFolder();
  const checkout = join(folder, 'checkout.ext4');
  try {
    packCheckout(folder, checkout);
    writeFileSync(join(folder, 'share', 'job.sh'), `${job}\n`);
    const ended = await boot(image, folder, checkout, limit);
    const code = returnCode(folder);
    if (code === undefined) {
      const file = join(folder, 'console.log');
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      say(`the machine ${ended} without a return code; its console said last:`);
      process.stderr.write(`${text.split('\n').slice(-40).join('\n')}\n`);
    }
    if (code !== 0) {
      say(`failed (${code ?? 'no return code'})`);
      say(`  output   ${join(folder, 'output.log')}`);
      say(`  console  ${join(folder, 'console.log')}`);
      say(`  journal  ${join(folder, 'share', 'out', 'journal.txt')}`);
    }
    return code ?? 70;
  } finally {
    rmSync(checkout, { force: true });
  }
}

/** A folder for this run; those of the last few stay, to be looked at. */
function newRunFolder() {
  const runs = join(home, 'runs');
  const time = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15);
  const folder = join(runs, `${time}-${process.pid}`);
  mkdirSync(join(folder, 'share', 'out'), { recursive: true });
  for (const old of readdirSync(runs).sort().slice(0, -runsKept)) {
    rmSync(join(runs, old), { recursive: true, force: true });
  }
  return folder;
}

/**
 * Makes a file system of what the guest needs of this checkout: read from a shared folder,
 * onnxruntime alone takes ten seconds to load.
 */
function packCheckout(folder, target) {
  if (!existsSync(join(root, 'dist', 'src', 'main.js'))) {
    throw new Error('sightd is not built (npm run build)');
  }
  const staging = join(folder, 'checkout');
  const published = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).files;
  const names = new Set([
    ...published.map((name) => name.split('/')[0]),
    'package.json',
    'dist',
    'test',
  ]);
  for (const name of [...names, ...runtimePackages()]) {
    if (!existsSync(join(root, name))) continue;
    mkdirSync(dirname(join(staging, name)), { recursive: true });
    cpSync(join(root, name), join(staging, name), { recursive: true, filter: isForGuest });
  }
  const args = ['-q', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-E', 'root_owner=0:0'];
  const megabytes = Number(
    execFileSync('du', ['-sm', staging], { encoding: 'utf8' }).split('\t')[0],
  );
  execFileSync('/sbin/mke2fs', [
    ...args,
    '-d',
    staging,
    target,
    `${Math.ceil(megabytes * 1.2) + 20}M`,
  ]);
  rmSync(staging, { recursive: true });
}

/** The packages that sightd runs with: neither those for development nor those inside others. */
function runtimePackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => path)
    .filter((path) => path.lastIndexOf('node_modules/') === 0);
}

/** The onnxruntime package carries binaries for every platform: 288 MB, of which 45 are ours. */
function isForGuest(path) {
  const platform = /onnxruntime-node\/bin\/[^/]+\/(.+)$/.exec(path)?.[1];
  return platform === undefined || /^linux(\/x64|$)/.test(platform);
}

/** Runs the machine to its end, with the guest's output as our own; says how it ended. */
async function boot(image, folder, checkout, limit) {
  const isFast = canAccelerate();
  say(
    `starting the machine (${isFast ? 'KVM' : 'emulated, 10 to 30 times slower'}; limit ${limit} s)`,
  );
  const started = Date.now();
  const child = spawn('qemu-system-x86_64', machineArguments(image, folder, checkout, isFast), {
    // Its standard input stays open: at its end the guest's port would be closed.
    stdio: ['pipe', 'pipe', 2],
  });
  const log = [];
  child.stdout.on('data', (bytes) => {
    log.push(bytes);
    process.stdout.write(bytes);
  });
  let ended = 'ended';
  const end = (reason) => {
    ended = reason;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end(`was ended at the limit of ${limit} s`), limit * 1000);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => end(`was interrupted (${signal})`));
  }
  await exitOf(child);
  clearTimeout(timer);
  writeFileSync(join(folder, 'output.log'), Buffer.concat(log));
  say(`the machine ran for ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return ended;
}

/** Some hosts offer a /dev/kvm that cannot run a stock kernel: their processor has no such flag. */
function canAccelerate() {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return /^flags.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

function machineArguments(image, folder, checkout, isFast) {
  const kernel = [
    'console=ttyS0 quiet panic=-1 mitigations=off nokaslr systemd.show_status=0',
    'random.trust_cpu=on tsc=reliable',
  ];
  const drive = 'format=raw,if=virtio,cache=unsafe';
  return [
    ...['-machine', 'q35', '-smp', '2', '-m', '2048', '-nodefaults', '-display', 'none'],
    ...(isFast ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    // With panic=-1, a kernel panic is an immediate reboot, and that the end.
    '-no-reboot',
    ...['-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initrd.img')],
    ...['-append', kernel.join(' ')],
    ...['-serial', `file:${join(folder, 'console.log')}`],
    ...['-drive', `file=${join(image, 'root.ext4')},snapshot=on,${drive}`],
    ...['-drive', `file=${checkout},readonly=on,${drive}`],
    ...['-device', 'virtio-rng-pci'],
    ...['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=output,signal=off'],
    ...['-device', 'virtserialport,chardev=output,name=sightd.rig'],
    '-virtfs',
    `local,path=${join(folder, 'share')},mount_tag=host,security_model=none,multidevs=remap`,
  ];
}

function returnCode(folder) {
  const file = join(folder, 'share', 'out', 'rc');
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

async function exitOf(child) {
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      say(error.message);
      resolve(70);
    });
    child.once('close', (code) => resolve(code ?? 70));
  });
}
