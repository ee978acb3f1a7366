import { assert } from '../base/assert.ts';
import { type Fault, fault } from '../base/fault.ts';

/** A message that came in on a topic that is subscribed to. */
export type Incoming = {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker had kept it: it was said before we subscribed, and is not news. */
  readonly retained: boolean;
  /** MQTT 5; empty with 3.1.1. */
  readonly properties: {
    readonly responseTopic?: string;
    readonly correlationData?: Uint8Array;
    readonly userProperties?: Readonly<Record<string, string | readonly string[]>>;
  };
};

export type IncomingListener = (message: Incoming) => void;

/** The part of a connection that messages come in by. */
export interface Receiver {
  subscribe(
    topic: string,
    options: { readonly qos: 1 },
    done: (error?: Error | null) => void,
  ): unknown;
  unsubscribe(topic: string, done: (error?: Error | null) => void): unknown;
}

/** What is subscribed to, over all connections: exact topics, each with one listener. */
export interface Subscriptions {
  attach(client: Receiver): void;
  detach(): void;
  /** Until it is disposed of; `onIncoming` is called once for every message. */
  subscribe(topic: string, onIncoming: IncomingListener): Disposable;
  receive(message: Incoming): void;
}

/** More are a mistake: each is one packet at every connect. */
const subscriptionsMax = 64;

export function createSubscriptions(onRefused: (reason: Fault) => void): Subscriptions {
  const listeners = new Map<string, IncomingListener>();
  let client: Receiver | undefined;

  const ask = (topic: string): void => {
    const current = client;
    if (current === undefined) return;
    // What is heard of a connection that is gone is not the broker's answer.
    askFor(current, topic, (reason) => current === client && onRefused(reason));
  };

  return {
    attach: (next) => {
      client = next;
      for (const topic of listeners.keys()) ask(topic);
    },
    detach: () => {
      client = undefined;
    },
    subscribe: (topic, onIncoming) => {
      assert(!/[#+]/.test(topic) && topic !== '', 'subscriptions are to exact topics');
      assert(!listeners.has(topic), 'a topic has one listener');
      assert(listeners.size < subscriptionsMax, 'so many subscriptions are a mistake');
      listeners.set(topic, onIncoming);
      ask(topic);
      return {
        [Symbol.dispose]: () => {
          if (listeners.get(topic) !== onIncoming) return;
          listeners.delete(topic);
          client?.unsubscribe(topic, () => {});
        },
      };
    },
    // What arrives for a topic that was just given up has no listener any more.
    receive: (message) => listeners.get(message.topic)?.(message),
  };
}

/** Asks for a topic at QoS 1; `onRefused` also hears of a connection that ended meanwhile. */
export function askFor(client: Receiver, topic: string, onRefused: (reason: Fault) => void): void {
  client.subscribe(topic, { qos: 1 }, (error) => {
    if (error == null) return;
    onRefused(
      fault(
        'mqtt.subscription-refused',
        `the broker refuses the subscription to ${topic}: ${error.message}`,
        'Check that the broker allows this user to read there.',
      ),
    );
  });
}
