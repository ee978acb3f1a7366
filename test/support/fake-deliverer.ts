import { setMaxListeners } from 'node:events';
import type { Deliverer, DeliveryMessage } from '../../src/mqtt/delivery.ts';

type Flight = {
  readonly message: DeliveryMessage;
  readonly resolve: (outcome: 'acknowledged' | 'lost') => void;
};

/** A connection and the broker behind it, step by step. */
export type FakeDeliverer = Deliverer & {
  /** What reached the broker, in order. */
  readonly received: DeliveryMessage[];
  connect(): void;
  /** The connection breaks after so many more messages have reached the broker. */
  cut(arriving: number): void;
  /** The next message reaches the broker; false when none is on its way. */
  arrive(): boolean;
  /** The next acknowledgement comes back; false when none is due. */
  acknowledge(): boolean;
};

export function createFakeDeliverer(): FakeDeliverer {
  const received: DeliveryMessage[] = [];
  let isOnline = false;
  let sent: Flight[] = [];
  let arrived: Flight[] = [];
  let waiting: (() => void)[] = [];
  const fake: FakeDeliverer = {
    received,
    deliver: (message, signal) =>
      new Promise((resolve) => {
        if (!isOnline || signal.aborted) return resolve('lost');
        // One signal is that of all of them.
        setMaxListeners(0, signal);
        sent.push({ message, resolve });
        signal.addEventListener('abort', () => resolve('lost'), { once: true });
      }),
    untilOnline: async (signal) => {
      while (!isOnline && !signal.aborted) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    connect: () => {
      isOnline = true;
      for (const resume of waiting) resume();
      waiting = [];
    },
    cut: (arriving) => {
      isOnline = false;
      for (let count = 0; count < arriving; count += 1) fake.arrive();
      for (const { resolve } of [...arrived, ...sent]) resolve('lost');
      sent = [];
      arrived = [];
    },
    arrive: () => {
      const flight = sent.shift();
      if (flight === undefined) return false;
      received.push(flight.message);
      arrived.push(flight);
      return true;
    },
    acknowledge: () => {
      const flight = arrived.shift();
      flight?.resolve('acknowledged');
      return flight !== undefined;
    },
  };
  return fake;
}
