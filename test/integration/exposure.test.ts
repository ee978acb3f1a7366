import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';

const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });

/** systemd 250 learned to judge files, without a systemd that runs. */
const version = Number(/^systemd (\d+)/.exec(analyze('--version').stdout ?? '')?.[1] ?? 0);
const skip = version < 250 && 'needs systemd-analyze of systemd 250 or later';

for (const unit of ['sightd.service', 'sightd@.service']) {
  test(`${unit} is exposed by 2.0 of 10 at the most`, { skip }, () => {
    const file = join(packageRoot, 'systemd', unit);
    const args = ['security', '--offline=true', '--no-pager', '--threshold=20', file];
    const { status, stdout, stderr } = analyze(...args);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
}
