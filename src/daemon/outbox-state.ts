import { type Fault, fault } from '../base/fault.ts';
import type { Micros } from '../base/time.ts';
import type { OutboxFigures } from '../mqtt/outbox.ts';

/*
 * How the outbox is, as a part of the daemon: it works with less while nothing is stored, though it
 * should be, and for some time after messages had to be given up.
 */

export type OutboxLosses = { readonly lost: number; readonly at: Micros | undefined };

export const noOutboxLosses: OutboxLosses = { lost: 0, at: undefined };

/** Long enough to be seen in health by whoever looks now and then. */
const lossesFor = 600_000_000;

export function stepLosses(
  before: OutboxLosses,
  { lost }: OutboxFigures,
  now: Micros,
): OutboxLosses {
  return lost > before.lost ? { lost, at: now } : before;
}

/** What is wrong with the outbox, if anything; `trouble` is its store's. */
export function outboxFaultOf(
  figures: OutboxFigures,
  losses: OutboxLosses,
  now: Micros,
  trouble: Fault | undefined,
): Fault | undefined {
  if (trouble !== undefined && !figures.stored) return trouble;
  if (losses.at === undefined || now - losses.at >= lossesFor) return undefined;
  const sentence = `${figures.lost} messages were given up since the start: the outbox was full`;
  return fault(
    'outbox.full',
    sentence,
    'Raise outbox.messagesMax, or look at what keeps the broker away.',
  );
}
