import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';
import { configDocs } from '../support/config-docs.ts';

test('docs/config.md is what the schema says (npm run docs)', () => {
  assert.equal(readFileSync(join(packageRoot, 'docs', 'config.md'), 'utf8'), configDocs());
});
