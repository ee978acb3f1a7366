import { fault } from '../../src/base/fault.ts';
import type { LifeFiles } from '../../src/daemon/life/life-files.ts';

/** Files of a made-up machine. */
export type FakeLifeFiles = LifeFiles & {
  readonly texts: Map<string, string>;
  /** Every path that was written, in order. */
  readonly written: string[];
  /** Folders that cannot be written to. */
  readonly readOnly: Set<string>;
};

export function createFakeLifeFiles(texts: Readonly<Record<string, string>> = {}): FakeLifeFiles {
  const files = new Map(Object.entries(texts));
  const written: string[] = [];
  const readOnly = new Set<string>();
  const isReadOnly = (path: string): boolean => [...readOnly].some((at) => path.startsWith(at));
  const replace: LifeFiles['replace'] = (path, text) => {
    if (isReadOnly(path)) return fault('state.unwritable', `cannot write ${path}`, 'Mend it.');
    written.push(path);
    files.set(path, text);
    return undefined;
  };
  return {
    texts: files,
    written,
    readOnly,
    textOf: (path) => files.get(path),
    replace,
    replaceForGood: replace,
    remove: (path) => void (isReadOnly(path) || files.delete(path)),
    setAside: (path) => {
      if (isReadOnly(path)) return undefined;
      files.set(`${path}.broken`, files.get(path) ?? '');
      files.delete(path);
      return `${path}.broken`;
    },
  };
}

/** /proc of a machine: which boot it is, and when processes started. */
export function procOf(
  bootId: string,
  startTicks: Readonly<Record<string, number>>,
  oomKills = 0,
): Record<string, string> {
  const stats = Object.entries(startTicks).map(([pid, ticks]) => [
    `/proc/${pid}/stat`,
    statLine('S', ticks),
  ]);
  return {
    '/proc/sys/kernel/random/boot_id': `${bootId}\n`,
    '/proc/vmstat': `nr_free_pages 7\noom_kill ${oomKills}\nthp_zero 0\n`,
    ...Object.fromEntries(stats),
  };
}

/** As proc_pid_stat(5) has it, with a name that tries to mislead. */
export const statLine = (state: string, ticks: number): string =>
  `7 (a) b (c) ${state} ${Array.from({ length: 18 }, (_, index) => index).join(' ')} ${ticks} 9 9\n`;
