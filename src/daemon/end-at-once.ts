import type { Fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import { type Clock, millis } from '../base/time.ts';
import type { Delivery } from '../mqtt/delivery.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import type { LifeRecord } from './life/life-record.ts';

/** A disk that does not take what waits within this is not waited for: every second of it is blind. */
const storeMax = millis(1000);

/**
 * Ends the process though a thread of it hangs in native code: nothing inside the process can end such
 * a thread, and an orderly exit would abort. What is recorded is brought to the disk, then SIGKILL.
 */
export async function endAtOnce(
  reason: Fault,
  parts: {
    readonly life: LifeRecord;
    readonly outbox: Pick<Outbox, 'close'>;
    readonly delivery: Pick<Delivery, 'stop'>;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<void> {
  const { life, outbox, delivery, clock, log } = parts;
  life.ending({ how: 'planned', fault: reason });
  log.error({ fault: reason }, 'a thread hangs: the process ends itself by SIGKILL');
  // What the broker acknowledges from here on is sent again: the outbox takes note of nothing more.
  delivery.stop();
  await Promise.race([outbox.close(), clock.sleep(storeMax, undefined)]);
  process.kill(process.pid, 'SIGKILL');
}
