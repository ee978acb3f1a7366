import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './data.ts';

/** A certificate and its key, as PEM files. */
export type CertificateFiles = { readonly cert: string; readonly key: string };

/** An authority of the test's own, made with the openssl command. */
export type Authority = {
  /** Its own certificate. */
  readonly ca: string;
  /** Signs a certificate; `names` as OpenSSL writes them, `DNS:localhost,IP:127.0.0.1`. */
  sign(name: string, names: string, validity?: Validity): CertificateFiles;
};

/** ASN.1 times, as `20300101000000Z`. */
export type Validity = { readonly from: string; readonly to: string };

const century: Validity = { from: '20000101000000Z', to: '20991231235959Z' };

/** `openssl ca` takes any dates, which `openssl x509` learned only lately. */
const config = (folder: string): string => `
[req]
distinguished_name = name
prompt = no
[name]
CN = sightd test authority
[v3_ca]
basicConstraints = critical,CA:TRUE
[ca]
default_ca = own
[own]
new_certs_dir = ${join(folder, 'signed')}
database = ${join(folder, 'index.txt')}
serial = ${join(folder, 'serial')}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

export function createAuthority(): Authority {
  const folder = temporaryFolder();
  const at = (file: string): string => join(folder, file);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const createKey = (file: string): void =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file);
  mkdirSync(at('signed'));
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('serial'), '1000');
  writeFileSync(at('openssl.cnf'), config(folder));
  createKey('ca.key');
  const own = ['-config', 'openssl.cnf', '-extensions', 'v3_ca', '-days', '3650'];
  openssl('req', '-x509', '-new', '-key', 'ca.key', '-out', 'ca.pem', ...own);
  return {
    ca: at('ca.pem'),
    sign: (name, names, validity = century) => {
      createKey(`${name}.key`);
      openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
      writeFileSync(at(`${name}.ext`), names === '' ? '' : `subjectAltName = ${names}\n`);
      const dates = ['-startdate', validity.from, '-enddate', validity.to];
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
      const authority = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-config', 'openssl.cnf'];
      openssl('ca', '-batch', '-notext', ...authority, ...dates, ...files);
      return { cert: at(`${name}.pem`), key: at(`${name}.key`) };
    },
  };
}
