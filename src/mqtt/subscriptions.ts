import { assert } from '../base/assert.ts';
import { type Fault, fault } from '../base/fault.ts';

/** A message that came in on a topic that is subscribed to. */
export type Incoming = {
  readonly topic: string;
  readonly payload: Uint8Array;
  /**
   * The broker had kept it: it was said before we subscribed, and is not news. For a subscription to
   * what is `published` retained: whoever said it wanted it kept, as far as MQTT 5 tells.
   */
  readonly retained: boolean;
  /** MQTT 5; empty with 3.1.1. */
  readonly properties: {
    readonly responseTopic?: string;
    readonly correlationData?: Uint8Array;
    readonly userProperties?: Readonly<Record<string, string | readonly string[]>>;
  };
};

/**
 * A promise that it returns holds back everything else that comes in on the connection until it is
 * settled, acknowledgements too: it must neither reject nor wait for one.
 */
export type IncomingListener = (message: Incoming) => unknown;

/**
 * What `retained` tells of a message. A broker takes the flag off what it hands on at once; with MQTT 5
 * it can be asked to leave it on (3.8.3.1, Retain As Published).
 */
export type RetainedMeaning = 'kept' | 'published';

/** The part of a connection that messages come in by. */
export interface Receiver {
  subscribe(
    topic: string,
    options: { readonly qos: 1; readonly rap?: boolean },
    done: (error?: Error | null) => void,
  ): unknown;
  unsubscribe(topic: string, done: (error?: Error | null) => void): unknown;
}

/** What is subscribed to, over all connections: exact topics, each with one listener. */
export interface Subscriptions {
  attach(client: Receiver): void;
  detach(): void;
  /** Until it is disposed of; `onIncoming` is called once for every message. */
  subscribe(topic: string, onIncoming: IncomingListener, retained?: RetainedMeaning): Disposable;
  /** Returns what the listener did. */
  receive(message: Incoming): unknown;
}

type Listening = { readonly onIncoming: IncomingListener; readonly retained: RetainedMeaning };

/** More are a mistake: each is one packet at every connect. */
const subscriptionsMax = 64;

export function createSubscriptions(onRefused: (reason: Fault) => void): Subscriptions {
  const listeners = new Map<string, Listening>();
  let client: Receiver | undefined;

  const ask = (topic: string, { retained }: Listening): void => {
    const current = client;
    if (current === undefined) return;
    // What is heard of a connection that is gone is not the broker's answer.
    askFor(current, topic, retained, (reason) => current === client && onRefused(reason));
  };

  return {
    attach: (next) => {
      client = next;
      for (const [topic, listening] of listeners) ask(topic, listening);
    },
    detach: () => {
      client = undefined;
    },
    subscribe: (topic, onIncoming, retained = 'kept') => {
      assert(!/[#+]/.test(topic) && topic !== '', 'subscriptions are to exact topics');
      assert(!listeners.has(topic), 'a topic has one listener');
      assert(listeners.size < subscriptionsMax, 'so many subscriptions are a mistake');
      const listening = { onIncoming, retained };
      listeners.set(topic, listening);
      ask(topic, listening);
      return {
        [Symbol.dispose]: () => {
          if (listeners.get(topic) !== listening) return;
          listeners.delete(topic);
          client?.unsubscribe(topic, () => {});
        },
      };
    },
    // What arrives for a topic that was just given up has no listener any more.
    receive: (message) => listeners.get(message.topic)?.onIncoming(message),
  };
}

/** Asks for a topic at QoS 1; `onRefused` hears of the broker's no. */
export function askFor(
  client: Receiver,
  topic: string,
  retained: RetainedMeaning,
  onRefused: (reason: Fault) => void,
): void {
  const options =
    retained === 'published' ? ({ qos: 1, rap: true } as const) : ({ qos: 1 } as const);
  client.subscribe(topic, options, (error) => {
    const reason = refusalOf(topic, error);
    if (reason !== undefined) onRefused(reason);
  });
}

/** The broker's no to a subscription. */
export function refusalOf(topic: string, error: Error | null | undefined): Fault | undefined {
  // Without the broker's answer it is the connection that has gone.
  if (error == null || !('packet' in error) || error.packet == null) return undefined;
  return fault(
    'mqtt.subscription-refused',
    `the broker refuses the subscription to ${topic}: ${error.message}`,
    'Check that the broker allows this user to read there.',
  );
}
