import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { type Fault, failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { MqttConfig } from '../contract/config.ts';

/** What the link shows to a broker and holds against it. Never logged, printed or published. */
export type Credentials = {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: TlsFiles;
};

/** The files' contents, as PEM. */
export type TlsFiles = {
  /** Whom to trust; the authorities that Node.js knows when absent. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
};

type FileKey = 'passwordFile' | 'ca' | 'cert' | 'key';
export type CredentialsConfig = Pick<MqttConfig, FileKey | 'username'>;

/** Before a path: the file is a credential that systemd handed in, in this folder. */
const credentialPrefix = 'credential:';
/** A chain of many authorities: the whole of Debian's is 220 KB. */
const fileBytesMax = 4 * 1024 * 1024;

/**
 * Reads the files that the config names. `folder` is systemd's $CREDENTIALS_DIRECTORY. The link reads
 * them before every connection, so that a renewed certificate or password needs no restart.
 */
export function readCredentials(
  config: CredentialsConfig,
  folder: string | undefined,
): Outcome<Credentials> {
  const texts: Partial<Record<FileKey, string>> = {};
  for (const key of ['passwordFile', 'ca', 'cert', 'key'] as const) {
    const path = config[key];
    if (path === undefined) continue;
    const text = readText(key, path, folder);
    if (!text.ok) return text;
    texts[key] = text.value;
  }
  const tls = { ca: texts.ca, cert: texts.cert, key: texts.key };
  const problem = tlsProblemOf(config, tls);
  if (problem !== undefined) return failure(problem);
  const password = texts.passwordFile?.split(/\r?\n/, 1)[0];
  return success({ username: config.username, password, tls });
}

function readText(key: FileKey, path: string, folder: string | undefined): Outcome<string> {
  const refuse = (reason: string, mend: string) =>
    failure(fault('mqtt.credentials', `mqtt.${key}: ${reason}`, mend));
  const name = path.startsWith(credentialPrefix) ? path.slice(credentialPrefix.length) : undefined;
  if (name !== undefined && folder === undefined) {
    const mend = `Give it in the unit with LoadCredential=${name}:/path/of/the/file.`;
    return refuse(`systemd handed in no credentials, so there is no ${path}`, mend);
  }
  const file = name === undefined ? path : join(folder ?? '', name);
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length <= fileBytesMax) return success(text);
    return refuse(`${file} is larger than 4 MiB`, 'Is this the right file?');
  } catch (error) {
    const mend = 'Check the path and that this user may read it.';
    return refuse(`cannot read ${file}: ${messageOf(error)}`, mend);
  }
}

/** What is wrong with the TLS files in themselves; the sentences name paths, never contents. */
function tlsProblemOf(config: CredentialsConfig, tls: TlsFiles): Fault | undefined {
  const refuse = (key: FileKey, what: string, mend: string): Fault =>
    fault('mqtt.credentials', `mqtt.${key}: ${config[key]} ${what}`, mend);
  for (const key of ['ca', 'cert'] as const) {
    const text = tls[key];
    if (text !== undefined && !isCertificate(text)) {
      return refuse(key, 'holds no certificate', 'It must be a PEM file: BEGIN CERTIFICATE.');
    }
  }
  const { cert, key } = tls;
  if (cert === undefined || key === undefined) return undefined;
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.includes('KEY_VALUES_MISMATCH') || code.includes('KEY_TYPE_MISMATCH')) {
      const mend = `Give the key that ${config.cert} was made for.`;
      return refuse('key', `is not the key of ${config.cert}`, mend);
    }
    const mend = 'It must be a PEM file without a passphrase: BEGIN PRIVATE KEY.';
    return refuse('key', 'holds no private key that can be used', mend);
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== undefined;
  } catch {
    return false;
  }
}
