import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LifeFiles } from './life-files.ts';

/*
 * What the kernel and the service manager tell of this run.
 */

/** Another one after each boot; empty where the kernel does not tell. */
export const bootIdOf = (files: LifeFiles): string =>
  files.textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? '';

/** When a process started, in clock ticks since boot; null where it does not run. */
export function startTicksOf(files: LifeFiles, pid: number | 'self'): number | null {
  const text = files.textOf(`/proc/${pid}/stat`) ?? '';
  // proc_pid_stat(5): the name, in brackets, may hold anything; after it the state, and field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', ticks = ''] = [fields[0], fields[19]];
  // A process that has ended keeps its place until its parent has looked.
  const isGone = state === 'Z' || state === 'X';
  return isGone || !/^\d+$/.test(ticks) ? null : Number(ticks);
}

/** How many processes were killed for want of memory since boot, in all; null before Linux 4.13. */
export function oomKillsOf(files: LifeFiles): number | null {
  const found = /^oom_kill (\d+)$/m.exec(files.textOf('/proc/vmstat') ?? '');
  return found === null ? null : Number(found[1]);
}

/**
 * A folder in memory that outlives a process, so that it may be written to every second: the unit's, or
 * the user's. Undefined where there is none.
 */
export function runtimeFolderOf(
  stateDir: string,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const ofUnit = unitFolderOf(environment);
  if (ofUnit !== undefined) return ofUnit;
  const ofUser = environment['XDG_RUNTIME_DIR'];
  if (ofUser === undefined || !ofUser.startsWith('/')) return undefined;
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  return join(ofUser, 'sightd', name);
}

/** The unit's `RuntimeDirectory=`; the first of several. */
export function unitFolderOf(environment: NodeJS.ProcessEnv): string | undefined {
  const [folder = ''] = (environment['RUNTIME_DIRECTORY'] ?? '').split(':');
  return folder.startsWith('/') ? folder : undefined;
}
