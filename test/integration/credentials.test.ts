import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CredentialsConfig, readCredentials } from '../../src/mqtt/credentials.ts';
import { skipWithout } from '../support/brokers.ts';
import { createAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/data.ts';

const configOf = (files: Partial<CredentialsConfig>): CredentialsConfig => ({
  username: undefined,
  passwordFile: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  ...files,
});

function refusal(files: Partial<CredentialsConfig>, folder?: string): string {
  const credentials = readCredentials(configOf(files), folder);
  assert.ok(!credentials.ok);
  assert.equal(credentials.fault.code, 'mqtt.credentials');
  return `${credentials.fault.message} ${credentials.fault.mend}`;
}

test('the password is the first line of its file', () => {
  const file = join(temporaryFolder(), 'password');
  for (const text of ['secret', 'secret\n', 'secret\r\nmore\n']) {
    writeFileSync(file, text);
    const credentials = readCredentials(configOf({ username: 'u', passwordFile: file }), undefined);
    assert.ok(credentials.ok);
    assert.deepEqual([credentials.value.username, credentials.value.password], ['u', 'secret']);
  }
});

test('a credential of systemd is read from its folder, and missed with the line that gives it', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'broker'), 'secret\n');
  const config = configOf({ username: 'u', passwordFile: 'credential:broker' });
  const credentials = readCredentials(config, folder);
  assert.ok(credentials.ok && credentials.value.password === 'secret');
  assert.match(refusal(config), /LoadCredential=broker:/);
  assert.match(refusal({ ca: 'credential:other' }, folder), /mqtt\.ca: cannot read .*other/);
});

test('files that are missing, of no use or of another key are named, and never quoted', {
  skip: skipWithout('openssl'),
}, () => {
  const authority = createAuthority();
  const [own, other] = [authority.sign('own', ''), authority.sign('other', '')];
  const folder = temporaryFolder();
  const garbage = join(folder, 'garbage.pem');
  writeFileSync(garbage, 'secret garbage\n');
  mkdirSync(join(folder, 'folder'));
  assert.ok(readCredentials(configOf({ ca: authority.ca, ...own }), undefined).ok);
  const rows: readonly [Partial<CredentialsConfig>, RegExp][] = [
    [{ ca: '/nowhere/ca.pem' }, /mqtt\.ca: cannot read \/nowhere\/ca\.pem: ENOENT/],
    [{ ca: join(folder, 'folder') }, /mqtt\.ca: cannot read .*folder: EISDIR/],
    [{ ca: garbage }, /mqtt\.ca: .*garbage\.pem holds no certificate/],
    [{ ...own, cert: garbage }, /mqtt\.cert: .*garbage\.pem holds no certificate/],
    [{ ...own, key: garbage }, /mqtt\.key: .*garbage\.pem holds no private key/],
    [{ ...own, key: own.cert }, /mqtt\.key: .*own\.pem holds no private key/],
    [{ cert: own.cert, key: other.key }, /mqtt\.key: .*other\.key is not the key of .*own\.pem/],
  ];
  const key = readFileSync(own.key, 'utf8').split('\n')[1] ?? '';
  for (const [files, words] of rows) {
    const sentence = refusal(files);
    assert.match(sentence, words);
    assert.ok(!sentence.includes('secret garbage') && !sentence.includes(key));
  }
});
