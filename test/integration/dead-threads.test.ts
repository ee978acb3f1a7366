import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openLibrary, textAt } from '../../src/base/ffi.ts';
import { tameMalloc } from '../../src/base/libc.ts';
import { startInferenceThread } from '../support/inference-thread.ts';

/** koffi keeps 22 kB of each thread; without what is done here it is three times as much, with the model 1.3 MB. */
const leftBytesMax = 32_000;
const threads = 40;
/** After so many, all that is made once has been made. */
const threadsBefore = 20;

test('an inference thread that dies leaves neither its model nor its functions behind', async (t) => {
  tameMalloc();
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const bytesInUse = openMallocBooks();
  const die = async (count: number): Promise<number> => {
    for (let number = 0; number < count; number += 1) {
      const thread = startInferenceThread();
      await thread.untilReport('loaded');
      thread.inject('throw');
      await thread.giveFrames(() => thread.reports.length > 0);
      assert.match((await thread.ended)?.message ?? '', /injected/);
    }
    for (let round = 0; round < 3; round += 1) {
      collectGarbage();
      // Finalizers, which give back what threads were sent, run in turns of their own.
      await setImmediate();
    }
    return bytesInUse();
  };
  const before = await die(threadsBefore);
  const left = ((await die(threads)) - before) / threads;
  t.diagnostic(`${Math.round(left)} bytes a thread`);
  assert.ok(left < leftBytesMax, `${left} bytes`);
});

/** What all malloc's arenas have given out, in bytes. */
function openMallocBooks(): () => number {
  const libc = openLibrary(null);
  const openStream = libc.bind('void *open_memstream(void *text, void *bytes)');
  const writeBooks = libc.bind('int malloc_info(int options, void *stream)');
  const close = libc.bind('int fclose(void *stream)');
  const free = libc.bind('void free(void *text)');
  return () => {
    const [address, bytes] = [new BigUint64Array(1), new BigUint64Array(1)];
    const stream = openStream(address, bytes) as bigint;
    writeBooks(0, stream);
    close(stream);
    const text = textAt(address[0] ?? 0n);
    free(address[0] ?? 0n);
    // What holds for all arenas comes last, after the arenas' own.
    const total = text.slice(text.lastIndexOf('</heap>'));
    const sizeOf = (pattern: RegExp): number => Number(pattern.exec(total)?.[1]);
    return (
      sizeOf(/<system type="current" size="(\d+)"/) -
      sizeOf(/<total type="fast" count="\d+" size="(\d+)"/) -
      sizeOf(/<total type="rest" count="\d+" size="(\d+)"/)
    );
  };
}
