import type { Outcome } from '../base/fault.ts';
import type { RingHandle } from '../contract/ring.ts';
import type { InferenceCommand, InferenceReport, StartCommand } from '../contract/threads.ts';
import type { Changes } from './changes.ts';
import { openSeat, type Seat, type SeatOptions } from './seat.ts';

/** An inference worker's seat and how far whoever sits there has come. */
export type Reader = {
  readonly seat: Seat<InferenceCommand>;
  isLoaded: boolean;
  isDrained: boolean;
};

const inferenceUrl = new URL('../inference/worker.js', import.meta.url);
/** The camera worker is the ring's first owner. */
const firstReaderOwner = 2;

export type ReaderOptions = {
  readonly number: number;
  readonly seat: Pick<
    SeatOptions<InferenceCommand, InferenceReport>,
    'name' | 'clock' | 'random' | 'onRestart' | 'onGiveUp'
  >;
  readonly start: () => Promise<Outcome<ReaderStart>>;
  readonly ring: () => RingHandle | undefined;
  readonly onReport: (reader: Reader, report: InferenceReport) => void;
  readonly onLeft: (owner: number) => void;
};

export type ReaderStart = Omit<StartCommand, 'kind' | 'ring' | 'owner' | 'reader'>;

/** Seats an inference worker; whoever takes the seat is told what holds then. */
export function openReader(options: ReaderOptions): Reader {
  const { number } = options;
  const owner = firstReaderOwner + number;
  const seat = openSeat<InferenceCommand, InferenceReport>({
    ...options.seat,
    url: inferenceUrl,
    isReplaceable: () => true,
    died: 'inference.died',
    onSeated: async (child) => {
      const start = await options.start();
      const ring = options.ring();
      // Whoever was asked to leave meanwhile is on the way out.
      if (ring === undefined || seat.isRetired()) return;
      if (start.ok) child.send({ kind: 'start', ...start.value, ring, owner, reader: number });
      else options.onReport(reader, { kind: 'fault', fault: start.fault });
    },
    onReport: (report) => options.onReport(reader, report),
    onLeft: () => {
      Object.assign(reader, { isLoaded: false, isDrained: false });
      options.onLeft(owner);
    },
  });
  const reader: Reader = { seat, isLoaded: false, isDrained: false };
  return reader;
}

export const restartsOf = (readers: readonly Reader[]): number =>
  readers.reduce((sum, { seat }) => sum + seat.restarts(), 0);

export function send(readers: readonly Reader[], command: InferenceCommand): void {
  for (const { seat } of readers) seat.send(command);
}

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
