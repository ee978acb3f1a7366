import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExitWord, parseExitWord } from '../../../../src/daemon/life/exit-word.ts';

const id = '0123456789abcdef0123456789abcdef';
const word = (result: string, more: Partial<ExitWord> = {}): ExitWord => ({
  ...{ result, status: undefined, signal: undefined, invocation: undefined },
  ...more,
});

const rows: readonly [text: string, word: ExitWord | undefined][] = [
  ['success exited 0', word('success', { status: 0 })],
  ['success exited 0\n', word('success', { status: 0 })],
  ['success killed TERM', word('success', { signal: 'TERM' })],
  [`exit-code exited 70 ${id}`, word('exit-code', { status: 70, invocation: id })],
  ['core-dump dumped SEGV', word('core-dump', { signal: 'SEGV' })],
  ['signal killed RTMIN+3', word('signal', { signal: 'RTMIN+3' })],
  ['watchdog killed ABRT', word('watchdog', { signal: 'ABRT' })],
  ['oom-kill killed KILL', word('oom-kill', { signal: 'KILL' })],
  // What has no exit code has empty words.
  ['start-limit-hit  ', word('start-limit-hit')],
  [`resources   ${id}`, word('resources', { invocation: id })],
  ['timeout', word('timeout')],
  ['', undefined],
  ['\n', undefined],
  ['  ', undefined],
  ['signal killed', undefined],
  ['exit-code exited seven', undefined],
  ['exit-code exited 1234', undefined],
  ['exit-code killed 9', undefined],
  ['exit-code left 1', undefined],
  ['exit-code  1', undefined],
  ['exit-code exited 1 2', undefined],
  ['exit-code exited 1 0123456789abcdef0123456789abcde', undefined],
  [`exit-code exited 1 ${id} more`, undefined],
  ['$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS', undefined],
  ['{"json":1}', undefined],
];

for (const [text, expected] of rows) {
  test(`${JSON.stringify(text)} is ${expected === undefined ? 'no word' : 'a word'}`, () =>
    assert.deepEqual(parseExitWord(text), expected));
}
