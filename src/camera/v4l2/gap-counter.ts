/** What a driver lost, as its sequence numbers tell. */
export interface GapCounter {
  see(sequence: number): void;
  /** The driver counts anew from here; what it lost before stays lost. */
  restart(): void;
  /** The frames lost since the last call. */
  take(): number;
}

/** Counts what the driver lost from the gaps in its sequence numbers, which are 32 bits and wrap. */
export function createGapCounter(): GapCounter {
  let last: number | undefined;
  let lost = 0;
  return {
    see: (sequence: number): void => {
      const gap = last === undefined ? 0 : (sequence - last - 1) >>> 0;
      // A number that goes back is a driver that began to count anew.
      if (gap < 2 ** 31) lost += gap;
      last = sequence;
    },
    restart: (): void => {
      last = undefined;
    },
    take: (): number => {
      const taken = lost;
      lost = 0;
      return taken;
    },
  };
}
