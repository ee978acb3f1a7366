import * as fs from 'node:fs';
import { type Fault, fault, messageOf } from '../../base/fault.ts';
import { replaceFile } from '../atomic-file.ts';

/** Files of the system and the daemon's own; no call throws. */
export interface LifeFiles {
  /** Undefined for what is not there or cannot be read. */
  textOf(path: string): string | undefined;
  /** Replaces a file, whole, for whoever reads it; a power cut may bring the old one back. */
  replace(path: string, text: string): Fault | undefined;
  /** Replaces a file so that the new one is on the disk when this returns. */
  replaceForGood(path: string, text: string): Fault | undefined;
  remove(path: string): void;
  /** Gives a broken file another name, so that it can be looked at; returns the name. */
  setAside(path: string): string | undefined;
}

/** A process that ends takes nothing along that was written, and a disk has no rest from being waited for. */
const unsynced = { ...fs, fsyncSync: () => {} };

export const systemLifeFiles: LifeFiles = {
  textOf: (path) => {
    try {
      return fs.readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  replace: (path, text) => attempt(path, () => replaceFile(path, text, unsynced)),
  replaceForGood: (path, text) => attempt(path, () => replaceFile(path, text)),
  remove: (path) => {
    try {
      fs.rmSync(path, { force: true });
    } catch {
      // A folder that cannot be written to: said when something is written.
    }
  },
  setAside: (path) => {
    try {
      fs.renameSync(path, `${path}.broken`);
      return `${path}.broken`;
    } catch {
      return undefined;
    }
  },
};

function attempt(path: string, write: () => void): Fault | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    const mend = 'Make its folder one that this user may write to, with space left.';
    return fault('state.unwritable', `cannot write ${path}: ${messageOf(error)}`, mend);
  }
}
