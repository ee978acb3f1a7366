import { Worker } from 'node:worker_threads';
import { type Clock, systemClock } from '../base/time.ts';
import type { PulseHandle, WorkerBirth } from '../contract/threads.ts';
import { createPulse } from '../ring/pulse.ts';

/** A supervised thread: it is told things, says things, and ends. */
export interface Child<Command> {
  readonly name: string;
  /** Its signs of life. */
  readonly pulse: PulseHandle;
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
  clock: Clock = systemClock,
): Child<Command> {
  const pulse = createPulse(clock);
  const workerData: WorkerBirth = { pulse };
  const worker = new Worker(url, { name, resourceLimits, workerData });
  let thrown: Error | undefined;
  worker.on('message', onReport);
  worker.on('error', (error) => {
    thrown = error instanceof Error ? error : new Error(String(error));
  });
  return {
    name,
    pulse,
    send: (command) => worker.postMessage(command),
    ended: new Promise((resolve) => worker.once('exit', () => resolve(thrown))),
  };
}
