import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodes } from '../../../src/base/fault.ts';
import { packageRoot } from '../../../src/base/paths.ts';
import { configSchema } from '../../../src/contract/config.ts';

const textOf = (name: string): string => readFileSync(join(packageRoot, 'systemd', name), 'utf8');

/** The settings of a unit file, in order, without comments. */
const settingsOf = (name: string): string[] =>
  textOf(name)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const single = settingsOf('sightd.service');
const template = settingsOf('sightd@.service');
const setting = (key: string): string =>
  single.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';

test('the template is the unit for one camera with other names', () => {
  const named = template
    .filter((line) => line !== 'Environment=SIGHTD_STATE_DIR=%S/sightd-%i')
    .map((line) =>
      line
        .replace('what camera %i sees', 'what a camera sees')
        .replace('/etc/sightd/%i.yaml', '/etc/sightd/config.yaml')
        .replace('sightd-%i', 'sightd'),
    );
  assert.deepEqual(named, single);
});

test('what the unit says of the daemon is so', () => {
  assert.equal(setting('RestartPreventExitStatus'), `${exitCodes.usage} ${exitCodes.config}`);
  const defaults = configSchema.parse({});
  assert.equal(defaults.stateDir, `/var/lib/${setting('StateDirectory')}`);
  assert.ok(defaults.health.stopSeconds < Number(setting('TimeoutStopSec')));
});

test('a comment stands on lines of its own: systemd would take it for a value', () => {
  for (const line of [...single, ...template]) assert.ok(!/\s#/.test(line), line);
});

test('a reboot is opted in to, before the limit that would end it all', () => {
  const reboot = settingsOf('sightd.service.d/reboot.conf.example');
  assert.ok(reboot.includes('StartLimitAction=reboot'));
  assert.ok(![...single, ...template].some((line) => line.startsWith('StartLimitAction')));
});
