import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { command, skipOutsideSystemd } from './support/rig.ts';
import { openUnit } from './support/unit.ts';

/* The unit files, as the systemd of this machine understands them. */

const skip = skipOutsideSystemd();

/** Newer than this systemd, which ignores them. */
const unknownKey = /Unknown key( name)? '(RestartSteps|RestartMaxDelaySec)' in section/;

for (const instance of [undefined, 'porch']) {
  const what = instance === undefined ? 'sightd.service' : 'an instance of sightd@.service';

  test(`${what} holds nothing that systemd does not understand`, { skip }, async () => {
    await using unit = openUnit(instance);
    const { stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', `/etc/systemd/system/${unit.name}`],
      { encoding: 'utf8' },
    );
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('sightd'));
    assert.deepEqual(
      lines.filter((line) => !unknownKey.test(line)),
      [],
    );
  });

  test(`${what} is exposed by 2.0 of 10 at the most`, { skip }, async (t) => {
    await using unit = openUnit(instance);
    const { status, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--no-pager', '--threshold=20', unit.name],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout);
    t.diagnostic(stdout.trim().split('\n').at(-1) ?? '');
  });
}

test('the user has no login and no group that root would not give it', { skip }, async () => {
  await using _unit = openUnit();
  assert.match(
    command('getent', 'passwd', 'sightd'),
    /^sightd:.*:\/var\/lib\/sightd:\/usr\/sbin\/nologin$/m,
  );
  assert.equal(command('id', '-nG', 'sightd').trim(), 'sightd');
  assert.equal(command('stat', '-c', '%a %U %G', '/etc/sightd').trim(), '750 root sightd');
});
