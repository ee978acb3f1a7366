import { constants } from 'node:os';
import { type DatagramSender, openDatagramSender, unixAddressOf } from '../base/datagram.ts';
import { type Clock, type Millis, micros, millisOf } from '../base/time.ts';
import { type Notification, notificationText, watchdogMicros } from './notification.ts';

const { EAGAIN, ENOBUFS, EINTR } = constants.errno;

/**
 * Tells systemd how this process is. Never waits and never fails: without systemd, or with one that
 * does not listen, nothing happens.
 */
export interface Notifier extends Disposable {
  /** Milliseconds between two keep-alives that systemd wants at most; undefined without a watchdog for this process. */
  readonly watchdog: Millis | undefined;
  /** Started. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** Starting, reloading or stopping takes longer: it shall not be given up before `by` from now. */
  extendTimeout(by: Millis): void;
  /** Reloads by `work`, which returns a line for `systemctl status`. Who has not started yet is not ready by it. */
  reload(work: () => string): void;
  stopping(status: string): void;
  keepAlive(): void;
}

/** Opens the socket that systemd names in the environment of a unit with `Type=notify`. */
export function openNotifier(environment: NodeJS.ProcessEnv, clock: Clock): Notifier {
  const watchdog = watchdogMicros(environment, process.pid);
  const sender = openSender(environment['NOTIFY_SOCKET']);
  const say = sender === undefined ? () => {} : createQueue(sender);
  let isReady = false;
  const ready = (status: string): void => {
    isReady = true;
    say({ kind: 'ready', status });
  };
  return {
    watchdog: watchdog === undefined ? undefined : millisOf(micros(watchdog)),
    ready,
    status: (text) => say({ kind: 'status', text }),
    extendTimeout: (by) => say({ kind: 'extend-timeout', by }),
    reload: (work) => {
      if (isReady) say({ kind: 'reloading', at: clock.now() });
      const status = work();
      if (isReady) ready(status);
      else say({ kind: 'status', text: status });
    },
    stopping: (status) => say({ kind: 'stopping', status }),
    keepAlive: () => say({ kind: 'keep-alive' }),
    [Symbol.dispose]: () => sender?.[Symbol.dispose](),
  };
}

/** sd_notify(3): the address is an absolute path, or `@` and an abstract name. */
function openSender(name: string | undefined): DatagramSender | undefined {
  const address = name === undefined ? undefined : unixAddressOf(name);
  if (address === undefined) return undefined;
  const opened = openDatagramSender(address);
  return opened.ok ? opened.value : undefined;
}

/**
 * A queue that is full is no reason to wait, but neither to be silent for good: a `READY=1` that got
 * lost would be the end of this process. So what was not taken is said again before what comes next,
 * the last of each kind in the order in which they were said. A keep-alive is for now or never.
 */
function createQueue(sender: DatagramSender): (notification: Notification) => void {
  const owed = new Map<Notification['kind'], Notification>();
  return (notification) => {
    owed.delete(notification.kind);
    owed.set(notification.kind, notification);
    for (const [kind, next] of owed) {
      const errno = sender.send(Buffer.from(notificationText(next)));
      if (errno === EAGAIN || errno === ENOBUFS || errno === EINTR) break;
      owed.delete(kind);
    }
    owed.delete('keep-alive');
  };
}
