import type { Log } from '../base/log.ts';
import type { Millis } from '../base/time.ts';
import type { Delivery } from '../mqtt/delivery.ts';
import type { Link } from '../mqtt/link.ts';
import type { Outbox } from '../mqtt/outbox.ts';

export type OutboxClosing = {
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly link: Link;
  readonly log: Log;
  /** Ends the wait for a connection. */
  readonly patience: AbortSignal;
  /** How long to send, where there is a connection. */
  readonly sendMax: Millis;
};

/** Sends what can be sent; the rest stays for the next start, if there is a store. */
export async function closeOutbox(closing: OutboxClosing): Promise<void> {
  const { outbox, delivery, link, log, patience, sendMax } = closing;
  const isWorthWaiting = !outbox.figures().stored || link.queued() > 0;
  if (isWorthWaiting) await link.untilOnline(patience);
  if (link.state().kind === 'online') await delivery.untilEmpty(AbortSignal.timeout(sendMax));
  delivery.stop();
  const { stored, waiting } = outbox.figures();
  await outbox.close();
  if (waiting === 0) return;
  if (stored) log.info({ waiting }, 'labels and events are kept for the next start');
  else log.warn({ lost: waiting }, 'labels and events lost: no connection and no store');
}
