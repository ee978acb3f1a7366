import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { PurgeResult } from '../contract/commands.ts';
import type { Topics } from '../contract/contract.ts';
import type { Delivery } from '../mqtt/delivery.ts';
import type { Link } from '../mqtt/link.ts';

export type PurgeParts = {
  readonly link: Pick<Link, 'publish'>;
  readonly delivery: Pick<Delivery, 'forgetRetained'>;
  readonly topics: Topics;
};

/** What this device has retained. `config/desired` is not its own: to clear it would change the config. */
export const retainedTopicsOf = ({ status, health, label, configReported }: Topics) => [
  status,
  health,
  label,
  configReported,
];

const note =
  '`label` and `config/reported` come back when they change. `status` comes back with the next connection and `health` with the next interval, for this device is still there; both are said once more when it stops. `config/desired` was left as it is: it is what somebody else wants of this device.';

/** Takes what is retained off the broker: an empty payload is forgotten by it (MQTT 5 3.3.1.3). */
export async function purge(
  { link, delivery, topics }: PurgeParts,
  signal: AbortSignal,
): Promise<Outcome<PurgeResult>> {
  const retained = retainedTopicsOf(topics);
  const outcomes = await Promise.all(retained.map((topic) => link.publish(emptyOf(topic), signal)));
  // What came before it on this connection is acknowledged too, and is not to be repeated on the next.
  delivery.forgetRetained();
  const left = retained.filter((_, index) => outcomes[index] !== 'acknowledged');
  if (left.length === 0) return success({ topics: retained, note });
  const sentence = `the broker did not take the empty message for ${left.join(', ')}`;
  return failure(fault('command.interrupted', sentence, 'Send it again.'));
}

const emptyOf = (topic: string) => ({
  topic,
  payload: '',
  qos: 1 as const,
  retain: true,
  expirySeconds: undefined,
  userProperties: {},
  correlationData: undefined,
});
