import { type CheckupOf, checkMemoryRoom, mebibytesOf } from '../../daemon/checkups.ts';

export type MemoryFacts = {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** What a control group allows this process, and what of it is in use; undefined without a limit. */
  readonly group: { readonly limitBytes: number; readonly usedBytes: number } | undefined;
};

/** Of the machine's memory, or of the share that this process may have. */
export function checkMemory({ freeBytes, totalBytes, group }: MemoryFacts): CheckupOf<'memory'> {
  const free = `${mebibytesOf(freeBytes)} of ${mebibytesOf(totalBytes)} MiB are free`;
  if (group === undefined || group.limitBytes >= totalBytes)
    return checkMemoryRoom(free, freeBytes);
  const left = Math.max(0, group.limitBytes - group.usedBytes);
  const limit = `its control group allows ${mebibytesOf(group.limitBytes)} MiB, of which ${mebibytesOf(left)} are left`;
  return checkMemoryRoom(`${free}; ${limit}`, Math.min(freeBytes, left));
}

/** Reads the limit of the control group (version 2) of this process, the least of all above it. */
export function groupOf(textOf: (path: string) => string | undefined): MemoryFacts['group'] {
  // cgroups(7): the line of version 2 begins with `0::`.
  const own = /^0::(\/.*)$/m.exec(textOf('/proc/self/cgroup') ?? '')?.[1];
  if (own === undefined) return undefined;
  const names = own.split('/').filter((name) => name !== '');
  const groups = names.map((_, at) => `/sys/fs/cgroup/${names.slice(0, at + 1).join('/')}`);
  const limits = groups.flatMap((folder) => {
    const limitBytes = bytesOf(textOf(`${folder}/memory.max`));
    const usedBytes = bytesOf(textOf(`${folder}/memory.current`));
    return limitBytes === undefined || usedBytes === undefined ? [] : [{ limitBytes, usedBytes }];
  });
  const leftOf = (group: (typeof limits)[number]): number => group.limitBytes - group.usedBytes;
  return limits.sort((a, b) => leftOf(a) - leftOf(b))[0];
}

/** `max` is no limit. */
function bytesOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}
