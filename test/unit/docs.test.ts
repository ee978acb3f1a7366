import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';
import { contract, type MessageDefinition } from '../../src/contract/contract.ts';
import { configDocs } from '../support/config-docs.ts';
import { schemaFiles, withTables } from '../support/topic-docs.ts';

const docs = join(packageRoot, 'docs');
const topicsPage = readFileSync(join(docs, 'topics.md'), 'utf8');

test('docs/config.md is what the schema says (npm run docs)', () => {
  assert.equal(readFileSync(join(docs, 'config.md'), 'utf8'), configDocs());
});

test('the tables of docs/topics.md are what the contract says (npm run docs)', () => {
  assert.equal(topicsPage, withTables(topicsPage));
  for (const { topic } of Object.values(contract)) {
    assert.ok(topicsPage.includes(`made by npm run docs: ${topic} `), `a table of ${topic}`);
  }
});

test('docs/schemas is what the contract says (npm run docs)', () => {
  const files = schemaFiles();
  assert.deepEqual(readdirSync(join(docs, 'schemas')).sort(), [...files.keys()].sort());
  for (const [name, text] of files) {
    assert.equal(readFileSync(join(docs, 'schemas', name), 'utf8'), text, name);
  }
});

test('the examples in docs/topics.md are messages of their topics', () => {
  const topicsWithout = new Set(Object.values(contract).map(({ topic }) => topic as string));
  for (const part of topicsPage.split(/^## /m)) {
    const topic = /^`([^`]+)`/.exec(part)?.[1];
    const definition: MessageDefinition | undefined = Object.values(contract).find(
      (one) => one.topic === topic,
    );
    for (const [, example] of part.matchAll(/^```json\n(.*?)^```/gms)) {
      assert.ok(definition !== undefined, `an example outside a topic's section: ${example}`);
      definition.schema.parse(JSON.parse(example ?? ''));
      topicsWithout.delete(definition.topic);
    }
  }
  assert.deepEqual([...topicsWithout], [], 'every topic has an example');
});
