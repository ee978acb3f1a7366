import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsMax, parseStrictJson } from '../../../src/daemon/strict-json.ts';

const read = (text: string) => parseStrictJson(Buffer.from(text), 8);

function pathsOf(text: string): readonly string[] {
  const parsed = read(text);
  assert.ok(!parsed.ok, `refuses ${text.slice(0, 80)}`);
  for (const { message } of parsed.errors) assert.ok(message.length > 10);
  return parsed.errors.map(({ path }) => path);
}

test('what is JSON is read as JSON.parse reads it', () => {
  for (const text of [
    'null',
    ' 1e3 ',
    '"a"',
    '[]',
    '{}',
    '[{"a":1},{"a":2}]',
    '{"a":{"a":{"a":"a"}},"b":["a","a"]}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a\\"":1,"a":2,"\\\\":3}',
    '\t{\r\n"a"\t:\n1 ,"b":[\n]}',
    '{"":1}',
  ]) {
    assert.deepEqual(read(text), { ok: true, value: JSON.parse(text) }, text);
  }
});

test('a key that is given twice is refused with its path, however it is written', () => {
  assert.deepEqual(pathsOf('{"a":1,"a":2}'), ['a']);
  assert.deepEqual(pathsOf('{"a":1,"\\u0061":2}'), ['a']);
  assert.deepEqual(pathsOf('{"c":{"x":[1,{"y":1,"z":[],"y":2}]}}'), ['c.x.1.y']);
  assert.deepEqual(pathsOf('{"a":{},"b":{"q":1,"q":1},"a":[]}'), ['b.q', 'a']);
  assert.deepEqual(pathsOf('{"":1,"":1}'), ['']);
});

test('keys that poison prototypes are refused at every level', () => {
  for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__']) {
    const name = JSON.parse(`"${key}"`);
    assert.deepEqual(pathsOf(`{"${key}":{"a":1}}`), [name]);
    assert.deepEqual(pathsOf(`{"a":[{"${key}":1}]}`), [`a.0.${name}`]);
  }
  assert.ok(read('{"a":"__proto__"}').ok, 'as a value it is text');
});

test('nesting is refused from the level after the limit on', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  assert.ok(read(nested(8)).ok);
  assert.deepEqual(pathsOf(nested(9)), ['0.0.0.0.0.0.0.0']);
  assert.equal(pathsOf(nested(30_000)).length, 1);
  assert.equal(pathsOf('['.repeat(60_000)).length, 1);
  assert.equal(pathsOf(`${'{"a":'.repeat(9)}1${'}'.repeat(9)}`)[0], 'a.a.a.a.a.a.a.a');
});

test('what is not JSON or not UTF-8 is refused', () => {
  for (const text of ['', ' ', '{', '{"a":1,}', "{'a':1}", '{a:1}', 'NaN', '1 2', '{"a":1}x']) {
    assert.deepEqual(pathsOf(text), ['']);
  }
  for (const bytes of [[0xff], [0x22, 0xc3, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xc0, 0x80]]) {
    const parsed = parseStrictJson(Uint8Array.from(bytes), 8);
    assert.ok(!parsed.ok);
    assert.match(parsed.errors[0]?.message ?? '', /UTF-8/);
  }
});

test('errors and the paths in them are bounded', () => {
  const twice = Array.from({ length: 1000 }, (_, at) => `"k${at >> 1}":1`).join();
  assert.equal(pathsOf(`{${twice}}`).length, errorsMax);
  const [path] = pathsOf(`{"${'x'.repeat(50_000)}":{"a":1,"a":2}}`);
  assert.ok((path?.length ?? 1000) <= 120);
});
