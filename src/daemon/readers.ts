import { compiled } from '../base/compiled.ts';
import type { Fault, Outcome } from '../base/fault.ts';
import type { Clock, Millis } from '../base/time.ts';
import type { RingHandle } from '../contract/ring.ts';
import type {
  CameraCommand,
  InferenceCommand,
  InferenceReport,
  StartCommand,
  WorkerInjection,
} from '../contract/threads.ts';
import { tensorCode } from '../inference/kernel.ts';
import type { Changes } from './changes.ts';
import { openSeat, type Seat } from './seat.ts';

/** An inference worker's seat and how far whoever sits there has come. */
export type Reader = {
  readonly seat: Seat<InferenceCommand>;
  isLoaded: boolean;
  isDrained: boolean;
  /** Of the model that was started there last. */
  labels: readonly string[];
};

const inferenceUrl = new URL('../inference/worker.js', import.meta.url);
/** The camera worker is the ring's first owner. */
const firstReaderOwner = 2;

export type ReaderOptions = {
  readonly number: number;
  readonly clock: Clock;
  readonly start: () => Promise<Outcome<ReaderStart>>;
  readonly ring: () => RingHandle | undefined;
  readonly onReport: (reader: Reader, report: InferenceReport) => void;
  readonly onLeft: (owner: number) => void;
  readonly onDied: (thread: string, reason: Fault) => void;
};

export type ReaderStart = Omit<StartCommand, 'kind' | 'ring' | 'owner' | 'reader'>;

/** Seats an inference worker; whoever takes the seat is told what holds then. */
export function openReader(options: ReaderOptions): Reader {
  const { number } = options;
  const owner = firstReaderOwner + number;
  const name = `inference ${number + 1}`;
  compiled(tensorCode);
  const seat = openSeat<InferenceCommand, InferenceReport>({
    name,
    clock: options.clock,
    url: inferenceUrl,
    died: 'inference.died',
    stop: { kind: 'stop' },
    onSeated: async (child) => {
      const start = await options.start();
      const ring = options.ring();
      // Whoever was asked to leave meanwhile is on the way out.
      if (ring === undefined || seat.isRetired()) return;
      if (!start.ok) return options.onReport(reader, { kind: 'fault', fault: start.fault });
      reader.labels = start.value.model.labels;
      child.send({ kind: 'start', ...start.value, ring, owner, reader: number });
    },
    onReport: (report) => options.onReport(reader, report),
    onLeft: () => {
      Object.assign(reader, { isLoaded: false, isDrained: false });
      options.onLeft(owner);
    },
    onDied: (reason) => options.onDied(name, reason),
  });
  const reader: Reader = { seat, isLoaded: false, isDrained: false, labels: [] };
  return reader;
}

export const restartsOf = (readers: readonly Reader[]): number =>
  readers.reduce((sum, { seat }) => sum + seat.restarts(), 0);

/**
 * Others in the places of those that died; of all where none did, since one of them does not do. While
 * one loads its model there is nothing to replace.
 */
export function refillReaders(readers: readonly Reader[], wait: Millis): void {
  const dead = readers.filter(({ seat }) => seat.isEmpty());
  const all = readers.every(({ isLoaded }) => isLoaded) ? readers : [];
  for (const { seat } of dead.length > 0 ? dead : all) seat.refill(wait);
}

export function send(readers: readonly Reader[], command: InferenceCommand): void {
  for (const { seat } of readers) seat.send(command);
}

/** Has the camera's thread, or the first reader's, make a fault. */
export const injectorOf =
  (camera: () => Seat<CameraCommand> | undefined, readers: readonly Reader[]) =>
  (...[part, injection]: WorkerInjection): void => {
    if (part === 'camera') camera()?.send({ kind: 'inject', injection });
    else readers[0]?.seat.send({ kind: 'inject', injection });
  };

/** Lets each reader finish what waits in the ring, then asks it to end. */
export async function drainReaders(
  readers: readonly Reader[],
  changes: Changes,
  pending: Set<string>,
): Promise<void> {
  for (const reader of readers) {
    const { seat } = reader;
    await changes.until(() => reader.isDrained || !reader.isLoaded || seat.isEmpty());
    seat.send({ kind: 'stop' });
  }
  for (const { seat } of readers) {
    await changes.until(seat.isEmpty);
    pending.delete(seat.name);
  }
}
