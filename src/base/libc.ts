import { constants } from 'node:os';
import { bytesAt, errorNumber, openLibrary, releasing, type View } from './ffi.ts';
import type { Millis } from './time.ts';

const libc = openLibrary(null);
const { EINTR } = constants.errno;

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

const usleep = libc.bind('int usleep(unsigned int microseconds)');
const usleepMax = 999_999; // POSIX: less than a second.

/** Keeps the thread in native calls for so long, as a driver that does not answer would; for tests of that. */
export function blockThread(duration: Millis): void {
  for (let left = duration * 1000; left > 0; left -= usleepMax) usleep(Math.min(left, usleepMax));
}

const open = libc.bind('int open(const char *path, int flags)');
const close = libc.bind('int close(int descriptor)');
// Variadic in C; on x86-64 and arm64 Linux a pointer travels alike either way.
const ioctl = libc.bind('int ioctl(int descriptor, unsigned long request, void *argument)');
const mmap = libc.bind(
  'void *mmap(void *address, size_t bytes, int protection, int flags, int descriptor, int64_t offset)',
);
const munmap = libc.bind('int munmap(void *address, size_t bytes)');

/** What a call gave, or its errno. */
export type SystemResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errno: number };

const setenv = libc.bind('int setenv(const char *name, const char *value, int overwrite)');

/** Sets an environment variable for C libraries of this process, from any thread. */
export function setEnvironment(name: string, value: string): void {
  setenv(name, value, 1);
}

const O_RDWR = 0x2;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;

/** Opens a device for reading and writing, without ever waiting for it. */
export function openDevice(path: string): SystemResult<HeldDescriptor> {
  const descriptor = Number(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  return descriptor < 0
    ? { ok: false, errno: errorNumber() }
    : { ok: true, value: hold(descriptor) };
}

/** A file descriptor of C, which is closed at the latest when this thread ends. */
export interface HeldDescriptor extends Disposable {
  readonly number: number;
}

export function hold(descriptor: number): HeldDescriptor {
  return { number: descriptor, [Symbol.dispose]: releasing(() => close(descriptor)) };
}

/** A signal may interrupt a call; so many in a row would be something else. */
const interruptionsMax = 100;

/** Makes a request of a device; the structure at `argument` is read and written. Returns 0 or the errno. */
export function requestDevice(descriptor: number, request: number, argument: View): number {
  for (let attempt = 0; attempt < interruptionsMax; attempt += 1) {
    if (Number(ioctl(descriptor, request, argument)) >= 0) return 0;
    const errno = errorNumber();
    if (errno !== EINTR) return errno;
  }
  return EINTR;
}

const pipe2 = libc.bind('int pipe2(int *ends, int flags)');
// Variadic in C; on x86-64 and arm64 Linux an integer travels alike either way.
const fcntl = libc.bind('int fcntl(int descriptor, int command, int argument)');
const read = libc.bind('long read(int descriptor, void *target, size_t bytes)');

const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const FIONREAD = 0x541b;

/** Both ends of a pipe, which no other process inherits by itself. */
export type PipeEnds = { readonly read: HeldDescriptor; readonly write: HeldDescriptor };

/** Opens a pipe that is never waited for where it is read; whoever writes to it may have to wait. */
export function openPipeEnds(): SystemResult<PipeEnds> {
  const ends = new Int32Array(2);
  if (Number(pipe2(ends, O_CLOEXEC)) !== 0) return { ok: false, errno: errorNumber() };
  const [readEnd = -1, writeEnd = -1] = ends;
  fcntl(readEnd, F_SETFL, O_NONBLOCK);
  return { ok: true, value: { read: hold(readEnd), write: hold(writeEnd) } };
}

/** Lets a pipe hold up to so many bytes, a power of two; refused, it stays as it is. */
export function setPipeCapacity(descriptor: number, bytes: number): void {
  fcntl(descriptor, F_SETPIPE_SZ, bytes);
}

/**
 * Reads what is there to the start of `target`, which may be shared memory. Returns the number of bytes,
 * 0 at the end, or minus the errno.
 */
export function readDescriptor(descriptor: number, target: Uint8Array): number {
  const bytes = Number(read(descriptor, target, target.length));
  return bytes < 0 ? -errorNumber() : bytes;
}

/** How many bytes a read would give at once; 0 also where that cannot be said. */
export function readableBytesOf(descriptor: number): number {
  const count = new Int32Array(1);
  return requestDevice(descriptor, FIONREAD, count) === 0 ? (count[0] ?? 0) : 0;
}

/** A device's memory in ours. */
export interface MappedMemory extends Disposable {
  /** Must not be touched after disposal. */
  readonly bytes: Uint8Array;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const mapFailed = 2n ** 64n - 1n;

/** Maps a part of a device's memory. */
export function mapDevice(
  descriptor: number,
  offset: number,
  bytes: number,
): SystemResult<MappedMemory> {
  const protection = PROT_READ | PROT_WRITE;
  const address = mmap(null, bytes, protection, MAP_SHARED, descriptor, offset) as bigint | null;
  if (address === null || BigInt.asUintN(64, address) === mapFailed) {
    return { ok: false, errno: errorNumber() };
  }
  const unmap = releasing(() => munmap(address, bytes));
  return { ok: true, value: { bytes: bytesAt(address, bytes), [Symbol.dispose]: unmap } };
}

/** glibc's malloc.h: M_ARENA_MAX and M_MMAP_THRESHOLD. */
const arenaMaxOption = -8;
const mapThresholdOption = -3;
/** glibc's own, to begin with. */
const mapThresholdBytes = 128 * 1024;

/**
 * Keeps down what malloc holds though nobody uses it. Two arenas serve all threads: glibc would give each
 * thread its own, up to eight a core, and none of them returns what it once held, ten megabytes here. Large
 * blocks are mapped, and so go back to the kernel when they are freed: glibc would keep blocks of up to 32 MB
 * among the small ones once it has seen one freed, three megabytes here.
 */
export function tameMalloc(): void {
  glibcOnly(() => {
    const mallopt = libc.bind('int mallopt(int option, int value)');
    mallopt(arenaMaxOption, 2);
    mallopt(mapThresholdOption, mapThresholdBytes);
  });
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
