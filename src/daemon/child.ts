import { Worker } from 'node:worker_threads';

/** A supervised thread: it is told things, says things, and ends. */
export interface Child<Command> {
  readonly name: string;
  send(command: Command): void;
  /** Resolves once the thread is gone, with what it threw, if it did. */
  readonly ended: Promise<Error | undefined>;
}

/**
 * A worker's own objects are few; V8 would otherwise let each thread's nursery grow to tens of
 * megabytes before it looks at them.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128 };

/** Starts a worker thread from a compiled worker file. Threads end by being asked, never by force. */
export function startChild<Command, Report>(
  name: string,
  url: URL,
  onReport: (report: Report) => void,
): Child<Command> {
  const worker = new Worker(url, { name, resourceLimits });
  let thrown: Error | undefined;
  worker.on('message', onReport);
  worker.on('error', (error) => {
    thrown = error instanceof Error ? error : new Error(String(error));
  });
  return {
    name,
    send: (command) => worker.postMessage(command),
    ended: new Promise((resolve) => worker.once('exit', () => resolve(thrown))),
  };
}
