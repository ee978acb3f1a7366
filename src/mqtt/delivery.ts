import { type BackoffPolicy, backoff } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import { type Clock, millis } from '../base/time.ts';
import type { Outbox } from './outbox.ts';
import type { Entry } from './outbox-entry.ts';

/** What the outbox needs of a connection: QoS 1, one PUBACK awaited a message. */
export interface Deliverer {
  /**
   * `lost`: not acknowledged, because the connection ended, is not there, or `signal` aborted.
   * `refused`: the broker does not take it, now or later.
   */
  deliver(
    message: DeliveryMessage,
    signal: AbortSignal,
  ): Promise<'acknowledged' | 'lost' | 'refused'>;
  /** Resolves when there is a connection, or when `signal` aborts. */
  untilOnline(signal: AbortSignal): Promise<void>;
}

export type DeliveryMessage = {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly retain: boolean;
  readonly expirySeconds: number | undefined;
  readonly userProperties: Readonly<Record<string, string>>;
};

/**
 * Brings the outbox to the broker: strictly in order, each message at least once. What is not
 * acknowledged is sent again from the oldest on, so a subscriber may see a message twice, with the
 * same id, but never one before an older one that it has not seen.
 */
export interface Delivery {
  /**
   * A new connection: a broker may have come back without its retained messages, so the newest of
   * each retained topic is repeated, before anything newer.
   */
  repeatRetained(): void;
  /** What was retained so far was taken off the broker: it is not repeated any more. */
  forgetRetained(): void;
  /** Resolves when all is acknowledged, true, or when `signal` aborts, false. */
  untilEmpty(signal: AbortSignal): Promise<boolean>;
  /** How many messages the broker has taken, or refused for good. */
  acknowledged(): number;
  stop(): void;
}

export type DeliveryOptions = {
  readonly outbox: Outbox;
  readonly deliverer: Deliverer;
  readonly clock: Clock;
  readonly random: Random;
};

/**
 * Messages under way at once. Brokers may allow a client no more than 20 (mosquitto's
 * max_inflight_messages), and some are needed for status and health.
 */
const underWayMax = 10;
/** A broker that takes connections but not messages is not asked without a pause. */
const retryBackoff: BackoffPolicy = { first: millis(100), cap: millis(10_000) };

type Flight = { readonly entry: Entry; outcome: 'pending' | 'acknowledged' | 'lost' | 'refused' };

export function startDelivery({ outbox, deliverer, clock, random }: DeliveryOptions): Delivery {
  const stopped = new AbortController();
  /** The newest acknowledged message of each retained topic. */
  const retained = new Map<string, Entry>();
  let repeats: Entry[] = [];
  let flights: Flight[] = [];
  let round = new AbortController();
  let isPaused = false;
  let failures = 0;
  let acknowledged = 0;
  let waiting: (() => void)[] = [];

  const isEmpty = (): boolean => flights.length === 0 && outbox.figures().waiting === 0;

  const settle = (entry: Entry, outcome: 'acknowledged' | 'refused'): void => {
    if (entry.retain && outcome === 'acknowledged') retained.set(entry.topic, entry);
    outbox.remove(entry.id);
    acknowledged += 1;
    failures = 0;
    if (!isEmpty()) return;
    for (const resume of waiting) resume();
    waiting = [];
  };

  const advance = (): void => {
    for (;;) {
      const [first] = flights;
      // What the broker refuses would be refused for ever, and hold up all that follows.
      if (first?.outcome !== 'acknowledged' && first?.outcome !== 'refused') break;
      // First, so that what settling sets off sees it gone.
      flights.shift();
      settle(first.entry, first.outcome);
    }
    if (isPaused || stopped.signal.aborted) return;
    if (flights.some(({ outcome }) => outcome === 'lost')) {
      void resume();
      return;
    }
    const underWay = new Set(flights.map(({ entry }) => entry.id));
    const next = [...repeats, ...outbox.oldest(underWayMax)].filter(({ id }) => !underWay.has(id));
    for (const entry of next.slice(0, underWayMax - flights.length)) send(entry);
    repeats = repeats.filter((entry) => !flights.some((flight) => flight.entry === entry));
  };

  const send = (entry: Entry): void => {
    const flight: Flight = { entry, outcome: 'pending' };
    flights.push(flight);
    const { topic, payload, retain } = entry;
    const message = { topic, payload, retain, expirySeconds: undefined, userProperties: {} };
    const { signal } = round;
    void deliverer.deliver(message, signal).then((outcome) => {
      // An answer to an earlier round comes too late: the message is sent again.
      if (signal.aborted) return;
      flight.outcome = outcome;
      advance();
    });
  };

  /** Begins again from the oldest as soon as there is a connection. */
  const resume = async (): Promise<void> => {
    isPaused = true;
    round.abort();
    round = new AbortController();
    flights = [];
    // The first attempt after a connection was lost need not wait for more than the next one.
    if (failures > 0) {
      await clock.sleep(backoff(retryBackoff, failures - 1, random), stopped.signal);
    }
    failures += 1;
    await deliverer.untilOnline(stopped.signal);
    isPaused = false;
    advance();
  };

  outbox.onReady(advance);
  advance();
  return {
    repeatRetained: () => {
      repeats = [...retained.values()].sort((a, b) => a.id - b.id);
      advance();
    },
    forgetRetained: () => {
      retained.clear();
      repeats = [];
    },
    untilEmpty: async (signal) => {
      while (!isEmpty() && !signal.aborted) {
        await new Promise<void>((done) => {
          waiting.push(done);
          signal.addEventListener('abort', () => done(), { once: true });
        });
      }
      return isEmpty();
    },
    acknowledged: () => acknowledged,
    stop: () => {
      stopped.abort();
      round.abort();
    },
  };
}
