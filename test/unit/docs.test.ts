import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultCodes } from '../../src/base/fault.ts';
import { packageRoot } from '../../src/base/paths.ts';
import { contract, definitions, type MessageDefinition } from '../../src/contract/contract.ts';
import { injectionFaults } from '../../src/contract/injections.ts';
import { configDocs } from '../support/config-docs.ts';
import { faultDocs, withFaults } from '../support/fault-docs.ts';
import { schemaFiles, withTables } from '../support/topic-docs.ts';

const docs = join(packageRoot, 'docs');
/** Topics with a section of their own; those of commands share one. */
const messages: readonly MessageDefinition[] = Object.values(contract);
const sections = messages.filter(({ schema }) => schema !== undefined).map(({ topic }) => topic);
const topicsPage = readFileSync(join(docs, 'topics.md'), 'utf8');

test('docs/config.md is what the schema says (npm run docs)', () => {
  assert.equal(readFileSync(join(docs, 'config.md'), 'utf8'), configDocs());
});

test('the tables of docs/topics.md are what the contract says (npm run docs)', () => {
  assert.equal(topicsPage, withTables(topicsPage));
  for (const topic of sections) {
    assert.ok(topicsPage.includes(`made by npm run docs: ${topic} `), `a table of ${topic}`);
  }
});

test('docs/faults.md is what the catalogue says (npm run docs)', () => {
  assert.equal(readFileSync(join(docs, 'faults.md'), 'utf8'), faultDocs());
});

test('docs/runbook.md has what the catalogue says of each fault (npm run docs)', () => {
  const page = readFileSync(join(docs, 'runbook.md'), 'utf8');
  assert.equal(page, withFaults(page));
  for (const code of faultCodes) assert.ok(page.includes(`#### ${code}\n`), code);
  const table = page.slice(page.indexOf('## Injecting faults'));
  for (const fault of injectionFaults) assert.ok(table.includes(`\`${fault}\``), fault);
});

test('docs/schemas is what the contract says (npm run docs)', () => {
  const files = schemaFiles();
  assert.deepEqual(readdirSync(join(docs, 'schemas')).sort(), [...files.keys()].sort());
  for (const [name, text] of files) {
    assert.equal(readFileSync(join(docs, 'schemas', name), 'utf8'), text, name);
  }
});

test('the examples in docs/topics.md are messages of their topics', () => {
  const without = new Set(sections);
  for (const part of topicsPage.split(/^## /m)) {
    const heading = /^.*/.exec(part)?.[0] ?? '';
    const allowed = definitions.filter(({ topic }) =>
      heading === 'Commands' ? topic.includes('/') : heading === `\`${topic}\``,
    );
    for (const [, example] of part.matchAll(/^```json\n(.*?)^```/gms)) {
      const value: unknown = JSON.parse(example ?? '');
      const found = allowed.find(({ schema }) => schema?.safeParse(value).success);
      assert.ok(found !== undefined, `below ${heading}: ${example}`);
      without.delete(found.topic);
    }
  }
  assert.deepEqual([...without], [], 'every topic has an example');
});
