import type { Fault } from '../base/fault.ts';
import { type BrokerOptions, openConnection } from './connection.ts';
import { askFor, type IncomingListener } from './subscriptions.ts';

export type ListenerOptions = BrokerOptions & {
  /** Topic filters; wildcards are allowed to who only looks on. */
  readonly filters: readonly string[];
  readonly onIncoming: IncomingListener;
  /** The broker was not reached at all; no more attempts follow. One that is lost later is waited for. */
  readonly onUnreached: (reason: Fault) => void;
  /** A subscription that the broker refuses, on a connection that goes on. */
  readonly onRefused: (reason: Fault) => void;
};

/** A connection that hears and never says anything: no will, no birth, nothing published. */
export interface Listener {
  close(): Promise<void>;
}

export function openListener(options: ListenerOptions): Listener {
  const connection = openConnection({
    ...options,
    will: undefined,
    onOpen: (client) => {
      for (const filter of options.filters) askFor(client, filter, 'kept', options.onRefused);
    },
    onGone: () => {},
  });
  // Without a will there is nothing to be said at the end, nor anybody to wait for.
  return { close: () => connection.close(false) };
}
