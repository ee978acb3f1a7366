import type { ClientRequestArgs } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** One certificate that the broker showed. */
export type Shown = {
  readonly name: string;
  readonly from: Date;
  readonly to: Date;
};

/** What is known of a TLS connection, whether it was accepted or not. */
export type Handshake = {
  /** Both sides have said all that TLS needs: what fails now, the broker refused. */
  isDone: boolean;
  /** The broker's own certificate first, then those that signed it. */
  chain: readonly Shown[];
};

/** Longer chains are not shown to anybody. */
const chainMax = 8;

/**
 * Keeps the certificates that a broker shows. Node.js forgets them together with the connection that
 * it refuses because of them, so they are read just before: its own listener for `secure` is the one
 * that refuses.
 */
export function watchHandshake(stream: Duplex, handshake: Handshake): void {
  if (!(stream instanceof TLSSocket)) return;
  stream.prependListener('secure', () => {
    handshake.chain = chainOf(stream.getPeerCertificate(true));
  });
  stream.once('secureConnect', () => {
    handshake.isDone = true;
  });
}

/** Opens the TLS connection of an HTTP request, watched. */
export function tlsConnector(handshake: Handshake): (request: ClientRequestArgs) => TLSSocket {
  return (request) => {
    // The options of TLS travel with those of the request.
    const { path: _path, ...options } = request as ConnectionOptions;
    const host = options.host ?? 'localhost';
    // RFC 6066, 3: an address is no server name. The request's path is no socket's.
    const socket = connect({ ...options, servername: isIP(host) === 0 ? host : '' });
    watchHandshake(socket, handshake);
    return socket;
  };
}

function chainOf(first: DetailedPeerCertificate): readonly Shown[] {
  const chain: Shown[] = [];
  let current: DetailedPeerCertificate | undefined = first;
  // A refused connection may have shown nothing: then it is an empty object.
  while (current?.valid_from !== undefined && chain.length < chainMax) {
    const { subject, valid_from, valid_to } = current;
    const name = String(subject?.CN ?? '');
    chain.push({ name, from: new Date(valid_from), to: new Date(valid_to) });
    const next: DetailedPeerCertificate | undefined = current.issuerCertificate;
    // A self-signed certificate is its own issuer.
    current = next === current ? undefined : next;
  }
  return chain;
}
