import { constants, endianness } from 'node:os';
import { errorNumber, openLibrary } from './ffi.ts';
import { hold, type SystemResult } from './libc.ts';

/** Datagrams to a Unix socket, which Node.js cannot send. */

const libc = openLibrary(null);
const socket = libc.bind('int socket(int domain, int type, int protocol)');
const sendto = libc.bind(
  'long sendto(int descriptor, const void *bytes, size_t count, int flags, const void *address, unsigned int addressBytes)',
);

const { EBADF } = constants.errno;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** unix(7): so many bytes of a name fit in sun_path, the zero that ends a path or begins an abstract name included. */
const nameBytesMax = 108;

/** One end of a socket without connection, which only sends, and always to the same address. */
export interface DatagramSender extends Disposable {
  /** Sends one datagram whole, or not at all; never waits. Returns 0 or the errno. After disposal nothing is sent. */
  send(bytes: Uint8Array): number;
}

/** Whether it can be sent to is known only by sending: nobody is asked here. */
export function openDatagramSender(address: Uint8Array): SystemResult<DatagramSender> {
  const descriptor = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (descriptor < 0) return { ok: false, errno: errorNumber() };
  const held = hold(descriptor);
  let isOpen = true;
  return {
    ok: true,
    value: {
      send: (bytes) => {
        // The number may be another file's by now.
        if (!isOpen) return EBADF;
        const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        const sent = sendto(held.number, bytes, bytes.length, flags, address, address.length);
        return Number(sent) < 0 ? errorNumber() : 0;
      },
      [Symbol.dispose]: () => {
        isOpen = false;
        held[Symbol.dispose]();
      },
    },
  };
}

/**
 * struct sockaddr_un of an absolute path, or of an abstract name after an `@`; undefined for anything
 * else, and for what is too long.
 */
export function unixAddressOf(name: string): Uint8Array | undefined {
  const isAbstract = name.startsWith('@');
  if (!isAbstract && !name.startsWith('/')) return undefined;
  // An abstract name begins with a zero and ends with the address; a path ends with a zero.
  const path = Buffer.from(isAbstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (path.length > nameBytesMax || path.length < 2) return undefined;
  const family = endianness() === 'LE' ? [AF_UNIX, 0] : [0, AF_UNIX];
  return Buffer.concat([Uint8Array.from(family), path]);
}
