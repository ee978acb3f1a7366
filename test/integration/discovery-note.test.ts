import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNoteStore } from '../../src/daemon/discovery-note.ts';
import { temporaryFolder } from '../support/data.ts';

const note = { 'homeassistant/device/sightd_porch/config': { label: 'sensor' } } as const;

test('the note is there after a restart, and leaves nothing when it is empty', () => {
  const folder = join(temporaryFolder(), 'state');
  const path = join(folder, 'home-assistant.json');
  assert.deepEqual(openNoteStore(folder).read(), { ok: true, value: {} });
  assert.ok(openNoteStore(folder).write(note).ok);
  assert.deepEqual(openNoteStore(folder).read(), { ok: true, value: note });
  assert.ok(openNoteStore(folder).write({}).ok);
  assert.ok(!existsSync(path));
  assert.ok(openNoteStore(folder).write({}).ok);
  assert.deepEqual(openNoteStore(folder).read(), { ok: true, value: {} });
});

test('a note that is broken is said, and written anew', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'home-assistant.json');
  for (const text of ['', '{', '[]', '{"a":{"b":"lamp"}}', '{"":{}}', 'null']) {
    writeFileSync(path, text);
    const found = openNoteStore(folder).read();
    assert.ok(!found.ok, text);
    assert.equal(found.fault.code, 'state.broken');
  }
  assert.ok(openNoteStore(folder).write(note).ok);
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), note);
});

test('a folder that cannot be written to is said, and none at all is fine', () => {
  const store = openNoteStore('/proc/sightd');
  assert.deepEqual(store.read(), { ok: true, value: {} });
  const written = store.write(note);
  assert.ok(!written.ok && written.fault.code === 'state.unwritable');
  assert.ok(openNoteStore(undefined).write(note).ok);
  assert.deepEqual(openNoteStore(undefined).read(), { ok: true, value: {} });
});
