import { mkdtempSync, rmdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../../base/fault.ts';
import { type CheckupOf, checkDiskRoom, fail, ok, warn } from '../../daemon/checkups.ts';

export type FolderFacts =
  | { readonly kind: 'usable'; readonly freeBytes: number | undefined; readonly isThere: boolean }
  /** It is another user's, most likely the service's: nothing was tried. */
  | { readonly kind: 'foreign' }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly at: string;
      readonly reason: string;
    };

/** Of the folder that state is kept in. */
export function checkDisk(folder: string, facts: FolderFacts): CheckupOf<'disk'> {
  switch (facts.kind) {
    case 'usable': {
      if (facts.freeBytes === undefined) return ok('disk', `${folder} can be written to`);
      const room = checkDiskRoom(folder, facts.freeBytes);
      const made = facts.isThere ? '' : ', which is made at the start';
      return { ...room, message: `${room.message}${made}` };
    }
    case 'foreign': {
      const sentence = `${folder} is not for this user; whether sightd may write there was not tried`;
      return warn('disk', sentence, 'Run it as root, or as the user of the service.');
    }
    case 'refused': {
      const { what, mend } = refusalOf(facts.code, facts.at, facts.reason);
      return fail('disk', `nothing can be kept in ${folder}: ${what}`, mend);
    }
  }
}

function refusalOf(code: string, at: string, reason: string) {
  switch (code) {
    case 'EROFS':
      return {
        what: `the file system of ${at} is read-only`,
        mend: 'A worn-out SD card becomes so: see dmesg. Mount it for writing, or set stateDir to another disk.',
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return { what: `the disk of ${at} is full`, mend: 'Remove what is not needed from it.' };
    case 'ENOENT':
      // A file system that is made by the kernel, as /proc.
      return { what: `nothing can be made in ${at}`, mend: 'Set stateDir to another folder.' };
    case 'ENOTDIR':
      return { what: `${at} is no folder`, mend: 'Correct stateDir in the config.' };
    case 'EACCES':
    case 'EPERM':
      return {
        what: `this user may not write to ${at}`,
        mend: 'Give the folder to the user of the service (chown), or set stateDir to another one.',
      };
    default:
      return { what: `${at}: ${reason}`, mend: 'Set stateDir to another folder.' };
  }
}

/** Tries: an empty file where the folder is there, else an empty folder where it would be made. */
export function probeFolder(folder: string): FolderFacts {
  const path = resolve(folder);
  let at = path;
  try {
    at = nearestOf(path);
    const found = statSync(at);
    if (!found.isDirectory()) return { kind: 'refused', code: 'ENOTDIR', at, reason: '' };
    const isForeign = at === path && found.uid !== process.geteuid?.();
    const refused = tryToWrite(at, at === path);
    if (refused !== undefined) {
      const isWithheld = isForeign && refused.code === 'EACCES';
      return isWithheld ? { kind: 'foreign' } : { kind: 'refused', at, ...refused };
    }
    const { bavail, bsize } = statfsSync(at);
    // File systems without a size of their own say 0.
    const freeBytes = bsize === 0 ? undefined : bavail * bsize;
    return { kind: 'usable', freeBytes, isThere: at === path };
  } catch (error) {
    if (codeOf(error) === 'EACCES') return { kind: 'foreign' };
    return { kind: 'refused', at, code: codeOf(error), reason: messageOf(error) };
  }
}

/** The path itself, or what is there of the way to it. */
function nearestOf(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      statSync(at);
      return at;
    } catch (error) {
      const isMissing = ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
      if (!isMissing || at === dirname(at)) throw error;
    }
  }
}

function tryToWrite(folder: string, isFile: boolean) {
  try {
    if (isFile) {
      const file = join(folder, `.doctor-${process.pid}`);
      writeFileSync(file, '', { flag: 'wx' });
      rmSync(file);
    } else rmdirSync(mkdtempSync(join(folder, '.sightd-doctor-')));
    return undefined;
  } catch (error) {
    return { code: codeOf(error), reason: messageOf(error) };
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';
