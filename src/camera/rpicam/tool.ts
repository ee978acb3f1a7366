import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Fault, fault } from '../../base/fault.ts';

/** A program of rpicam-apps: its name, and where it lies. */
export type Tool = { readonly name: string; readonly path: string };

/** The first of these programs that is on PATH. */
export function findTool(names: readonly string[], path: string | undefined): Tool | undefined {
  const folders = (path ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    const folder = folders.find((candidate) => isProgram(join(candidate, name)));
    if (folder !== undefined) return { name, path: join(folder, name) };
  }
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export const rpicamMissing: Fault = fault(
  'camera.tool-missing',
  'a Raspberry Pi camera needs rpicam-vid (or libcamera-vid), which is not on the PATH',
  'Install it: sudo apt install rpicam-apps (without a desktop: rpicam-apps-lite).',
);

/**
 * What the programs see of our environment: their log goes to stderr, at its own levels, in English
 * and without colours, whatever the environment says.
 */
export function toolEnvironmentOf(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { LIBCAMERA_LOG_LEVELS: _levels, LIBCAMERA_LOG_FILE: _file, ...rest } = environment;
  return { ...rest, LC_ALL: 'C', LIBCAMERA_LOG_NO_COLOR: '1' };
}

/** The programs that give raw frames; the second one's name is what it was called until 2023. */
export const videoTools: readonly string[] = ['rpicam-vid', 'libcamera-vid'];

/** Changes when a program that gives raw frames is installed or removed. */
export function presenceOfTool(path: string | undefined): string {
  return findTool(videoTools, path)?.path ?? '';
}
