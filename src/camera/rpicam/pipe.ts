import { constants } from 'node:os';
import { failure, fault, type Outcome, success } from '../../base/fault.ts';
import { openReadiness } from '../../base/ffi.ts';
import { openPipeEnds, readableBytesOf, readDescriptor, setPipeCapacity } from '../../base/libc.ts';

const { EAGAIN, EINTR } = constants.errno;

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
  // The child's end stays a blocking one: rpicam-vid takes a full pipe for an error otherwise.
  const opened = openPipeEnds();
  if (!opened.ok) return failure(pipeRefused(opened.errno));
  const { read, write } = opened.value;
  const readiness = openReadiness(read.number);
  let isDisposed = false;
  let resume: () => void = () => {};
  const closeWriteEnd = (): void => write[Symbol.dispose]();
  const wake = (): void => {
    if (!isDisposed) readiness.cancel();
    resume();
  };
  return success({
    writeEnd: write.number,
    closeWriteEnd,
    reserve: (bytes) => {
      // The kernel would round up, and beyond its limit it refuses.
      setPipeCapacity(read.number, 2 ** Math.floor(Math.log2(Math.min(bytes, capacityMax))));
    },
    take: (target) => {
      // The descriptor's number may be somebody else's by now.
      if (isDisposed) return 'ended';
      const bytes = readDescriptor(read.number, target);
      if (bytes > 0) return bytes;
      return bytes === -EAGAIN || bytes === -EINTR ? 'nothing yet' : 'ended';
    },
    available: () => (isDisposed ? 0 : readableBytesOf(read.number)),
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
      read[Symbol.dispose]();
    },
  });
}

const pipeRefused = (errno: number) =>
  fault(
    'camera.broken',
    `the system has no pipe for rpicam-vid (error ${errno})`,
    'Restart sightd; if it comes back, look for a process that opens too many files.',
  );
