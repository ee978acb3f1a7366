import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './paths.ts';

const packageFile = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
  homepage?: string;
};

/** The installed version of sightd, from its package.json. */
export const version: string = packageFile.version;

/** The project's page, where it names one. */
export const homepage: string | undefined = packageFile.homepage;
