import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipOutsideRig } from './support/rig.ts';
import { healthOf, openService } from './support/service.ts';
import { openProgram } from './support/speaker-unit.ts';

/* The unit's limit of memory, which only a kernel of its own is sure to keep. */

const skip = skipOutsideRig();

test('who takes more memory than allowed is ended, and it is said why', { skip }, async () => {
  await using unit = openProgram([
    'Type=exec',
    'MemoryMax=32M',
    'MemorySwapMax=0',
    'ExecStart=/usr/bin/tail /dev/zero',
  ]);
  unit.start();
  await unit.untilShows('NRestarts', '1');
  assert.equal(unit.exitLine(), 'oom-kill killed KILL');
});

test('a daemon that grows beyond its limit is ended by the kernel, and says so when it is back', {
  skip,
}, async () => {
  await using service = await openService('grown', ['MemorySwapMax=0', 'MemoryHigh=infinity']);
  // Else it would end itself, before the kernel does; and at MemoryHigh= be slowed down for so long that
  // the watchdog is there first.
  service.configure({ health: healthOf({ memoryMegabytesMax: 0 }) });
  const process = await service.start();
  const session = service.session();
  service.inject({ fault: 'memory.grow', megabytes: 800, seconds: 3600, process });
  const { data, message } = await service.untilBack(session);
  assert.equal(data?.['previousEnd'], 'out-of-memory');
  assert.match(message, /memory had run out; blind for/);
  assert.deepEqual(service.ends(), ['oom-kill killed KILL']);
});
