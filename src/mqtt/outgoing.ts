import type { Deliverer } from './delivery.ts';

/** The part of a connection that messages leave by. */
export interface Sender {
  publish(
    topic: string,
    payload: string | Buffer,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
    done: (error?: Error | null) => void,
  ): unknown;
}

/**
 * What is on its way to the broker, bounded: QoS 0 messages up to a number not yet written to the
 * socket, and for each retained topic only its newest payload.
 */
export interface Outgoing {
  attach(client: Sender, birth: { topic: string; payload: string }): void;
  detach(): void;
  retain(topic: string, payload: string): void;
  send(topic: string, payload: string): boolean;
  readonly deliver: Deliverer['deliver'];
  /** Messages that wait for a connection, or for one that keeps up. */
  queued(): number;
  /** Resolves when nothing is under way, true, or when aborted or disconnected, false. */
  untilIdle(signal: AbortSignal): Promise<boolean>;
}

type Retained = { payload: string; state: 'waiting' | 'sending' | 'sent' };

/** Unwritten QoS 0 messages at which the broker counts as too slow: two seconds at 30 fps. */
const unwrittenMax = 64;

export function createOutgoing(offlineMessagesMax: number): Outgoing {
  const retained = new Map<string, Retained>();
  const queue: { topic: string; payload: string }[] = [];
  let client: Sender | undefined;
  let unwritten = 0;
  let waiting: (() => void)[] = [];
  /** What was given to this connection to deliver ends as lost with it. */
  const deliveries = new Set<(outcome: 'acknowledged' | 'lost') => void>();

  const isIdle = (): boolean =>
    unwritten === 0 &&
    queue.length === 0 &&
    [...retained.values()].every((entry) => entry.state === 'sent');

  const settle = (): void => {
    if (client !== undefined && !isIdle()) return;
    for (const resume of waiting) resume();
    waiting = [];
  };

  const write = (topic: string, payload: string): void => {
    const current = client;
    if (current === undefined) return;
    unwritten += 1;
    current.publish(topic, payload, { qos: 0 }, () => {
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
      if (current !== client) return;
      const isNewest = entry.payload === payload;
      entry.state = error == null && isNewest ? 'sent' : 'waiting';
      // What failed is sent again on the next connection; what is out of date, now.
      if (error == null && !isNewest) publishRetained(topic, entry);
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

  const deliver: Deliverer['deliver'] = ({ topic, payload, retain: isRetained }, signal) =>
    new Promise((resolve) => {
      const current = client;
      if (current === undefined || signal.aborted) return resolve('lost');
      const lose = (): void => finish('lost');
      const finish = (outcome: 'acknowledged' | 'lost'): void => {
        deliveries.delete(finish);
        signal.removeEventListener('abort', lose);
        resolve(outcome);
      };
      deliveries.add(finish);
      signal.addEventListener('abort', lose);
      const bytes = typeof payload === 'string' ? payload : Buffer.from(payload);
      current.publish(topic, bytes, { qos: 1, retain: isRetained }, (error) =>
        finish(error == null && current === client ? 'acknowledged' : 'lost'),
      );
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
      for (const finish of deliveries) finish('lost');
      settle();
    },
    retain,
    deliver,
    send: (topic, payload) => {
      if (queue.length === 0 && client !== undefined && unwritten < unwrittenMax) {
        write(topic, payload);
        return true;
      }
      if (queue.length >= offlineMessagesMax) return false;
      queue.push({ topic, payload });
      return true;
    },
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
