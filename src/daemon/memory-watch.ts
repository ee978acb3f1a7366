import { type Fault, fault } from '../base/fault.ts';
import type { SystemFiles } from './temperature.ts';

const mebibyte = 1024 * 1024;
/** So many samples in a row: what a model takes only while it is loaded is no reason to restart. */
export const samplesOver = 3;
/** What the kernel counts besides resident memory (its own, page tables, cached files) needs room too. */
const groupShare = 0.9;

/** Whether the newest samples of resident memory, oldest first, are all at the limit or above; 0 is none. */
export function isOverBudget(samples: readonly number[], limitBytes: number): boolean {
  const newest = samples.slice(-samplesOver);
  return (
    limitBytes > 0 &&
    newest.length === samplesOver &&
    newest.every((residentBytes) => residentBytes >= limitBytes)
  );
}

/** The least of what the config and the process's group allow; 0 for no limit, which the config may ask for. */
export function memoryLimitOf(megabytesMax: number, groupBytes: number | undefined): number {
  if (megabytesMax === 0) return 0;
  const own = megabytesMax * mebibyte;
  return groupBytes === undefined ? own : Math.min(own, Math.floor(groupBytes * groupShare));
}

export function memoryFault(residentBytes: number, limitBytes: number): Fault {
  const [has, may] = [residentBytes, limitBytes].map((bytes) => Math.round(bytes / mebibyte));
  return fault(
    'daemon.memory',
    `sightd uses ${has} MiB of memory, and ${may} MiB are the most it may`,
    'Lower camera size, queue.slots or workers, or raise health.memoryMegabytesMax and what the unit or container may use.',
  );
}

/**
 * How the kernel shows limits of memory, by version of control groups (cgroups(7)). Above memory.high it
 * slows a process down until the watchdog thinks that it hangs: that is no room either.
 */
const hierarchies = {
  v2: { fileSystem: 'cgroup2', files: ['memory.max', 'memory.high'] },
  v1: { fileSystem: 'cgroup', files: ['memory.limit_in_bytes'] },
} as const;

/**
 * What the control group of this process may use, or a group above it where that is less; undefined
 * without a limit. A path that leads out of what is mounted here (another namespace's) is not followed.
 */
export function groupMemoryBytes(files: SystemFiles): number | undefined {
  const groups = (files.textOf('/proc/self/cgroup') ?? '').split('\n');
  const mounts = (files.textOf('/proc/self/mountinfo') ?? '').split('\n').flatMap(mountOf);
  const limits = groups.flatMap((line) => {
    const group = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    const [, , controllers = '', path = '/'] = group ?? [];
    if (group === null || (controllers !== '' && !controllers.split(',').includes('memory'))) {
      return [];
    }
    const { fileSystem, files: names } = controllers === '' ? hierarchies.v2 : hierarchies.v1;
    const mount = mounts.find(
      (one) => one.fileSystem === fileSystem && (controllers === '' || one.isMemory),
    );
    if (mount === undefined) return [];
    return foldersOf(mount, path).flatMap((folder) =>
      names.flatMap((name) => limitIn(files.textOf(`${folder}/${name}`))),
    );
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

type Mount = {
  readonly fileSystem: string;
  /** Which of its folders is mounted, and where. */
  readonly root: string;
  readonly point: string;
  readonly isMemory: boolean;
};

/** A line of proc_pid_mountinfo(5): ID PARENT DEVICE ROOT POINT OPTIONS [FIELD…] - TYPE SOURCE OPTIONS. */
function mountOf(line: string): readonly Mount[] {
  const [own = '', of = ''] = line.split(' - ');
  const [, , , root, point] = own.split(' ');
  const [fileSystem = '', , options = ''] = of.split(' ');
  if (root === undefined || point === undefined) return [];
  return [{ fileSystem, root, point, isMemory: options.split(',').includes('memory') }];
}

/** The group's own folder and those above it, as far as they are mounted. */
function foldersOf({ root, point }: Mount, path: string): readonly string[] {
  const isBelow = root === '/' || path === root || path.startsWith(`${root}/`);
  const below = isBelow && root !== '/' ? path.slice(root.length) : path;
  const parts = below.split('/').filter((part) => part !== '');
  if (!isBelow || parts.includes('..')) return [point];
  return [point, ...parts.map((_, at) => [point, ...parts.slice(0, at + 1)].join('/'))];
}

/** `max`, or so large that it is none: v1 says so by the largest number of whole pages. */
function limitIn(text: string | undefined): readonly number[] {
  if (text === undefined || !/^\d+$/.test(text.trim())) return [];
  const bytes = Number(text);
  return bytes > 0 && bytes < 2 ** 60 ? [bytes] : [];
}
