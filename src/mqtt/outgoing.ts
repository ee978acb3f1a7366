import { setMaxListeners } from 'node:events';
import type { Fault } from '../base/fault.ts';
import { type MessageProperties, type PublishOptions, Refusal, type Sender } from './sender.ts';

/** A message that must arrive: QoS 1. */
export type Delivery = {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly retain: boolean;
  /** MQTT 5: the broker forgets it after so long. */
  readonly expirySeconds: number | undefined;
  /** MQTT 5. */
  readonly userProperties: Readonly<Record<string, string>>;
};

/** A message on its way once: QoS 1 as a delivery, or QoS 0. */
export type Publication = Delivery & {
  readonly qos: 0 | 1;
  /** MQTT 5: what the answered request came with. */
  readonly correlationData: Uint8Array | undefined;
};

/**
 * `acknowledged`: the broker has it (QoS 0: it was written to the connection). `lost`: there is no connection, or it went before the broker
 * said anything; the broker may have it or not. `refused`: the broker answered no, or says that it
 * takes no packet so large; to send it again at once would bring the same answer.
 */
export type Delivered = 'acknowledged' | 'lost' | 'refused';

/**
 * What is on its way to the broker, bounded: QoS 0 messages up to a number not yet written to the
 * socket, and for each retained topic only its newest payload.
 */
export interface Outgoing {
  attach(client: Sender, birth: { topic: string; payload: string }): void;
  detach(): void;
  retain(topic: string, payload: string): void;
  /** Keeps a retained topic no more: what the broker has stays there, and is somebody else's to change. */
  release(topic: string): void;
  send(topic: string, payload: string): boolean;
  /** Never rejects; an aborted one is `lost`, though it may still arrive. */
  deliver(message: Delivery, signal: AbortSignal): Promise<Delivered>;
  /** The same, with a choice of QoS; one of QoS 0 is over when the connection has taken it. */
  publish(message: Publication, signal: AbortSignal): Promise<Delivered>;
  /** Messages that wait for a connection, or for one that keeps up. */
  queued(): number;
  /** Resolves when nothing is under way, true, or when aborted or disconnected, false. */
  untilIdle(signal: AbortSignal): Promise<boolean>;
}

type Retained = { payload: string; state: 'waiting' | 'sending' | 'sent' };

/** Unwritten QoS 0 messages at which the broker counts as too slow: two seconds at 30 fps. */
const unwrittenMax = 64;

/** Deliveries under way; who has more to deliver than this waits for some of them. */
const deliveriesMax = 1024;

/** Seconds for which a result is news: a broker that queues for a slow subscriber drops older ones. */
export const resultExpirySeconds = 10;

/** `onRefused` hears of every message that the broker does not take. */
export function createOutgoing(
  offlineMessagesMax: number,
  onRefused: (reason: Fault) => void,
): Outgoing {
  // What a lossless replay says never gets old.
  const resultProperties: MessageProperties =
    offlineMessagesMax > 0 ? {} : { messageExpiryInterval: resultExpirySeconds };
  const retained = new Map<string, Retained>();
  const deliveries = new Set<() => void>();
  const queue: { topic: string; payload: string }[] = [];
  let client: Sender | undefined;
  let unwritten = 0;
  let waiting: (() => void)[] = [];

  const isIdle = (): boolean =>
    unwritten === 0 &&
    queue.length === 0 &&
    deliveries.size === 0 &&
    [...retained.values()].every((entry) => entry.state === 'sent');

  const settle = (): void => {
    if (waiting.length === 0 || (client !== undefined && !isIdle())) return;
    for (const resume of waiting) resume();
    waiting = [];
  };

  const write = (topic: string, payload: string): void => {
    const current = client;
    if (current === undefined) return;
    unwritten += 1;
    current.publish(topic, payload, { qos: 0, properties: resultProperties }, (error) => {
      if (error instanceof Refusal) onRefused(error.fault);
      if (current !== client) return;
      unwritten -= 1;
      flush();
      settle();
    });
  };

  /** Sends what waited, as far as the socket keeps up. */
  const flush = (): void => {
    while (client !== undefined && queue.length > 0 && unwritten < unwrittenMax) {
      const next = queue.shift();
      if (next !== undefined) write(next.topic, next.payload);
    }
  };

  /** One PUBLISH a topic is under way; a newer payload follows on its acknowledgement. */
  const publishRetained = (topic: string, entry: Retained): void => {
    const current = client;
    if (current === undefined || entry.state === 'sending') return;
    entry.state = 'sending';
    const { payload } = entry;
    current.publish(topic, payload, { qos: 1, retain: true }, (error) => {
      if (current !== client || retained.get(topic) !== entry) return;
      const isNewest = entry.payload === payload;
      // A refused payload is not tried again on this connection: nothing waits for it.
      const wasAnswered = error == null || error instanceof Refusal;
      if (error instanceof Refusal) onRefused(error.fault);
      entry.state = wasAnswered && isNewest ? 'sent' : 'waiting';
      // What failed is sent again on the next connection; what is out of date, now.
      if (wasAnswered && !isNewest) publishRetained(topic, entry);
      settle();
    });
  };

  const retain = (topic: string, payload: string): void => {
    const entry = retained.get(topic) ?? { payload, state: 'waiting' };
    entry.payload = payload;
    if (entry.state === 'sent') entry.state = 'waiting';
    retained.set(topic, entry);
    publishRetained(topic, entry);
  };

  const publish: Outgoing['publish'] = (message, signal) =>
    new Promise((resolve) => {
      const current = client;
      if (current === undefined || signal.aborted || deliveries.size >= deliveriesMax) {
        resolve('lost');
        return;
      }
      const finish = (outcome: Delivered): void => {
        deliveries.delete(lose);
        signal.removeEventListener('abort', lose);
        resolve(outcome);
        settle();
      };
      const lose = (): void => finish('lost');
      deliveries.add(lose);
      // One signal may well be that of all of them; their number has its own limit.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', lose, { once: true });
      current.publish(message.topic, bytesOf(message.payload), publishOptions(message), (error) => {
        if (!deliveries.has(lose)) return;
        if (error instanceof Refusal) onRefused(error.fault);
        if (error == null) finish('acknowledged');
        else finish(error instanceof Refusal ? 'refused' : 'lost');
      });
    });

  return {
    attach: (next, birth) => {
      client = next;
      unwritten = 0;
      for (const entry of retained.values()) entry.state = 'waiting';
      retain(birth.topic, birth.payload);
      for (const [topic, entry] of retained) publishRetained(topic, entry);
      flush();
    },
    detach: () => {
      client = undefined;
      for (const lose of [...deliveries]) lose();
      settle();
    },
    retain,
    release: (topic) => {
      retained.delete(topic);
      settle();
    },
    send: (topic, payload) => {
      if (queue.length === 0 && client !== undefined && unwritten < unwrittenMax) {
        write(topic, payload);
        return true;
      }
      if (queue.length >= offlineMessagesMax) return false;
      queue.push({ topic, payload });
      return true;
    },
    publish,
    deliver: (message, signal) =>
      publish({ ...message, qos: 1, correlationData: undefined }, signal),
    queued: () => queue.length,
    untilIdle: async (signal) => {
      while (client !== undefined && !isIdle() && !signal.aborted) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      return client !== undefined && isIdle();
    },
  };
}

function publishOptions(message: Publication): PublishOptions {
  const { qos, retain, expirySeconds, userProperties, correlationData } = message;
  const hasUser = Object.keys(userProperties).length > 0;
  const properties = {
    ...(expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }),
    ...(hasUser ? { userProperties: { ...userProperties } } : {}),
    ...(correlationData === undefined ? {} : { correlationData: bufferOf(correlationData) }),
  };
  return { qos, retain, properties };
}

const bytesOf = (payload: string | Uint8Array): string | Buffer =>
  typeof payload === 'string' ? payload : bufferOf(payload);

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
