import { openLibrary } from './ffi.ts';
import type { Millis } from './time.ts';

/*
 * What native code can do to a process, done on purpose by the calling thread. Loaded only where a fault
 * is injected.
 */

const libc = openLibrary(null);

/** Does not return for so long; neither messages nor signals are heard meanwhile. */
export function hangNatively(duration: Millis): void {
  const nanosleep = libc.bind('int nanosleep(const void *duration, void *left)');
  const wholeSeconds = Math.floor(duration / 1000);
  const nanoseconds = Math.floor((duration % 1000) * 1e6);
  // struct timespec of 64-bit systems. A signal interrupts the call, which then says what is left.
  const time = new BigInt64Array([BigInt(wholeSeconds), BigInt(nanoseconds)]);
  while (Number(nanosleep(time, time)) !== 0);
}

/** As a failed assertion in a C library does: SIGABRT. */
export function abortNatively(): void {
  libc.bind('void abort()')();
}

/**
 * Reads where nothing is mapped: SIGSEGV. Raising the signal would not do: V8 takes the first one, for the
 * bounds of WebAssembly's memory, and goes on; only a read that fails again ends the process.
 */
export function readWildly(): void {
  libc.bind('size_t strlen(uintptr_t text)')(8n);
}

/** Takes so much memory and touches all of it; disposal gives it back to the kernel at once. */
export function takeMemory(bytes: number): Disposable {
  const mmap = libc.bind(
    'uintptr_t mmap(void *address, size_t bytes, int protection, int flags, int descriptor, int64_t offset)',
  );
  const memset = libc.bind('void *memset(uintptr_t target, int byte, size_t bytes)');
  const munmap = libc.bind('int munmap(uintptr_t address, size_t bytes)');
  const readAndWrite = 0x3; // PROT_READ | PROT_WRITE
  const privateAnonymous = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS
  const address = BigInt(
    mmap(null, bytes, readAndWrite, privateAnonymous, -1, 0) as number | bigint,
  );
  // mmap(2): MAP_FAILED. Where there is so little memory, nothing more can be taken.
  if (BigInt.asIntN(64, address) === -1n) return { [Symbol.dispose]: () => {} };
  memset(address, 1, bytes);
  return { [Symbol.dispose]: () => void munmap(address, bytes) };
}
