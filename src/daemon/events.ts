import type { Fault } from '../base/fault.ts';
import type { Clock, WallClock } from '../base/time.ts';
import { contract } from '../contract/contract.ts';
import type { EventCode } from '../contract/event-codes.ts';
import type { EventMessage } from '../contract/messages.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import { type Losses, lossCount } from '../mqtt/outbox-entry.ts';

/** Records what happened, for subscribers: through the outbox, so that none is lost. */
export interface Events {
  /** Something of its own kind; `data` holds its figures. */
  tell(code: EventCode, message: string, data: EventMessage['data']): void;
  /** A fault, with the thread or part it is about. */
  report(component: string, trouble: Fault): void;
}

export type EventsOptions = {
  readonly outbox: Pick<Outbox, 'offer'>;
  readonly topic: string;
  readonly session: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
};

export function createEvents({ outbox, topic, session, clock, wallClock }: EventsOptions): Events {
  const record = (event: Omit<EventMessage, 'session' | 'id' | 'at' | 'clockSynced'>): void => {
    const at = wallClock.isoOf(clock.now());
    const clockSynced = wallClock.isSynced();
    const payloadOf = (id: number): string => {
      const message: EventMessage = { session, id, at, clockSynced, ...event };
      return JSON.stringify(message);
    };
    outbox.offer('event', topic, payloadOf, contract.event.retained);
  };
  return {
    tell: (code, message, data) =>
      record({ code, message, ...(data === undefined ? {} : { data }) }),
    report: (component, { code, message, mend }) => record({ code, component, message, mend }),
  };
}

export function tellOverflow(events: Events, losses: Losses): void {
  const { label, event, verdict, firstId, lastId } = losses;
  const total = lossCount(losses);
  events.tell('outbox.overflow', `${total} messages were given up, because the outbox was full`, {
    lost: total,
    labels: label,
    events: event,
    verdicts: verdict,
    firstId,
    lastId,
  });
}
