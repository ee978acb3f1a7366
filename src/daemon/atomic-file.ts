import * as fs from 'node:fs';
import { dirname } from 'node:path';

/** The calls by which a file is replaced; a test cuts the power between them. */
export type FileCalls = Pick<
  typeof fs,
  'mkdirSync' | 'openSync' | 'writeSync' | 'fsyncSync' | 'closeSync' | 'renameSync' | 'rmSync'
>;

/** Only the daemon's user has business with its state. */
const fileMode = 0o600;
const folderMode = 0o700;

/**
 * Replaces a file so that after a power cut there is either the old one or the new one, whole: written
 * beside it, on the disk before it takes the name, and the name on the disk before this returns.
 */
export function replaceFile(path: string, text: string, calls: FileCalls = fs): void {
  const folder = dirname(path);
  const beside = `${path}.new`;
  provideFolder(folder, calls);
  const file = calls.openSync(beside, 'w', fileMode);
  try {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += calls.writeSync(file, bytes, done);
    calls.fsyncSync(file);
  } finally {
    calls.closeSync(file);
  }
  calls.renameSync(beside, path);
  syncFolder(folder, calls);
}

/** Takes a file away, for good before this returns; one that is not there is fine. */
export function removeFile(path: string, calls: FileCalls = fs): void {
  if (!fs.existsSync(path)) return;
  calls.rmSync(path, { force: true });
  syncFolder(dirname(path), calls);
}

/**
 * Makes a folder and those above it that are missing. Not by `recursive`, which Node 20 never returns
 * from where a folder above cannot be made, as below /proc.
 */
function provideFolder(folder: string, calls: FileCalls): void {
  if (fs.existsSync(folder)) return;
  const above = dirname(folder);
  provideFolder(above, calls);
  calls.mkdirSync(folder, { mode: folderMode });
  syncFolder(above, calls);
}

/** A name is on the disk once its folder is. */
function syncFolder(folder: string, calls: FileCalls): void {
  const handle = calls.openSync(folder, 'r');
  try {
    calls.fsyncSync(handle);
  } finally {
    calls.closeSync(handle);
  }
}
