import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultCodes } from '../../../src/base/fault.ts';
import { faultCatalogue } from '../../../src/contract/fault-catalogue.ts';

test('the catalogue has every fault, and none that is no more', () => {
  assert.deepEqual(Object.keys(faultCatalogue).sort(), [...faultCodes].sort());
});

test('each entry says what it means, what the daemon does and what to do, in sentences', () => {
  for (const [code, entry] of Object.entries(faultCatalogue)) {
    for (const [what, text] of Object.entries(entry)) {
      assert.match(text, /^[A-Z`'"].*\.$/s, `${code} ${what}`);
      assert.ok(text.length <= 260, `${code} ${what} is ${text.length} characters long`);
    }
  }
});
