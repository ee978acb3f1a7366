import { join } from 'node:path';
import { packageRoot } from '../../../src/base/paths.ts';
import { openUnit, type Unit } from './unit.ts';

const speaker = join(packageRoot, 'dist', 'test', 'rig', 'support', 'speaker.js');

/** sightd.service as it is, with these lines over it, but with speaker.ts in place of the daemon. */
export const openSpeaker = (lines: readonly string[] = []): Unit =>
  openProgram([`ExecStart=/usr/bin/node ${speaker}`, ...lines]);

/** The same with lines that name another program. */
export function openProgram(lines: readonly string[]): Unit {
  const unit = openUnit();
  unit.override('unspoken', undefined);
  runInstead(unit, lines);
  return unit;
}

export const runInstead = (unit: Unit, lines: readonly string[]): void =>
  unit.override('program', ['[Service]', 'ExecStart=', ...lines]);
