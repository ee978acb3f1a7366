import type { CameraSeat } from './camera-seat.ts';
import type { Changes } from './changes.ts';
import { drainReaders, type Reader } from './readers.ts';
import type { Rings } from './rings.ts';

/**
 * Ends the pipeline's threads against the order in which they were started: first who fills the ring,
 * then, once it is drained, who empties it. `pending` names who is waited for.
 */
export async function stopThreads(
  camera: CameraSeat | undefined,
  readers: readonly Reader[],
  rings: Rings,
  changes: Changes,
  pending: Set<string>,
): Promise<void> {
  const seats = [...(camera === undefined ? [] : [camera]), ...readers.map(({ seat }) => seat)];
  for (const seat of seats) {
    pending.add(seat.name);
    seat.retire();
  }
  if (camera !== undefined) {
    camera.send({ kind: 'stop' });
    await changes.until(camera.isEmpty);
    pending.delete(camera.name);
  }
  rings.end();
  await drainReaders(readers, changes, pending);
}
