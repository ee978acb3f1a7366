import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';

/** Tells whether a signature is of these bytes, by the key it was made for. */
export type Verify = (bytes: Uint8Array, signature: Uint8Array) => boolean;

/** RFC 8410, 4: what goes before the 32 bytes of an Ed25519 key in its DER form. */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** The verifier of a public key, PEM or its 32 bytes in base64; undefined without a key. */
export function verifierOf(key: string | undefined): Outcome<Verify | undefined> {
  if (key === undefined) return success(undefined);
  const mend = 'Write it with `openssl pkey -in KEY -pubout`; docs/remote-config.md shows how.';
  try {
    const read: KeyObject = key.startsWith('-----')
      ? createPublicKey(key)
      : createPublicKey({
          key: Buffer.concat([derPrefix, Buffer.from(key, 'base64')]),
          format: 'der',
          type: 'spki',
        });
    if (read.asymmetricKeyType !== 'ed25519') {
      const sentence = `remoteConfig.publicKey: a key for ${read.asymmetricKeyType}, not Ed25519`;
      return failure(fault('config.invalid', sentence, mend));
    }
    return success((bytes, signature) => verify(null, bytes, read, signature));
  } catch (error) {
    const sentence = `remoteConfig.publicKey: not a public key: ${messageOf(error)}`;
    return failure(fault('config.invalid', sentence, mend));
  }
}
