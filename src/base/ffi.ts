import koffi from 'koffi';

/** The door to koffi: functions of C libraries, and the addresses of memory that C shall see. */

/**
 * C functions run on a stack of koffi's making, 2 MiB by default. Loading and running models is used to
 * a thread's usual 8; only what is touched takes memory. Each thread sets its own, before its first call.
 */
koffi.config({ sync_stack_size: 8 * 1024 * 1024 });

/** What is to be given back to C by the end of this thread, in the order in which it was taken. */
const releases = new Set<() => void>();
process.once('exit', () => {
  for (const release of [...releases].reverse()) release();
  // Nothing is called any more: koffi forgets the types of functions, 30 kB that it would leave behind.
  koffi.reset();
});

/**
 * How to give back what was taken from C: what this returns does so once. It is done at the latest when the
 * thread ends, also when it throws, for the process outlives it: a camera would be busy for its successor.
 */
export function releasing(release: () => void): () => void {
  const releaseOnce = (): void => {
    if (releases.delete(releaseOnce)) release();
  };
  releases.add(releaseOnce);
  return releaseOnce;
}

/** A C function: numbers, 64-bit integers as bigint, views of memory for pointers, `null` for none. */
export type NativeFunction = (...values: readonly NativeValue[]) => unknown;
export type NativeValue = number | bigint | string | View | null;
export type View = ArrayBufferView | ArrayBufferLike;

/** A C library, from which functions are bound by their declarations in C. */
export interface Library {
  /** Throws when the library has no such function. */
  bind(declaration: string): NativeFunction;
}

/**
 * Libraries stay loaded as long as their thread lives: koffi unloads one when it is collected, and a
 * function found by its address (`bindAt`) does not hold it.
 */
const libraries: ReturnType<typeof koffi.load>[] = [];

/**
 * Opens a shared library. Without a path, what is loaded already: a preloaded library then stands in
 * for libc's functions, as it would for a program written in C.
 */
export function openLibrary(path: string | null): Library {
  const library = koffi.load(path);
  libraries.push(library);
  return { bind: (declaration) => library.func(declaration) };
}

/** Types of functions, by declarations that name no parameters: koffi keeps 1.4 kB for each. */
const functionTypes = new Map<string, ReturnType<typeof koffi.proto>>();

/** The function at an address, by its declaration in C with the parameters' names alone: `int (void *it)`. */
export function bindAt(address: bigint, declaration: string): NativeFunction {
  const nameless = declaration.replace(/\w+(?=[,)])/g, '');
  const type = functionTypes.get(nameless) ?? koffi.proto(nameless);
  functionTypes.set(nameless, type);
  return koffi.decode(address, type) as NativeFunction;
}

/** The error number of the last C call of this thread. */
export const errorNumber = (): number => koffi.errno();

/** Where a view's bytes lie, for C structures that hold pointers. The view must outlive its use. */
export const addressOf = (view: View): bigint => koffi.address(view);

/** Memory that C gave us, as bytes. It must not be touched after C took it back. */
export const bytesAt = (address: bigint, length: number): Uint8Array =>
  new Uint8Array(koffi.view(address, length));

/** Text that C gave us, up to its zero byte. */
export const textAt = (address: bigint): string => koffi.decode.string(address);

/** Tells when a read of a file descriptor would not wait, or would fail. */
export interface Readiness extends Disposable {
  /** Calls back once, as soon as it is so; it replaces a call that is still out. */
  once(callback: () => void): void;
  cancel(): void;
}

/** Through libuv's poll, so that waiting costs no thread. The descriptor must stay open meanwhile. */
export function openReadiness(descriptor: number): Readiness {
  const events = { readable: true, disconnect: true };
  const handle = koffi.node.poll(descriptor, events, () => {});
  handle.stop();
  return {
    once: (callback) =>
      handle.start(events, () => {
        // libuv's poll is level-triggered: it would call again until somebody has read.
        handle.stop();
        callback();
      }),
    cancel: () => handle.stop(),
    [Symbol.dispose]: () => {
      handle.stop();
      handle.close();
    },
  };
}
