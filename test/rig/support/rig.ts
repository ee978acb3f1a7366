import { spawnSync } from 'node:child_process';

/*
 * What every test of the rig needs. These tests run as root inside the machine that scripts/rig.mjs
 * starts, and nowhere else: they load kernel modules, unplug devices and install services.
 */

/** Under emulation everything takes ten to thirty times its time: only what hangs takes so long. */
export const patienceMs = process.env['SIGHTD_RIG'] === 'machine' ? 180_000 : 90_000;
/** For what has to be given a time: how much slower it may be here than on a machine of its own. */
export const slowness = process.env['SIGHTD_RIG'] === 'machine' ? 20 : 1;
const pollMs = 50;

/** `false` to run a test, or why it is skipped. */
export const skipOutsideRig = (): string | false =>
  process.env['SIGHTD_RIG'] === 'machine' ? false : 'needs the virtual machine (npm run test:rig)';

/** The same for a test that needs systemd and no device: namespaces do. */
export const skipOutsideSystemd = (): string | false =>
  ['machine', 'namespaces'].includes(process.env['SIGHTD_RIG'] ?? '')
    ? false
    : 'needs systemd (node scripts/rig.mjs --namespaces)';

/** Runs a command to its end and returns its standard output; a failing command throws. */
export function command(name: string, ...args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(name, args, {
    encoding: 'utf8',
    timeout: patienceMs,
  });
  if (status === 0) return stdout;
  const reason = error?.message ?? `status ${status}`;
  throw new Error(`${name} ${args.join(' ')}: ${reason}\n${stdout}${stderr}`);
}

/** Resolves with the first value of `look` that is not undefined; `what` is named when none comes. */
export async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Waits until udev has dealt with all that happened so far: links and permissions are then right. */
export function settleDevices(): void {
  command('udevadm', 'settle', `--timeout=${patienceMs / 1000}`);
}
