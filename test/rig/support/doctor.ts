import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../../src/base/paths.ts';
import {
  type DeviceCheckup,
  type DevicePart,
  deviceDoctorSchema,
} from '../../../src/contract/doctor.ts';
import { temporaryFolder } from '../../support/data.ts';
import { patienceMs } from './rig.ts';

export const mainFile: string = join(packageRoot, 'dist', 'src', 'main.js');

/** A config that other users may read too, as JSON: YAML too. */
export function writeConfig(config: object): string {
  const file = join(temporaryFolder(), 'config.yaml');
  writeFileSync(file, JSON.stringify({ stateDir: join(dirname(file), 'state'), ...config }));
  chmodSync(dirname(file), 0o755);
  return file;
}

export type DoctorRun = {
  readonly file: string;
  readonly part: DevicePart;
  readonly unit: string;
  /** The program with its arguments that starts sightd in its turn, such as setpriv. */
  readonly through: readonly string[];
};

/** Under emulation loading a model takes most of the time that the doctor has: this one has none. */
export const withoutModel = { model: { use: 'none' } } as const;

/** What `sightd doctor` says of one part. */
export function askDoctor({ file, part, unit, through }: DoctorRun): DeviceCheckup {
  const own = [mainFile, 'doctor', '--config', file, '--unit', unit, '--json'];
  const [program = mainFile, ...args] = [...through, ...own];
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: patienceMs });
  assert.notEqual(stdout, '', stderr);
  const { parts } = deviceDoctorSchema.parse(JSON.parse(stdout));
  const found = parts.find((one) => one.part === part);
  assert.ok(found !== undefined, stdout);
  return found;
}
