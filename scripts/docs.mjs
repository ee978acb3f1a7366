// Writes the documentation that is made from the code.
import { readFileSync, writeFileSync } from 'node:fs';
import { configDocs } from '../dist/test/support/config-docs.js';
import { faultDocs, withFaults } from '../dist/test/support/fault-docs.js';
import { schemaFiles, withTables } from '../dist/test/support/topic-docs.js';

const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('config.md', docs), configDocs());
const topics = new URL('topics.md', docs);
writeFileSync(topics, withTables(readFileSync(topics, 'utf8')));
for (const [name, text] of schemaFiles()) writeFileSync(new URL(`schemas/${name}`, docs), text);
writeFileSync(new URL('faults.md', docs), faultDocs());
const runbook = new URL('runbook.md', docs);
writeFileSync(runbook, withFaults(readFileSync(runbook, 'utf8')));
