import { type Clock, millis } from '../../base/time.ts';
import { createMetadataReader, type FrameMetadata } from './metadata.ts';
import type { Pipe } from './pipe.ts';

/** Metadata are written right after their frame; a busy machine may need this long. */
const patience = millis(25);
/** After so many frames without metadata in time, nobody waits for them any more. */
const missesMax = 5;
/** The metadata of one frame are 1 to 3 KB. */
const scratchBytes = 2 ** 14;

/** The metadata of frames. They are read when a frame is complete: nothing else wakes us for them. */
export interface MetadataPipe {
  /** What there is about this frame, counted from 0; undefined when it does not come in time. */
  of(frame: number): Promise<FrameMetadata | undefined>;
}

export const noMetadata: MetadataPipe = { of: async () => undefined };

export function createMetadataPipe(pipe: Pipe, clock: Clock): MetadataPipe {
  const reader = createMetadataReader();
  const decoder = new TextDecoder('latin1');
  const scratch = new Uint8Array(scratchBytes);
  let misses = 0;

  /** Reads all that is there; false at the pipe's end. */
  const drain = (): boolean => {
    for (;;) {
      const taken = pipe.take(scratch);
      if (typeof taken !== 'number') return taken !== 'ended';
      reader.write(decoder.decode(scratch.subarray(0, taken)));
    }
  };

  const waitFor = async (frame: number): Promise<FrameMetadata | undefined> => {
    const over = new AbortController();
    let isLate = false;
    const late = clock.sleep(patience, over.signal).then(() => {
      isLate = true;
    });
    let found: FrameMetadata | undefined;
    while (found === undefined && !isLate) {
      await Promise.race([pipe.untilReadable(), late]);
      const isOpen = drain();
      found = reader.take(frame);
      if (!isOpen) break;
    }
    over.abort();
    pipe.wake();
    return found;
  };

  return {
    of: async (frame) => {
      drain();
      const found = reader.take(frame);
      if (found !== undefined || misses >= missesMax) return found;
      const awaited = await waitFor(frame);
      misses = awaited === undefined ? misses + 1 : 0;
      return awaited;
    },
  };
}
