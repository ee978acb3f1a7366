import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

test('a thread that dies of a bug leaves neither its device open nor its memory mapped', async () => {
  const before = zeroes();
  const worker = new Worker(new URL('../support/holding-worker.js', import.meta.url));
  const [error] = (await once(worker, 'error')) as [Error];
  assert.equal(error.message, 'died on purpose');
  await once(worker, 'exit');
  assert.deepEqual(zeroes(), before);
});

/** What this process has of /dev/zero. */
function zeroes(): { descriptors: number; mappings: number } {
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ''; // The descriptor that read the folder.
    }
  });
  return {
    descriptors: links.filter((link) => link === '/dev/zero').length,
    mappings: readFileSync('/proc/self/maps', 'utf8').match(/\/dev\/zero/g)?.length ?? 0,
  };
}
