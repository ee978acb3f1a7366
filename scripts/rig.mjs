// Runs the compiled tests of test/rig, all of them or those that are named: in a virtual machine that has
// V4L2 cameras and systemd, and meanwhile those about systemd alone under the machine's systemd on this
// host's kernel, in namespaces, where the host can. docs/rig.md says more.
//   node scripts/rig.mjs [--machine|--namespaces] [--limit SECONDS] [NAME…]   only there
//   node scripts/rig.mjs [--namespaces] [--limit SECONDS] --exec 'shell command'
//   node scripts/rig.mjs --image        builds the machine's image where there is none, and no more
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
const limitSeconds = 1500;
/** A hung test file ends there, and the others have their turn. */
const fileLimitMs = 300_000;
const runsKept = 10;
/** From the request to end to the end by force. */
const graceMs = 10_000;
/**
 * Of virtual machines: they keep all processors busy, and what runs beside them has deadlines at the host's
 * speed. A tenth of a processor is then left to them, so that their own deadlines hold too.
 */
const niceness = 10;

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

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      exec: { type: 'string' },
      image: { type: 'boolean', default: false },
      limit: { type: 'string', default: String(limitSeconds) },
      machine: { type: 'boolean', default: false },
      missing: { type: 'boolean', default: false },
      namespaces: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.missing) {
    process.stdout.write(missing.map((name) => `${name}\n`).join(''));
    return 0;
  }
  const limit = Number(values.limit);
  if (!(limit > 0)) return usage(`--limit ${values.limit} is not a number of seconds`);
  const tests = testsOf(positionals).filter((file) => !values.namespaces || isForNamespaces(file));
  if (values.exec === undefined && tests.length === 0) {
    return usage(`no such tests in test/rig are named ${positionals.join(', ')}`);
  }
  const image = join(home, `image-${imageKey()}`);
  const giveUp = (obstacle) => {
    say(`${isNeeded(values) ? 'cannot run' : 'skipped'}: ${obstacle}`);
    return isNeeded(values) ? 69 : 0;
  };
  const obstacle = obstacleTo(image) ?? (values.namespaces ? namespaces.obstacle() : undefined);
  if (obstacle !== undefined) return giveUp(obstacle);
  if (!existsSync(image) && !(await build(image))) return 70;
  if (values.image) return 0;
  if (values.exec !== undefined || values.namespaces) {
    const machine = values.namespaces ? namespaces : virtualMachine;
    const job = values.exec ?? testCommand(machine, tests);
    const ended = await run(machine, { image, job, limit, isQuiet: false, number: 1 });
    return ended.obstacle === undefined ? ended.code : giveUp(ended.obstacle);
  }
  const isLight = !values.machine && namespaces.obstacle() === undefined;
  const light = isLight ? tests.filter(isForNamespaces) : [];
  return runTests(light, tests, { image, limit });
}

/** Whether it is a failure that it cannot run. The virtual machine is the reference: it runs all tests. */
const isNeeded = ({ exec, namespaces: isLight }) =>
  exec !== undefined || (process.env.CI === 'true' && !isLight);

/**
 * Runs each test where it takes the least time: those that need no device in namespaces, and beside them the
 * others in two virtual machines, for none of them keeps more than one core busy.
 */
async function runTests(light, tests, { image, limit }) {
  const others = tests.filter((file) => !light.includes(file));
  const ended = await Promise.all(
    [...halvesOf(others).map((half) => [virtualMachine, half]), [namespaces, light]]
      .filter(([, files]) => files.length > 0)
      .map(([machine, files], index) =>
        // What the first one says is to be seen at once, what the others say when they are over.
        run(machine, {
          ...{ image, limit, job: testCommand(machine, files) },
          ...{ isQuiet: index > 0, number: index + 1 },
        }),
      ),
  );
  const code = ended.find((end) => end.code !== 0 && end.code !== undefined)?.code ?? 0;
  const refused = ended.find((end) => end.obstacle !== undefined);
  if (refused === undefined) return code;
  say(`no namespaces (${refused.obstacle}): virtual machines take all`);
  return (await runTests([], light, { image, limit })) || code;
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

/** The tests in test/rig, or those whose names hold one of the given. */
const testsOf = (names) =>
  readdirSync(join(root, 'test', 'rig'))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => names.length === 0 || names.some((name) => file.includes(basename(name))))
    .sort();

/** Seconds that each takes in an emulated machine beside another one; one that is not here, as the mean of them. */
const secondsOf = {
  ...{ 'camera-thread': 45, cameras: 100, doctor: 140, libcamerify: 50, 'machine-camera': 60 },
  ...{ 'machine-clock': 70, 'machine-memory': 115, 'remote-config': 85, smoke: 25 },
  ...{ 'v4l2-changes': 45, 'v4l2-colours': 45, 'v4l2-faults': 85, 'v4l2-formats': 95 },
  ...{ 'v4l2-hotplug': 130, 'v4l2-recovery': 55, 'v4l2-sharing': 95 },
};

/** The tests in two parts that take about as long: the longest first, each where there is less yet. */
function halvesOf(tests) {
  const lengthOf = (file) => secondsOf[file.replace(/\.test\.ts$/, '')] ?? 80;
  const halves = [0, 1].map(() => ({ seconds: 0, files: [] }));
  for (const file of tests.toSorted((one, other) => lengthOf(other) - lengthOf(one))) {
    const [least] = halves.toSorted((one, other) => one.seconds - other.seconds);
    least.files.push(file);
    least.seconds += lengthOf(file);
  }
  return halves.map(({ files }) => files);
}

/** Whether it needs systemd, and no device and no kernel of its own. */
const isForNamespaces = (file) => file.startsWith('systemd');

/** Tests as a command for a machine. */
function testCommand(machine, tests) {
  const files = tests.map((file) => `dist/test/rig/${file.replace(/\.ts$/, '.js')}`);
  const options = ['--test-concurrency=1', `--test-timeout=${fileLimitMs}`, '--test-reporter=spec'];
  const environment = `SIGHTD_RIG=${machine.name} CI=true`;
  return [environment, 'exec node --test', ...options, ...files].join(' ');
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

/** Runs a job to its end: its exit code, or why this host cannot. */
async function run(machine, { image, job, limit, isQuiet, number }) {
  const folder = newRunFolder(machine, number);
  const out = join(folder, 'share', 'out');
  const checkout = join(folder, 'checkout');
  try {
    collectCheckout(checkout);
    writeFileSync(join(folder, 'share', 'job.sh'), `${job}\n`);
    const prepared = machine.prepare(image, folder, checkout);
    const ended = await start(prepared, folder, limit, isQuiet);
    const obstacle = textOf(join(out, 'obstacle'));
    if (obstacle !== undefined) return { obstacle: `this host cannot do it: ${obstacle.trim()}` };
    const code = returnCode(out);
    if (code === undefined) {
      const text = textOf(machine.console(folder)) ?? '';
      say(`the machine ${ended} without a return code; its console said last:`);
      process.stderr.write(`${text.split('\n').slice(-40).join('\n')}\n`);
    }
    if (code !== 0) {
      say(`failed (${code ?? 'no return code'})`);
      say(`  output   ${join(folder, 'output.log')}`);
      say(`  console  ${machine.console(folder)}`);
      say(`  journal  ${join(out, 'journal.txt')}`);
    }
    return { code: code ?? 70 };
  } finally {
    rmSync(checkout, { recursive: true, force: true });
    rmSync(packed(folder), { force: true });
  }
}

/** A folder for this run; those of the last few stay, to be looked at. */
function newRunFolder({ name }, number) {
  const runs = join(home, 'runs');
  const time = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15);
  const folder = join(runs, `${time}-${process.pid}-${name}-${number}`);
  mkdirSync(join(folder, 'share', 'out'), { recursive: true });
  const ended = readdirSync(runs).filter((name) => !isAlive(Number(name.split('-')[1])));
  for (const old of ended.sort().slice(0, -runsKept)) {
    rmSync(join(runs, old), { recursive: true, force: true });
  }
  return folder;
}

/** Whether that run goes on: its folder is not to be taken away. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Copies what the guest needs of this checkout into a folder. */
function collectCheckout(target) {
  if (!existsSync(join(root, 'dist', 'src', 'main.js'))) {
    throw new Error('sightd is not built (npm run build)');
  }
  const published = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).files;
  const names = new Set([
    ...published.map((name) => name.split('/')[0]),
    'package.json',
    'dist',
    'test',
  ]);
  for (const name of [...names, ...runtimePackages()]) {
    if (!existsSync(join(root, name))) continue;
    mkdirSync(dirname(join(target, name)), { recursive: true });
    cpSync(join(root, name), join(target, name), { recursive: true, filter: isForGuest });
  }
}

/**
 * Makes a file system of the checkout: read from a folder shared with the virtual machine, onnxruntime
 * alone takes ten seconds to load.
 */
function packCheckout(folder, checkout) {
  const args = ['-q', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-E', 'root_owner=0:0'];
  const megabytes = Number(
    execFileSync('du', ['-sm', checkout], { encoding: 'utf8' }).split('\t')[0],
  );
  const size = `${Math.ceil(megabytes * 1.2) + 20}M`;
  execFileSync('/sbin/mke2fs', [...args, '-d', checkout, packed(folder), size]);
  rmSync(checkout, { recursive: true });
  return packed(folder);
}

const packed = (folder) => join(folder, 'checkout.ext4');

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

/** Runs the machine to its end, with the guest's output as our own, all at once if quiet; says how it ended. */
async function start({ command: [program, ...args], yields, note }, folder, limit, isQuiet) {
  say(`starting the machine (${note}; limit ${limit} s)`);
  const started = Date.now();
  const child = spawn(program, args, {
    // Its standard input stays open: at its end the virtual machine's port would be closed.
    stdio: ['pipe', 'pipe', 2],
    detached: yields,
  });
  if (yields) yieldFrom(child);
  const log = [];
  child.stdout.on('data', (bytes) => {
    log.push(bytes);
    if (!isQuiet) process.stdout.write(bytes);
  });
  let ended = 'ended';
  const end = (reason) => {
    ended = reason;
    // To be able to tidy up; the virtual machine has nothing that outlives it.
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
  };
  const timer = setTimeout(() => end(`was ended at the limit of ${limit} s`), limit * 1000);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => end(`was interrupted (${signal})`));
  }
  await exitOf(child);
  clearTimeout(timer);
  writeFileSync(join(folder, 'output.log'), Buffer.concat(log));
  if (isQuiet) process.stdout.write(Buffer.concat(log));
  say(`the machine (${note}) ran for ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return ended;
}

/** A kernel that shares time among sessions looks at niceness within one only: it is the session's too. */
function yieldFrom({ pid }) {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // This kernel does not, or the machine has ended: its end is seen elsewhere.
  }
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

/** A machine of its own, emulated where it has to be. */
const virtualMachine = {
  name: 'machine',
  obstacle: () => undefined,
  console: (folder) => join(folder, 'console.log'),
  prepare: (image, folder, checkout) => {
    const isFast = canAccelerate();
    const disk = packCheckout(folder, checkout);
    return {
      command: [
        // It has a session of its own, and ends with this program all the same.
        ...['nice', '-n', String(niceness), 'setpriv', '--pdeathsig', 'TERM'],
        ...['qemu-system-x86_64', ...machineArguments(image, folder, disk, isFast)],
      ],
      yields: true,
      note: isFast ? 'KVM' : 'emulated, 10 to 30 times slower',
    };
  },
};

/** The machine's file system and its systemd in namespaces of this host's kernel. */
const namespaces = {
  name: 'namespaces',
  obstacle: () =>
    process.getuid() === 0 ? undefined : 'only root can (sudo node scripts/rig.mjs --namespaces)',
  console: (folder) => join(folder, 'share', 'out', 'console.txt'),
  prepare: (image, folder, checkout) => {
    const script = join(root, 'test', 'rig', 'namespaces.sh');
    const disk = join(image, 'root.ext4');
    return {
      command: [
        ...['setpriv', '--pdeathsig', 'TERM', 'unshare', '--mount', '--propagation', 'private'],
        ...[script, disk, checkout, join(folder, 'share')],
      ],
      yields: false,
      note: 'in namespaces',
    };
  },
};

function machineArguments(image, folder, disk, isFast) {
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
    ...['-drive', `file=${disk},readonly=on,${drive}`],
    ...['-device', 'virtio-rng-pci'],
    ...['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=output,signal=off'],
    ...['-device', 'virtserialport,chardev=output,name=sightd.rig'],
    '-virtfs',
    `local,path=${join(folder, 'share')},mount_tag=host,security_model=none,multidevs=remap`,
  ];
}

function returnCode(out) {
  const text = textOf(join(out, 'rc'))?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

const textOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

async function exitOf(child) {
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      say(error.message);
      resolve(70);
    });
    child.once('close', (code) => resolve(code ?? 70));
  });
}

process.exit(await main());
