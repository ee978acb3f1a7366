import type { InferenceCommand } from '../contract/threads.ts';
import type { Changes } from './changes.ts';
import type { Seat } from './seat.ts';

/** An inference worker's seat and how far whoever sits there has come. */
export type Reader = {
  readonly seat: Seat<InferenceCommand>;
  isLoaded: boolean;
  isDrained: boolean;
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
