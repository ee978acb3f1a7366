/**
 * Memory for what is painted for one visit, used again for the next. Typed arrays live outside V8's
 * heap, so it is in no hurry to collect them: megabytes a visit would pile up to fifty.
 */
export interface Pool {
  /** `count` zeros, or copies of `value`; until the next `reset`. */
  floats(count: number): Float32Array;
  words(count: number, value: number): Int32Array;
  shorts(count: number, value: number): Int16Array;
  bytes(count: number): Uint8Array;
  /** Takes everything back. */
  reset(): void;
}

/** A megabyte holds most figures; a larger array gets a block of its own size. */
const blockBytes = 1 << 20;
const alignment = 8;

export function createPool(): Pool {
  const blocks: ArrayBuffer[] = [];
  let block = 0;
  let used = 0;

  const take = (bytes: number): { readonly buffer: ArrayBuffer; readonly offset: number } => {
    for (; block < blocks.length; block += 1, used = 0) {
      const buffer = blocks[block] as ArrayBuffer;
      if (used + bytes > buffer.byteLength) continue;
      const offset = used;
      used += Math.ceil(bytes / alignment) * alignment;
      return { buffer, offset };
    }
    const buffer = new ArrayBuffer(Math.max(blockBytes, Math.ceil(bytes / alignment) * alignment));
    blocks.push(buffer);
    used = Math.ceil(bytes / alignment) * alignment;
    return { buffer, offset: 0 };
  };

  return {
    floats: (count) => {
      const { buffer, offset } = take(count * 4);
      return new Float32Array(buffer, offset, count).fill(0);
    },
    words: (count, value) => {
      const { buffer, offset } = take(count * 4);
      return new Int32Array(buffer, offset, count).fill(value);
    },
    shorts: (count, value) => {
      const { buffer, offset } = take(count * 2);
      return new Int16Array(buffer, offset, count).fill(value);
    },
    bytes: (count) => {
      const { buffer, offset } = take(count);
      return new Uint8Array(buffer, offset, count).fill(0);
    },
    reset: () => {
      block = 0;
      used = 0;
    },
  };
}
