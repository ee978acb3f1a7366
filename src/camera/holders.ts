import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** A process that is there. */
export type Process = {
  readonly pid: number;
  /** As the kernel calls it. */
  readonly name: string;
  /** Program and arguments; empty where they cannot be read. */
  readonly command: readonly string[];
};

/** Who has a device open, as far as /proc tells this user. */
export function holdersOf(path: string): readonly Process[] {
  const device = statSync(path, { throwIfNoEntry: false })?.rdev;
  if (device === undefined) return [];
  return otherProcesses().filter(({ pid }) => hasOpen(pid, device));
}

/** All processes but this one. */
export function otherProcesses(): readonly Process[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({
      pid: Number(pid),
      name: readText(`/proc/${pid}/comm`).trim(),
      command: readText(`/proc/${pid}/cmdline`)
        .split('\0')
        .filter((part) => part !== ''),
    }));
}

/** As in `motion (pid 812)`. */
export const processText = ({ name, pid }: Process): string => `${name} (pid ${pid})`;

function hasOpen(pid: number, device: number): boolean {
  return namesIn(`/proc/${pid}/fd`).some((name) => {
    const link = `/proc/${pid}/fd/${name}`;
    try {
      return readlinkSync(link).startsWith('/dev/') && statSync(link).rdev === device;
    } catch {
      return false; // Closed meanwhile.
    }
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Another user's process, or one that ended.
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
