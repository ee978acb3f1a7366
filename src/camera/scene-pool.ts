import { assert } from '../base/assert.ts';

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

/** A megabyte holds most figures. */
const blockBytes = 1 << 20;
const alignment = 8;

/** Twice as much and twice again, so that figures that grow little by little find the same blocks. */
const blockFor = (bytes: number): number =>
  blockBytes * 2 ** Math.max(0, Math.ceil(Math.log2(bytes / blockBytes)));

type Place = { readonly buffer: ArrayBufferLike; readonly offset: number };

/** A pool that grows as needed. */
export function createPool(): Pool {
  const blocks: ArrayBuffer[] = [];
  let block = 0;
  let used = 0;

  const take = (bytes: number): Place => {
    for (; block < blocks.length; block += 1, used = 0) {
      const buffer = blocks[block] as ArrayBuffer;
      if (used + bytes > buffer.byteLength) continue;
      const offset = used;
      used += Math.ceil(bytes / alignment) * alignment;
      return { buffer, offset };
    }
    const buffer = new ArrayBuffer(blockFor(bytes));
    blocks.push(buffer);
    used = Math.ceil(bytes / alignment) * alignment;
    return { buffer, offset: 0 };
  };

  return poolOf(take, () => {
    block = 0;
    used = 0;
  });
}

/** A pool of the bytes of `room`, which begins aligned and must be enough. */
export function createPoolIn(room: Uint8Array): Pool {
  let used = 0;
  const take = (bytes: number): Place => {
    const offset = room.byteOffset + used;
    used += Math.ceil(bytes / alignment) * alignment;
    assert(used <= room.length, 'the room is enough');
    return { buffer: room.buffer, offset };
  };
  return poolOf(take, () => {
    used = 0;
  });
}

function poolOf(take: (bytes: number) => Place, reset: () => void): Pool {
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
    reset,
  };
}
