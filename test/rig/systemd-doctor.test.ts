import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceCheckup } from '../../src/contract/doctor.ts';
import { askDoctor, mainFile, withoutModel, writeConfig } from './support/doctor.ts';
import { command, skipOutsideSystemd, until } from './support/rig.ts';

/* What `sightd doctor` says of a unit of a real systemd. */

const skip = skipOutsideSystemd();
const unit = 'rig-sightd.service';
const wrong = 'rig-sightd-wrong.service';

test('a unit that is missing, runs, and has failed', { skip }, async () => {
  const scene = { source: 'scene', fps: 2, width: 320, height: 240 };
  const file = writeConfig({ ...withoutModel, camera: scene });
  const ask = (name: string): DeviceCheckup =>
    askDoctor({ file, part: 'unit', unit: name, through: [] });
  const start = (name: string, config: string): string =>
    command('systemd-run', `--unit=${name}`, process.execPath, mainFile, 'run', '--config', config);
  const missing = ask(unit);
  assert.equal(missing.state, 'warn');
  assert.match(missing.message, /^there is no rig-sightd\.service/);

  start(unit, writeConfig({ camera: scene }));
  try {
    const running = await until('the unit runs', () => {
      const found = ask(unit);
      return found.state === 'ok' ? found : undefined;
    });
    assert.match(running.message, /^rig-sightd\.service is running for \d+ \S+$/);
  } finally {
    command('systemctl', 'stop', unit);
  }

  start(wrong, writeConfig({ camrea: {} }));
  try {
    const failed = await until('the unit fails', () => {
      const found = ask(wrong);
      return found.state === 'fail' ? found : undefined;
    });
    assert.match(failed.message, /has failed: its config is wrong \(exit code 78\)$/);
  } finally {
    command('systemctl', 'reset-failed', wrong);
  }
});
