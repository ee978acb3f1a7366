import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkInjections, openInjectionFile } from '../../src/daemon/injection-lines.ts';
import { temporaryFolder } from '../support/data.ts';

const newPath = (): string => join(temporaryFolder(), 'faults');

test('a file is read as it grows; what is being written waits for its line end', () => {
  const path = newPath();
  writeFileSync(path, 'one\ntwo');
  const file = openInjectionFile(path);
  const texts = (): readonly string[] =>
    file.added().map(({ number, text }) => `${number} ${text}`);
  assert.deepEqual(
    texts(),
    ['1 one', '2 two'],
    'at the start the end of the file is one of a line',
  );
  assert.deepEqual(texts(), []);
  const bytes = Buffer.from('\n# ü\nvierzig ü');
  appendFileSync(path, bytes.subarray(0, -1));
  assert.deepEqual(texts(), []);
  appendFileSync(path, Buffer.concat([bytes.subarray(-1), Buffer.from('\n')]));
  assert.deepEqual(texts(), ['5 vierzig ü']);
});

test('a file that is written anew is read from its start; one that is away is waited for', () => {
  const path = newPath();
  writeFileSync(path, 'a longer line than the next\n');
  const file = openInjectionFile(path);
  assert.equal(file.added().length, 1);
  rmSync(path);
  assert.deepEqual(file.added(), []);
  writeFileSync(path, 'short\n');
  assert.deepEqual(file.added(), [{ number: 1, text: 'short' }]);
});

test('a file is right when each of its lines is; five problems are named', () => {
  const path = newPath();
  assert.match(messageOf(path), /^cannot read /);
  writeFileSync(path, '# nothing\n');
  assert.ok(checkInjections(path).ok);
  writeFileSync(path, '{"fault":"loop.block"}\n\n{"fault":"loop.blok"}\n{');
  const message = messageOf(path);
  assert.match(message, /faults:3: fault: got "loop\.blok"; did you mean loop\.block\?; /);
  assert.match(message, /faults:4: not JSON/);
  writeFileSync(path, 'x\n'.repeat(9));
  assert.equal(messageOf(path).match(/not JSON/g)?.length, 5);
});

function messageOf(path: string): string {
  const checked = checkInjections(path);
  assert.ok(!checked.ok);
  return checked.fault.message;
}
