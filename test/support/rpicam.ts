import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTool } from '../../src/camera/rpicam/tool.ts';
import { temporaryFolder } from './data.ts';

/** Stand-ins for the programs of rpicam-apps, alone on the PATH until they are disposed. */
export interface InstalledRpicam extends Disposable {
  /** The process that was started last, once it runs. */
  pid(): Promise<number>;
  /** Whether it was asked politely to end, and has stopped its camera. */
  hasStopped(): boolean;
}

export type Installation = {
  /** See `rpicam-vid.ts`. */
  readonly behaviour: string;
  readonly names: readonly string[];
  readonly hasSetpriv: boolean;
};

const program = fileURLToPath(new URL('./rpicam-vid.js', import.meta.url));

/** What a system with rpicam-apps has. */
export const usual: Installation = { behaviour: '', names: ['rpicam-vid'], hasSetpriv: true };

export function installRpicam({ behaviour, names, hasSetpriv }: Installation): InstalledRpicam {
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const files = { pid: join(folder, 'pid'), stopped: join(folder, 'stopped') };
  const shim = `#!/bin/sh
export RPICAM_BEHAVIOUR='${behaviour}' RPICAM_PID_FILE='${files.pid}' RPICAM_STOPPED_FILE='${files.stopped}'
exec '${process.execPath}' '${program}' "$@"
`;
  for (const name of names) writeFileSync(join(bin, name), shim, { mode: 0o755 });
  const before = process.env['PATH'];
  const setpriv = hasSetpriv ? findTool(['setpriv'], before) : undefined;
  if (setpriv !== undefined) symlinkSync(setpriv.path, join(bin, 'setpriv'));
  process.env['PATH'] = bin;
  return {
    pid: async () => {
      await until(() => existsSync(files.pid) && readFileSync(files.pid, 'utf8') !== '');
      return Number(readFileSync(files.pid, 'utf8'));
    },
    hasStopped: () => existsSync(files.stopped),
    [Symbol.dispose]: () => {
      process.env['PATH'] = before;
    },
  };
}

/** Whether a process is there; one that has ended and waits to be reaped is not. */
export function isRunning(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !status.slice(status.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

const patienceMs = 30_000;

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline)
      throw new Error(`not so within ${patienceMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
