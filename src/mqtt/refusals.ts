import { type Fault, fault, messageOf } from '../base/fault.ts';
import type { Handshake, Shown } from './chain.ts';
import type { ConnectionEnd } from './protocol-choice.ts';

/** What is known about a connection that failed or ended. */
export type Evidence = {
  readonly url: string;
  readonly error: Error | undefined;
  readonly handshake: Handshake;
  /** The broker has accepted the login on this connection. */
  readonly wasOnline: boolean;
  /** More attempts follow. */
  readonly isPatient: boolean;
  readonly hasCertificate: boolean;
  /** The device's wall clock, in milliseconds since 1970. */
  readonly wallNow: number;
};

/** The address as it may be shown: without a login, and without what may be a token. */
export const addressOf = (url: string): string =>
  url.replace(/\/\/[^@/]*@/, '//').replace(/[?#].*$/, '');

/** How the connection ended, as far as the choice of the version goes. */
export function endOf({ url, error, handshake, wasOnline }: Evidence): ConnectionEnd {
  const code = codeOf(error);
  // CONNACK code 1 of MQTT 3.1.1, or reason 0x84 of MQTT 5: unsupported protocol version.
  if (!wasOnline && (code === 1 || code === 0x84)) return 'version refused';
  const wasReached = !isSecured(url) || handshake.isDone;
  return !wasOnline && wasReached && wasCut(error) ? 'no answer' : 'other';
}

const isSecured = (url: string): boolean => /^(mqtts|wss):/.test(url);

/** The other side closed, and that is all that is known. */
function wasCut(error: Error | undefined): boolean {
  const code = codeOf(error);
  return error === undefined || code === 'ECONNRESET' || code === 'EPIPE';
}

/** Why a connection failed, and what a person can do about it. */
export function connectionFault(evidence: Evidence): Fault {
  const reason = reasonOf(evidence);
  if (!evidence.isPatient) return reason;
  return { ...reason, mend: reason.mend.replace(/\.$/, '; sightd goes on and keeps trying.') };
}

function reasonOf(evidence: Evidence): Fault {
  const { url, error } = evidence;
  const address = addressOf(url);
  const code = codeOf(error);
  if (typeof code === 'number' && loginRefusals.has(code)) {
    const sentence = `the broker at ${address} refuses the login: ${messageOf(error)}`;
    return fault('mqtt.refused', sentence, 'Check mqtt.username and mqtt.passwordFile.');
  }
  const tls = typeof code === 'string' ? tlsFault(evidence, address, code) : undefined;
  if (tls !== undefined) return tls;
  // TLS 1.3 lets a client finish before the broker has looked at its certificate, and a broker that
  // then closes can overtake its own alert.
  if (evidence.handshake.isDone && !evidence.wasOnline && wasCut(error)) {
    const reason = 'it closed the connection once TLS was set up';
    return evidence.hasCertificate
      ? unreachable(address, reason, clientMend)
      : clientFault(address, reason, false);
  }
  if (isSecured(url) && !evidence.handshake.isDone && wasCut(error)) {
    return unreachable(address, 'it closed the connection before TLS was set up', portMend);
  }
  if (endOf(evidence) === 'version refused') {
    const mend = 'Set mqtt.protocol to auto, which finds the version, or to the one it speaks.';
    return unreachable(address, 'it does not speak the MQTT version of mqtt.protocol', mend);
  }
  // What getaddrinfo(3) says: no such name; no name server that could tell.
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const what = code === 'ENOTFOUND' ? 'nobody knows its name' : 'no name server answers';
    const mend = "Check the name in mqtt.url, and this device's network and name servers.";
    return unreachable(address, `${what} (${messageOf(error)})`, mend);
  }
  const silence = evidence.wasOnline ? 'the connection was closed' : 'it closed without an answer';
  const reason = error === undefined ? silence : describe(error);
  return unreachable(address, reason, `Check that it runs and that mqtt.url is right.`);
}

/** MQTT 5 3.14.2: a broker that ends the connection may say why. */
export function disconnectError(reasonCode: number | undefined, reason: string | undefined): Error {
  const code = reasonCode ?? 0;
  const number = `reason 0x${code.toString(16).padStart(2, '0')}`;
  const message = reason === undefined ? number : `${reason} (${number})`;
  return Object.assign(new Error(`the broker ended the connection: ${message}`), { code });
}

/** Says each refusal once a connection, whatever the number of messages. */
export function createRefusalLog(say: (reason: Fault) => void): {
  say(reason: Fault): void;
  forget(): void;
} {
  const said = new Set<string>();
  return {
    say: (reason) => {
      // The number of bytes differs from message to message.
      const key = `${reason.code} ${reason.message.replaceAll(/\d+ bytes/g, '')}`;
      if (said.has(key)) return;
      said.add(key);
      say(reason);
    },
    forget: () => said.clear(),
  };
}

/** CONNACK: 4 and 5 in MQTT 3.1.1; in MQTT 5 bad credentials, not authorized, banned, bad method. */
const loginRefusals = new Set([4, 5, 0x86, 0x87, 0x8a, 0x8c]);

const clientMend = `Check mqtt.cert and mqtt.key, and that the broker trusts who signed them.`;

const portMend = `Check that this is the broker's port for TLS (often 8883), not the plain one.`;

function unreachable(address: string, reason: string, mend: string): Fault {
  return fault('mqtt.unreachable', `no connection to the broker at ${address}: ${reason}`, mend);
}

function tlsFault(evidence: Evidence, address: string, code: string): Fault | undefined {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return validityFault(evidence, address, code === 'CERT_HAS_EXPIRED');
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = evidence.error === undefined ? '' : namesOf(evidence.error);
    return fault(
      'mqtt.tls-name',
      `the certificate of the broker at ${address} is not for this name: it is for ${names}`,
      `Use one of its names in mqtt.url, or a certificate that has this one.`,
    );
  }
  if (untrusted.has(code)) {
    return fault(
      'mqtt.tls-untrusted',
      `the certificate of the broker at ${address} is not signed by anybody trusted here: ${messageOf(evidence.error)}`,
      `Set mqtt.ca to the certificate of the authority that signed it.`,
    );
  }
  const alert = /_ALERT_(.+)$/.exec(code)?.[1];
  if (alert !== undefined && (clientAlerts.test(alert) || evidence.handshake.isDone)) {
    const reason = `it says "${alert.toLowerCase().replaceAll('_', ' ')}"`;
    return clientFault(address, reason, evidence.hasCertificate);
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE/.test(code)) {
    return unreachable(address, 'this port does not speak TLS', portMend);
  }
  return undefined;
}

/** What a broker says of a client's certificate that it misses or does not like (RFC 8446, 6.2). */
const clientAlerts =
  /CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED|DECRYPT_ERROR|DECRYPTION_FAILED/;

/** What OpenSSL says of a chain that leads to nobody trusted, by Node's names of it. */
const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
]);

function clientFault(address: string, reason: string, hasCertificate: boolean): Fault {
  if (hasCertificate) {
    const sentence = `the broker at ${address} refuses this device's certificate: ${reason}`;
    return fault('mqtt.tls-client', sentence, clientMend);
  }
  return fault(
    'mqtt.tls-client',
    `the broker at ${address} seems to want a certificate of this device: ${reason}`,
    `Set mqtt.cert and mqtt.key.`,
  );
}

/** Says both clocks, the issuer's and the device's: on a device without a battery it is often its own. */
function validityFault({ handshake, wallNow }: Evidence, address: string, isOver: boolean): Fault {
  const [own] = handshake.chain;
  const isOutside = ({ from, to }: Shown): boolean =>
    isOver ? to.getTime() < wallNow : from.getTime() > wallNow;
  const shown = handshake.chain.find(isOutside) ?? own;
  const of = shown === own ? 'the certificate' : `the certificate "${shown?.name}"`;
  const dates =
    shown === undefined ? '' : `it is valid from ${isoOf(shown.from)} to ${isoOf(shown.to)}, and `;
  const clock = `this device's clock says ${isoOf(new Date(wallNow))}`;
  const what = isOver ? 'has expired' : 'is not valid yet';
  return fault(
    'mqtt.tls-expired',
    `${of} of the broker at ${address} ${what}: ${dates}${clock}`,
    isOver
      ? `If that clock is right, renew the certificate; else set the clock.`
      : `That clock is most likely behind: set it, or let it reach a time server.`,
  );
}

const isoOf = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** The names in a certificate, from the error about it: `DNS:a, IP Address:1.2.3.4`. */
function namesOf(error: Error): string {
  const cert: unknown = 'cert' in error ? error.cert : undefined;
  const has = typeof cert === 'object' && cert !== null;
  const alternatives = has && 'subjectaltname' in cert ? String(cert.subjectaltname ?? '') : '';
  const names = alternatives.replaceAll(/(DNS|IP Address|URI):/g, '');
  return names === '' ? 'no name at all (its subject does not count)' : names.slice(0, 200);
}

function codeOf(error: Error | undefined): unknown {
  return error !== undefined && 'code' in error ? error.code : undefined;
}

/** Node reports several refused addresses as an error without a message. */
function describe(error: Error): string {
  const code = codeOf(error);
  return error.message || (typeof code === 'string' ? code : error.name);
}
