import type { Fault } from '../base/fault.ts';
import { type BrokerOptions, type LinkState, openConnection } from './connection.ts';
import { createOutgoing, type Delivered, type Delivery, type Publication } from './outgoing.ts';
import { createRefusalLog } from './refusals.ts';
import { createPacedSender } from './sender.ts';
import {
  createSubscriptions,
  type IncomingListener,
  type RetainedMeaning,
} from './subscriptions.ts';

export type LinkOptions = BrokerOptions & {
  /** Retained messages that the broker tells for us: when we are lost, and when we come. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly birth: { readonly topic: string; readonly payload: string };
  /** Messages to keep while there has been no connection; 0 drops them, as fresh results should be. */
  readonly offlineMessagesMax: number;
  /** What the broker would not take, on a connection that goes on; said once a connection. */
  readonly onRefused: (reason: Fault) => void;
};

/** The daemon's connection to its broker. Nothing here ever waits for the broker but `close`. */
export interface Link {
  state(): LinkState;
  /** Keeps a retained topic at this payload: QoS 1, sent again after every reconnect. */
  retain(topic: string, payload: string): void;
  /** Does not send it again any more; what the broker has stays there. */
  release(topic: string): void;
  /** QoS 0, once; false when it was dropped: no connection, or one that cannot keep up. */
  send(topic: string, payload: string): boolean;
  /**
   * QoS 1, once; tells what became of it. In the order of the calls, and no more at a time than the
   * broker takes. Never rejects. Without a connection it is `lost` at once.
   */
  deliver(message: Delivery, signal: AbortSignal): Promise<Delivered>;
  /** The same with QoS 0 or 1; one of QoS 0 is over when it is written. */
  publish(message: Publication, signal: AbortSignal): Promise<Delivered>;
  /** Resolves when there is a connection, or when `signal` aborts. */
  untilOnline(signal: AbortSignal): Promise<void>;
  /** QoS 1, an exact topic with one listener; asked for again after every reconnect. */
  subscribe(topic: string, onIncoming: IncomingListener, retained?: RetainedMeaning): Disposable;
  /** Messages that were accepted and are still waiting for a connection. */
  queued(): number;
  /**
   * Waits until everything is sent and acknowledged, says `farewell` (retained, QoS 1), and leaves.
   * Without a connection it leaves at once, unless messages are queued: then
   * `patience` ends the wait for one. `signal` ends every wait.
   */
  close(
    farewell: { topic: string; payload: string },
    patience: AbortSignal,
    signal: AbortSignal,
  ): Promise<boolean>;
}

export function openLink(options: LinkOptions): Link {
  const refusals = createRefusalLog(options.onRefused);
  const outgoing = createOutgoing(options.offlineMessagesMax, refusals.say);
  const subscriptions = createSubscriptions(refusals.say);
  const connection = openConnection({
    ...options,
    onOpen: (client, limits) => {
      refusals.forget();
      subscriptions.attach(client);
      outgoing.attach(createPacedSender(client, limits), options.birth);
    },
    onIncoming: subscriptions.receive,
    onGone: () => {
      outgoing.detach();
      subscriptions.detach();
    },
    onUnreached: undefined,
  });
  return {
    state: connection.state,
    retain: outgoing.retain,
    release: outgoing.release,
    send: outgoing.send,
    deliver: outgoing.deliver,
    publish: outgoing.publish,
    subscribe: subscriptions.subscribe,
    queued: outgoing.queued,
    untilOnline: connection.untilOnline,
    close: async (farewell, patience, signal) => {
      // What a lossless replay has queued is worth waiting for a connection.
      if (outgoing.queued() > 0) await connection.untilOnline(patience);
      let isFlushed = false;
      if (connection.state().kind === 'online') {
        await outgoing.untilIdle(signal);
        outgoing.retain(farewell.topic, farewell.payload);
        isFlushed = await outgoing.untilIdle(signal);
      }
      await connection.close(isFlushed);
      return isFlushed;
    },
  };
}
