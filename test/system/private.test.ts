import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '../support/data.ts';
import { startSightd } from '../support/sightd.ts';

test('the daemon leaves nothing in its home and keeps no record of its use', async () => {
  const home = temporaryFolder();
  const environment = { HOME: home, XDG_CACHE_HOME: `${home}/cache`, TMPDIR: home };
  const sightd = startSightd(['demo', '--json', '--port', '0', '--seconds', '3'], environment);
  const { code } = await sightd.exited;
  assert.equal(code, 0, sightd.lines.join('\n'));
  assert.match(sightd.output(), /"classified":[1-9]/);
  assert.deepEqual(readdirSync(home), []);
  // onnxruntime's telemetry writes there.
  assert.ok(!existsSync(`/tmp/mat-debug-${sightd.process.pid}.log`));
});
