import { openLibrary } from './ffi.ts';

const libc = openLibrary(null);

const memcpy = libc.bind('void *memcpy(void *target, const void *source, size_t bytes)');
const exitNow = libc.bind('void _exit(int status)');

/**
 * Copies `source` to the start of `target`, which may lie in shared memory: less than half the time
 * of `TypedArray.set` there, which V8 must do without memcpy.
 */
export function copyBytes(target: Uint8Array, source: Uint8Array): void {
  if (source.length > target.length) throw new Error('invariant broken: copy within the target');
  memcpy(target, source, source.length);
}

/**
 * Ends the process at once, without exit handlers and without static destructors. The only safe end
 * while an inference is running: `process.exit` would then abort.
 */
export function exitAtOnce(status: number): void {
  exitNow(status);
}

/** glibc's malloc.h: M_ARENA_MAX. */
const arenaMaxOption = -8;

/**
 * Lets all threads share two malloc arenas. glibc would give each thread its own, up to eight a core,
 * and none of them returns what it once held: ten megabytes here.
 */
export function shareMallocArenas(): void {
  glibcOnly(() => libc.bind('int mallopt(int option, int value)')(arenaMaxOption, 2));
}

/** Gives memory that malloc holds but nobody uses back to the kernel: after loading a model, 15 MB. */
export function returnFreedMemory(): void {
  glibcOnly(() => libc.bind('int malloc_trim(size_t pad)')(0));
}

/** Other libcs do not have these functions, nor the habits they are needed for. */
function glibcOnly(call: () => void): void {
  try {
    call();
  } catch {
    // Not glibc: nothing to do.
  }
}
