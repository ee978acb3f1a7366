import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRecord, layoutOf } from '../../../src/camera/v4l2/record.ts';

const packed = { packed: true, bytes: undefined };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the layout of a C structure', () => {
  it('aligns each number to its own size, and the whole to the largest', () => {
    const layout = layoutOf('mixed', { a: 'u8', b: 'u64', c: 'u8', d: 'u32', e: 'u8' });
    const offsets = Object.values(layout.fields).map(({ offset }) => offset);
    assert.deepEqual(offsets, [0, 8, 16, 20, 24]);
    assert.equal(layout.bytes, 32);
  });

  it('aligns bytes nowhere and does not round them up', () => {
    const layout = layoutOf('bytes', { a: 'u8', text: 5, b: 'u8' });
    assert.deepEqual([layout.fields.text.offset, layout.fields.b.offset], [1, 6]);
    assert.equal(layout.bytes, 7);
  });

  it('leaves no gaps in a packed structure', () => {
    const layout = layoutOf('packed', { a: 'u8', b: 'u64', c: 'u32' }, packed);
    assert.deepEqual([layout.fields.b.offset, layout.fields.c.offset], [1, 9]);
    assert.equal(layout.bytes, 13);
  });

  it('is as large as it is said to be, where a union has larger members', () => {
    const layout = layoutOf('union', { a: 'u32' }, { packed: false, bytes: 208 });
    assert.equal(createRecord(layout).bytes.length, 208);
  });
});

describe('a record', () => {
  const layout = layoutOf('numbers', {
    byte: 'u8',
    unsigned: 'u32',
    signed: 's32',
    wide: 'u64',
    wideSigned: 's64',
  });

  it('begins as zeros', () => {
    const record = createRecord(layout);
    assert.ok(record.bytes.every((byte) => byte === 0));
    assert.equal(record.bytes.length, layout.bytes);
  });

  it('gives back what was set, up to the limits of each kind', () => {
    const record = createRecord(layout);
    const limits = {
      byte: [0, 255],
      unsigned: [0, 0x8000_0000, 2 ** 32 - 1],
      signed: [-(2 ** 31), -1, 0, 2 ** 31 - 1],
      wide: [0, 2 ** 32, Number.MAX_SAFE_INTEGER],
      wideSigned: [Number.MIN_SAFE_INTEGER, -(2 ** 32) - 1, -1, 0, Number.MAX_SAFE_INTEGER],
    } as const;
    for (const [field, values] of Object.entries(limits)) {
      for (const value of values) {
        record.set(field as keyof typeof limits, value);
        assert.equal(record.get(field as keyof typeof limits), value, `${field} ${value}`);
      }
    }
  });

  it('is little-endian, as every machine is that this runs on', () => {
    const record = createRecord(layout);
    record.set('unsigned', 0x0403_0201);
    record.set('wideSigned', -2);
    const { unsigned, wideSigned } = layout.fields;
    const bytesAt = (at: number, count: number) => [...record.bytes.subarray(at, at + count)];
    assert.deepEqual(bytesAt(unsigned.offset, 4), [1, 2, 3, 4]);
    assert.deepEqual(bytesAt(wideSigned.offset, 8), [254, 255, 255, 255, 255, 255, 255, 255]);
  });

  it('takes addresses as bigint, beyond what a number could hold', () => {
    const record = createRecord(layout);
    record.set('wide', 0xffff_8000_0000_1001n);
    const view = new DataView(record.bytes.buffer);
    assert.equal(view.getBigUint64(layout.fields.wide.offset, true), 0xffff_8000_0000_1001n);
  });

  it('sets its own field and no other', () => {
    for (const options of [packed, { packed: false, bytes: undefined }]) {
      const kinds = { a: 'u8', b: 's64', c: 'u32', d: 's32' } as const;
      const tight = layoutOf('tight', kinds, options);
      const record = createRecord(tight);
      const values = { a: 7, b: -(2 ** 40), c: 2 ** 32 - 1, d: -3 };
      for (const [field, value] of Object.entries(values)) record.set(field as 'a', value);
      for (const [field, value] of Object.entries(values)) {
        assert.equal(record.get(field as 'a'), value, field);
      }
    }
  });

  it('lies at the start of the bytes it is given, wherever they lie', () => {
    const all = new Uint8Array(3 + 2 * layout.bytes).fill(0xaa);
    const record = createRecord(layout, all.subarray(3));
    record.set('byte', 1);
    record.set('wideSigned', -1);
    assert.equal(all[3], 1);
    assert.equal(all[3 + layout.bytes - 1], 0xff);
    assert.ok(all.subarray(0, 3).every((byte) => byte === 0xaa));
    assert.ok(all.subarray(3 + layout.bytes).every((byte) => byte === 0xaa));
  });

  it('refuses bytes that cannot hold it', () => {
    assert.throws(() => createRecord(layout, new Uint8Array(layout.bytes - 1)), RangeError);
  });
});

describe('the text of a record', () => {
  const layout = layoutOf('names', { name: 8, after: 'u8' });
  const textOf = (bytes: Uint8Array): string => {
    const record = createRecord(layout);
    record.bytes.set(bytes);
    record.set('after', 0x21);
    return record.text('name');
  };

  it('ends at its terminating zero, whatever lies behind it', () => {
    assert.equal(textOf(encode('cam\0rest')), 'cam');
  });

  it('ends with its field where there is no terminating zero', () => {
    assert.equal(textOf(encode('12345678')), '12345678');
  });

  it('is empty where nothing was written', () => {
    assert.equal(textOf(new Uint8Array()), '');
  });

  it('may hold letters of several bytes, and a broken one at its end', () => {
    assert.equal(textOf(encode('Käm é')), 'Käm é');
    assert.equal(textOf(encode('1234567é').subarray(0, 8)), '1234567\ufffd');
  });
});
