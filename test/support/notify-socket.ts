import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { unixAddressOf } from '../../src/base/datagram.ts';
import { errorNumber, openLibrary } from '../../src/base/ffi.ts';
import { temporaryFolder } from './data.ts';

/** A Unix datagram socket that takes what systemd would be told. */
export interface NotifySocket extends Disposable {
  /** For NOTIFY_SOCKET. */
  readonly name: string;
  /** What has come and was not yet taken, a message each. */
  received(): string[];
  /** Nobody listens any more, though the path may still be there. */
  close(): void;
}

const libc = openLibrary(null);
const socket = libc.bind('int socket(int domain, int type, int protocol)');
const bind = libc.bind('int bind(int descriptor, const void *address, unsigned int addressBytes)');
const recv = libc.bind('long recv(int descriptor, void *target, size_t bytes, int flags)');
const close = libc.bind('int close(int descriptor)');

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const MSG_DONTWAIT = 0x40;
const { EAGAIN } = constants.errno;

export function openNotifySocket(kind: 'path' | 'abstract'): NotifySocket {
  const name =
    kind === 'path'
      ? join(temporaryFolder(), 'notify')
      : `@sightd-test/${randomBytes(8).toString('hex')}`;
  const address = unixAddressOf(name);
  if (address === undefined) throw new Error(`${name} is no address`);
  const descriptor = Number(socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0));
  if (descriptor < 0 || Number(bind(descriptor, address, address.length)) !== 0) {
    throw new Error(`${name}: errno ${errorNumber()}`);
  }
  let isOpen = true;
  const end = (): void => {
    if (isOpen) close(descriptor);
    isOpen = false;
  };
  return {
    name,
    received: () => {
      const messages: string[] = [];
      const target = Buffer.alloc(8192);
      for (;;) {
        const bytes = Number(recv(descriptor, target, target.length, MSG_DONTWAIT));
        if (bytes < 0 && errorNumber() !== EAGAIN) throw new Error(`errno ${errorNumber()}`);
        if (bytes < 0) return messages;
        messages.push(target.toString('utf8', 0, bytes));
      }
    },
    close: end,
    [Symbol.dispose]: () => {
      end();
      if (kind === 'path') rmSync(name, { force: true });
    },
  };
}
