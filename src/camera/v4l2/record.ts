/**
 * C structures as the kernel's 64-bit interface lays them out: x86-64 and arm64 agree (both little
 * endian, both align a number to its own size). Fields are named as in linux/videodev2.h.
 */

type Scalar = 'u8' | 'u32' | 's32' | 'u64' | 's64';
/** A number, or so many bytes (text, reserved words, parts of a union that are not looked at). */
type FieldKind = Scalar | number;

const bytesOf: Readonly<Record<Scalar, number>> = { u8: 1, u32: 4, s32: 4, u64: 8, s64: 8 };

export type Layout<Name extends string> = {
  readonly name: string;
  readonly bytes: number;
  readonly fields: Readonly<Record<Name, { readonly kind: FieldKind; readonly offset: number }>>;
};

/**
 * Computes where each field lies. `packed` leaves no gaps, as `__attribute__((packed))` does;
 * `bytes` is the size of a structure that ends in a union larger than the fields named here.
 */
export function layoutOf<Name extends string>(
  name: string,
  kinds: Readonly<Record<Name, FieldKind>>,
  options: { readonly packed: boolean; readonly bytes: number | undefined } = {
    packed: false,
    bytes: undefined,
  },
): Layout<Name> {
  let offset = 0;
  let alignment = 1;
  const fields: [string, { kind: FieldKind; offset: number }][] = [];
  for (const [field, kind] of Object.entries(kinds) as [Name, FieldKind][]) {
    const bytes = typeof kind === 'number' ? kind : bytesOf[kind];
    const step = typeof kind === 'number' || options.packed ? 1 : bytes;
    alignment = Math.max(alignment, step);
    offset = Math.ceil(offset / step) * step;
    fields.push([field, { kind, offset }]);
    offset += bytes;
  }
  const bytes = options.bytes ?? Math.ceil(offset / alignment) * alignment;
  return { name, bytes, fields: Object.fromEntries(fields) as Layout<Name>['fields'] };
}

/** One structure in memory that the kernel reads and writes. */
export interface StructRecord<Name extends string> {
  readonly layout: Layout<Name>;
  readonly bytes: Uint8Array;
  /** A number; 64-bit ones lose precision beyond 2^53, which no V4L2 value here reaches. */
  get(field: Name): number;
  set(field: Name, value: number | bigint): void;
  /** Text up to its terminating zero. */
  text(field: Name): string;
}

/** A zeroed structure, or one that lies at the start of `bytes`. */
export function createRecord<Name extends string>(
  layout: Layout<Name>,
  bytes: Uint8Array = new Uint8Array(layout.bytes),
): StructRecord<Name> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, layout.bytes);
  const read = {
    u8: (at: number) => view.getUint8(at),
    u32: (at: number) => view.getUint32(at, true),
    s32: (at: number) => view.getInt32(at, true),
    u64: (at: number) => Number(view.getBigUint64(at, true)),
    s64: (at: number) => Number(view.getBigInt64(at, true)),
  };
  const write = {
    u8: (at: number, value: number | bigint) => view.setUint8(at, Number(value)),
    u32: (at: number, value: number | bigint) => view.setUint32(at, Number(value), true),
    s32: (at: number, value: number | bigint) => view.setInt32(at, Number(value), true),
    u64: (at: number, value: number | bigint) => view.setBigUint64(at, BigInt(value), true),
    s64: (at: number, value: number | bigint) => view.setBigInt64(at, BigInt(value), true),
  };
  return {
    layout,
    bytes,
    get: (field) => {
      const { kind, offset } = layout.fields[field];
      return typeof kind === 'number' ? (bytes[offset] as number) : read[kind](offset);
    },
    set: (field, value) => {
      const { kind, offset } = layout.fields[field];
      if (typeof kind === 'number') bytes[offset] = Number(value);
      else write[kind](offset, value);
    },
    text: (field) => {
      const { kind, offset } = layout.fields[field];
      const length = typeof kind === 'number' ? kind : bytesOf[kind];
      const part = bytes.subarray(offset, offset + length);
      const end = part.indexOf(0);
      return new TextDecoder().decode(end < 0 ? part : part.subarray(0, end));
    },
  };
}
