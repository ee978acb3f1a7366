import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the installed package: the nearest one upwards that holds package.json. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('invariant broken: sightd runs from its package');
  return findRoot(parent);
}

/** Where the models that come with sightd lie. */
export const modelsFolder: string = join(packageRoot, 'models');

/** Whether this build has its tests beside it, as in a checkout; packages for devices have not. */
export const isTestBuild = (): boolean =>
  existsSync(fileURLToPath(new URL('../../test', import.meta.url)));
