import type { Config } from '../contract/config.ts';
import type { PathError } from '../contract/messages.ts';
import { type Layer, type Layered, layerOver, limited } from './config-layers.ts';
import { isTree, nameOf } from './config-problem.ts';
import { endErrors, reachErrors, reachPolicyOf } from './remote-reach.ts';
import type { Verify } from './signature.ts';
import { errorsMax, parseStrictJson, shortened } from './strict-json.ts';

/** What a desired message asks for, or everything that is wrong with it. */
export type Desired =
  | {
      readonly kind: 'layer';
      readonly version: number;
      readonly layer: Layer;
      /** The whole config with the layer over the local one. */
      readonly config: Config;
    }
  /** An empty message: the remote layer shall go. */
  | { readonly kind: 'none' }
  /** `version` is that of the message, where it could be read. */
  | {
      readonly kind: 'refused';
      readonly version: number | null;
      readonly errors: readonly PathError[];
    };

/** A whole config takes 2 KiB; this leaves room for thresholds of a thousand labels. */
export const documentBytesMax = 64 * 1024;
/** `config.camera.region.x` is three levels; the rest is room to name what is wrong. */
const depthMax = 8;
/** Ed25519: RFC 8032, 5.1.6. */
const signatureBytes = 64;

/**
 * Reads a desired message, without side effects: size, encoding, JSON, signature, version, what may be
 * set remotely, and the schema. `local` is the device's own config, below the layer.
 */
export function readDesired(bytes: Uint8Array, local: Config, verify: Verify | undefined): Desired {
  if (bytes.length > documentBytesMax) {
    const size = `${bytes.length} bytes; at most ${documentBytesMax} are taken; send less`;
    return refused(null, [{ path: '', message: size }]);
  }
  if (bytes.length === 0) {
    if (verify === undefined) return { kind: 'none' };
    const message = 'empty, and so unsigned; to delete the layer, sign one with `"config": {}`';
    return refused(null, [{ path: '', message }]);
  }
  const outer = parseStrictJson(bytes, depthMax);
  if (!outer.ok) return refused(null, outer.errors);
  const opened = openEnvelope(outer.value, verify);
  return opened.ok ? readDocument(opened.value, local) : refused(null, opened.errors);
}

const refused = (version: number | null, errors: readonly PathError[]): Desired => ({
  kind: 'refused',
  version,
  errors: limited(errors),
});

type Opened =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly errors: readonly PathError[] };

const closed = (path: string, message: string): Opened => ({
  ok: false,
  errors: [{ path, message }],
});

/**
 * The document inside a signed envelope `{"payload": TEXT, "signature": BASE64}`. What is signed is the
 * payload's text as it stands, so that nobody has to agree on how JSON is written.
 */
function openEnvelope(value: unknown, verify: Verify | undefined): Opened {
  const isSigned = isTree(value) && ('payload' in value || 'signature' in value);
  if (!isSigned) {
    if (verify === undefined) return { ok: true, value };
    return closed('signature', 'not signed, but remoteConfig.publicKey is set; sign the document');
  }
  const { payload, signature, ...others } = value;
  if (verify === undefined) {
    const message =
      'signed, but there is no remoteConfig.publicKey to check it by; set the key, or send the payload alone';
    return closed('signature', message);
  }
  const stranger = Object.keys(others)[0];
  if (stranger !== undefined) {
    const message = 'not part of a signed document; it has payload and signature only';
    return closed(shortened(stranger, 60), message);
  }
  if (typeof payload !== 'string') {
    return closed('payload', `got ${nameOf(payload)}; expected the text of the document`);
  }
  const proof = typeof signature === 'string' ? Buffer.from(signature, 'base64') : undefined;
  if (proof?.length !== signatureBytes) {
    return closed(
      'signature',
      `got ${nameOf(signature)}; expected ${signatureBytes} bytes in base64`,
    );
  }
  const bytes = Buffer.from(payload, 'utf8');
  if (verify(bytes, proof)) return parseStrictJson(bytes, depthMax);
  return closed(
    'signature',
    'not of this payload by this key; sign the exact bytes of the payload',
  );
}

function readDocument(value: unknown, local: Config): Desired {
  if (!isTree(value)) {
    const message = `got ${nameOf(value)}; expected {"version": …, "config": {…}}`;
    return refused(null, [{ path: '', message }]);
  }
  const { version, config: layer, ...others } = value;
  const known = isVersion(version) ? version : null;
  const errors: PathError[] = Object.keys(others)
    .slice(0, errorsMax)
    .map((key) => ({
      path: shortened(key, 60),
      message: 'unknown key; a document has version and config',
    }));
  if (known === null) {
    const message = `got ${nameOf(version)}; expected a whole number from 1 on, higher than before`;
    errors.push({ path: 'version', message });
  }
  if (!isTree(layer)) {
    const message = `got ${nameOf(layer)}; expected a mapping of sections, {} for none`;
    return refused(known, [...errors, { path: 'config', message }]);
  }
  const judged = judge(layer, local);
  if (known !== null && errors.length === 0 && judged.ok) {
    return { kind: 'layer', version: known, layer, config: judged.config };
  }
  return refused(known, [...errors, ...(judged.ok ? [] : judged.errors)]);
}

const isVersion = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;

/** The config with the layer over the local one, if all of it may be set remotely and is right. */
export function judge(layer: Layer, local: Config): Layered {
  const layered = layerOver(local, layer);
  const out = reachErrors(layer, reachPolicyOf(local));
  const ends = layered.ok ? endErrors(layer, layered.config) : [];
  const isOut = (path: string): boolean =>
    out.some((error) => path === error.path || path.startsWith(`${error.path}.`));
  // What may not be set at all need not be right.
  const wrong = layered.ok ? [] : layered.errors.filter(({ path }) => !isOut(path));
  const errors = [...out, ...wrong, ...ends];
  if (layered.ok && errors.length === 0) return layered;
  return { ok: false, errors };
}
