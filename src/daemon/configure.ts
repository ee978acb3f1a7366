import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import { seconds } from '../base/time.ts';
import type { ConfigureResult } from '../contract/commands.ts';
import type { Config } from '../contract/config.ts';
import type { Topics } from '../contract/contract.ts';
import { sentenceOf } from '../contract/messages.ts';
import type { Link } from '../mqtt/link.ts';
import { type Layer, layerOn } from './config-layers.ts';
import { documentBytesMax } from './desired-document.ts';
import type { RemoteConfig } from './remote-config.ts';

export type ConfigureParts = {
  /** The device's own, which was in force at the start. */
  readonly config: Config['remoteConfig'];
  /** Undefined where changes are not taken from afar. */
  readonly remote: Pick<RemoteConfig, 'standing' | 'problemsOf' | 'verdictOn'> | undefined;
  readonly link: Pick<Link, 'publish'>;
  readonly topics: Topics;
  readonly clock: Clock;
};

/** The broker hands a document back at once, or not at all. */
const verdictMax = seconds(5);

/**
 * Merges a part of the config over the layer that is there, and publishes the whole for this device: so
 * it goes the one way that every remote change goes, and the broker keeps what the device shall be.
 */
export async function configure(
  partial: Layer,
  { config, remote, link, topics, clock }: ConfigureParts,
  signal: AbortSignal,
): Promise<Outcome<ConfigureResult>> {
  if (remote === undefined) {
    return impossible(
      'this device takes no config from afar: remoteConfig.enabled is false',
      "Change it in the device's config file.",
    );
  }
  if (config.publicKey !== undefined) {
    return impossible(
      'only signed documents count on this device: remoteConfig.publicKey is set',
      'Sign a document and publish it on config/desired.',
    );
  }
  const { layer, highest } = remote.standing();
  if (highest >= Number.MAX_SAFE_INTEGER) {
    const sentence = `there is no version above ${highest}, which was taken before`;
    return impossible(sentence, 'Stop sightd and remove STATEDIR/config to begin with 1 again.');
  }
  const version = highest + 1;
  const next = layerOn(layer, partial);
  const payload = JSON.stringify({ version, config: next });
  const problems = remote.problemsOf({ version, layer: next });
  if (Buffer.byteLength(payload) > documentBytesMax) {
    const sentence = `with what was set before, the document has more than ${documentBytesMax} bytes`;
    return failure(fault('command.too-large', sentence, 'Send less, or take keys away with null.'));
  }
  if (problems.length > 0) {
    const all = problems.map(sentenceOf);
    const mend = 'Nothing was changed; docs/config.md lists every key.';
    return failure(fault('config.invalid', all.slice(0, 5).join('; '), mend));
  }
  const over = new AbortController();
  const end = (): void => over.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  // Before it is published: the broker may be faster with it than with its acknowledgement.
  const verdict = remote.verdictOn(version, over.signal);
  const sent = await link.publish(documentOf(topics.configDesired, payload), over.signal);
  if (sent === 'acknowledged') void clock.sleep(verdictMax, over.signal).then(end);
  else end();
  const found = await verdict;
  end();
  signal.removeEventListener('abort', end);
  if (found !== undefined) {
    return success({ version, state: found.state, errors: [...found.errors] });
  }
  return failure(unheard(sent, version));
}

const documentOf = (topic: string, payload: string) => ({
  topic,
  payload,
  qos: 1 as const,
  retain: true,
  expirySeconds: undefined,
  userProperties: {},
  correlationData: undefined,
});

const impossible = (sentence: string, mend: string): Outcome<never> =>
  failure(fault('command.impossible', sentence, mend));

function unheard(sent: 'acknowledged' | 'lost' | 'refused', version: number) {
  if (sent === 'refused') {
    const sentence = 'the broker does not let this device publish on its config/desired';
    return fault(
      'command.impossible',
      sentence,
      'Allow it there, or publish the document yourself.',
    );
  }
  const sentence = `version ${version} was published, but did not come back from the broker in time`;
  const mend = 'See config/reported for what became of it.';
  return fault('command.interrupted', sentence, mend);
}
