import { connect, type MqttClient } from 'mqtt';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import {
  type EventMessage,
  eventMessageSchema,
  type HealthMessage,
  healthMessageSchema,
  labelMessageSchema,
  type ReportedMessage,
  reportedMessageSchema,
  resultMessageSchema,
} from '../../src/contract/messages.ts';

/** What the device has said, heard by a subscriber whose session the broker keeps. */
export type Watch = {
  /** All events since the start, each once, in order. */
  readonly events: readonly EventMessage[];
  readonly reports: readonly ReportedMessage[];
  /** The newest ones. */
  readonly results: readonly Seen[];
  readonly healths: readonly HealthMessage[];
  readonly counts: () => Counts;
  /** Promises that were found broken while listening. */
  readonly problems: readonly string[];
  /** True once the condition holds, false when it did not within `ms`. */
  until(condition: () => boolean, ms: number): Promise<boolean>;
  close(): Promise<void>;
};

/** A result: when it was captured and when it was heard, in milliseconds since 1970. */
export type Seen = {
  readonly session: string;
  readonly capturedAt: number;
  readonly heardAt: number;
};

export type Counts = {
  readonly results: number;
  readonly healths: number;
  readonly numbered: number;
  readonly duplicates: number;
  readonly sessions: number;
};

const keptMax = 2000;
const problemsMax = 20;
const topicsHeard = ['event', 'label', 'health', 'result', 'config/reported'];

export function openWatch(url: string, device: string): Watch {
  const events: EventMessage[] = [];
  const reports: ReportedMessage[] = [];
  const results: Seen[] = [];
  const healths: HealthMessage[] = [];
  const problems: string[] = [];
  const order = createOrderCheck((problem) => complain(problem));
  const counts = { results: 0, healths: 0 };
  let waiting: (() => void)[] = [];
  const complain = (problem: string): void => {
    if (problems.length < problemsMax) problems.push(problem);
  };

  const take = (name: string, payload: string): void => {
    const document: unknown = JSON.parse(payload);
    switch (name) {
      case 'event': {
        const event = eventMessageSchema.parse(document);
        if (order.isNew(event, payload)) events.push(event);
        break;
      }
      case 'label':
        order.isNew(labelMessageSchema.parse(document), payload);
        break;
      case 'config/reported': {
        const report = reportedMessageSchema.parse(document);
        if (order.isNew(report, payload)) keep(reports, report);
        break;
      }
      case 'health': {
        const health = healthMessageSchema.parse(document);
        counts.healths += 1;
        const missing = imbalanceOf(health.ledger);
        if (missing !== 0) complain(`a ledger does not add up by ${missing}: ${payload}`);
        if (health.outbox.lost > 0) complain(`the outbox lost ${health.outbox.lost} messages`);
        keep(healths, health);
        break;
      }
      default: {
        const { session, capturedAt } = resultMessageSchema.parse(document);
        counts.results += 1;
        keep(results, { session, capturedAt: Date.parse(capturedAt), heardAt: Date.now() });
      }
    }
  };

  const client: MqttClient = connect(url, {
    clientId: 'soak',
    protocolVersion: 5,
    // The broker keeps what comes while it, or this connection, is away.
    clean: false,
    properties: { sessionExpiryInterval: 86_400 },
    reconnectPeriod: 100,
  });
  const prefix = `sightd/${device}/`;
  client.on('connect', () => {
    for (const name of topicsHeard) client.subscribe(prefix + name, { qos: 1 });
  });
  // A broker that is away is one of the faults.
  client.on('error', () => {});
  client.on('message', (topic, payload) => {
    try {
      take(topic.slice(prefix.length), payload.toString());
    } catch (error) {
      complain(`${topic} is not as the contract has it: ${String(error)}`);
    }
    for (const resume of waiting) resume();
    waiting = [];
  });

  const until: Watch['until'] = async (condition, ms) => {
    const deadline = Date.now() + ms;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) return false;
      // Also what is no message may have come true.
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 50));
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  };
  return {
    ...{ events, reports, results, healths, problems, until },
    counts: () => ({ ...counts, ...order.counts() }),
    close: () => client.endAsync(true),
  };
}

function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > keptMax) list.splice(0, keptMax / 2);
}

type Numbered = { readonly id: number; readonly session: string };

/** Ids rise without a gap within a session, and what comes twice says the same. */
function createOrderCheck(complain: (problem: string) => void) {
  const seen = new Map<number, string>();
  const sessions = new Set<string>();
  let last: Numbered | undefined;
  let duplicates = 0;
  return {
    isNew: ({ id, session }: Numbered, payload: string): boolean => {
      const before = seen.get(id);
      if (before !== undefined) {
        duplicates += 1;
        if (before !== payload) complain(`id ${id} says two things: ${before} and ${payload}`);
        return false;
      }
      if (last !== undefined && id < last.id) {
        complain(`id ${id} comes for the first time after ${last.id}`);
      } else if (last?.session === session && id !== last.id + 1) {
        complain(`ids ${last.id + 1} to ${id - 1} are missing: ${payload}`);
      }
      last = { id, session };
      sessions.add(session);
      seen.set(id, payload);
      return true;
    },
    counts: () => ({ numbered: seen.size, duplicates, sessions: sessions.size }),
  };
}
