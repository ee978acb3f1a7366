/**
 * Puts what several workers finish out of step back in order. Ordinals come without gaps, each once;
 * `undefined` stands for one that came to nothing. As many can wait as there are frames in flight.
 */
export interface Reorder<T> {
  put(ordinal: number, item: T | undefined): void;
}

export function createReorder<T>(emit: (item: T) => void): Reorder<T> {
  const waiting = new Map<number, T | undefined>();
  let next = 1;
  return {
    put: (ordinal, item) => {
      waiting.set(ordinal, item);
      while (waiting.has(next)) {
        const ready = waiting.get(next);
        waiting.delete(next);
        next += 1;
        if (ready !== undefined) emit(ready);
      }
    },
  };
}
