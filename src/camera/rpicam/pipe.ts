import { constants } from 'node:fs';
import { constants as system } from 'node:os';
import { failure, fault, type Outcome, success } from '../../base/fault.ts';
import { errorNumber, openLibrary, openReadiness } from '../../base/ffi.ts';
import { hold, requestDevice } from '../../base/libc.ts';

const libc = openLibrary(null);
const pipe2 = libc.bind('int pipe2(int *ends, int flags)');
// Variadic in C; on x86-64 and arm64 Linux an integer travels alike either way.
const fcntl = libc.bind('int fcntl(int descriptor, int command, int argument)');
const read = libc.bind('long read(int descriptor, void *target, size_t bytes)');

const O_CLOEXEC = 0x80000;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const FIONREAD = 0x541b;

const { EAGAIN, EINTR } = system.errno;

/** The most that the kernel gives to users without privileges (/proc/sys/fs/pipe-max-size). */
const capacityMax = 2 ** 20;

/**
 * A pipe whose other end a child process writes. Node's own pipes to children are sockets: those hold
 * 200 KB, so that frames grow old in them, they cannot be opened again by name (`/dev/fd/3`), and
 * their bytes come in buffers of Node's. From this one they are read straight into a slot.
 */
export interface Pipe extends Disposable {
  /** For the child; inherited by no other process. */
  readonly writeEnd: number;
  /** Once the child has its own: the pipe ends when the child's is closed. */
  closeWriteEnd(): void;
  /** Lets the pipe hold up to so many bytes. */
  reserve(bytes: number): void;
  /** Reads what is there into `target`, which may be shared memory; how many bytes that were. */
  take(target: Uint8Array): number | 'nothing yet' | 'ended';
  /** Bytes that `take` would give at once. */
  available(): number;
  /** Resolves when there is something to take, when the pipe has ended, or after `wake`. */
  untilReadable(): Promise<void>;
  wake(): void;
}

export function openPipe(): Outcome<Pipe> {
  const ends = new Int32Array(2);
  if (Number(pipe2(ends, O_CLOEXEC)) !== 0) return failure(pipeRefused(errorNumber()));
  const [readEnd = -1, writeEnd = -1] = ends;
  const heldRead = hold(readEnd);
  const heldWrite = hold(writeEnd);
  // The child's end stays a blocking one: rpicam-vid takes a full pipe for an error otherwise.
  fcntl(readEnd, F_SETFL, constants.O_NONBLOCK);
  const readiness = openReadiness(readEnd);
  let isDisposed = false;
  let resume: () => void = () => {};
  const closeWriteEnd = (): void => heldWrite[Symbol.dispose]();
  const wake = (): void => {
    if (!isDisposed) readiness.cancel();
    resume();
  };
  return success({
    writeEnd,
    closeWriteEnd,
    reserve: (bytes) => {
      // A power of two, as the kernel would round it up; refused, the pipe stays as it is.
      const capacity = 2 ** Math.floor(Math.log2(Math.min(bytes, capacityMax)));
      fcntl(readEnd, F_SETPIPE_SZ, capacity);
    },
    take: (target) => {
      // The descriptor's number may be somebody else's by now.
      if (isDisposed) return 'ended';
      const bytes = Number(read(readEnd, target, target.length));
      if (bytes > 0) return bytes;
      const errno = bytes === 0 ? 0 : errorNumber();
      return errno === EAGAIN || errno === EINTR ? 'nothing yet' : 'ended';
    },
    available: () => {
      const count = new Int32Array(1);
      return isDisposed || requestDevice(readEnd, FIONREAD, count) !== 0 ? 0 : (count[0] ?? 0);
    },
    untilReadable: () =>
      new Promise((resolve) => {
        if (isDisposed) return resolve();
        resume = resolve;
        readiness.once(resolve);
      }),
    wake,
    [Symbol.dispose]: () => {
      if (isDisposed) return;
      wake();
      isDisposed = true;
      readiness[Symbol.dispose]();
      closeWriteEnd();
      heldRead[Symbol.dispose]();
    },
  });
}

const pipeRefused = (errno: number) =>
  fault(
    'camera.broken',
    `the system has no pipe for rpicam-vid (error ${errno})`,
    'Restart sightd; if it comes back, look for a process that opens too many files.',
  );
