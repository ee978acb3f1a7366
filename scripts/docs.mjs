// Writes the documentation that is made from the code.
import { writeFileSync } from 'node:fs';
import { configDocs } from '../dist/test/support/config-docs.js';

writeFileSync(new URL('../docs/config.md', import.meta.url), configDocs());
