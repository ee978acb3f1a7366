import { lookup } from 'node:dns/promises';
import { type Fault, failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Millis } from '../base/time.ts';
import { type BrokerOptions, openConnection } from './connection.ts';
import { addressOf } from './refusals.ts';
import { type Receiver, refusalOf } from './subscriptions.ts';

export type ProbeOptions = Omit<BrokerOptions, 'onState'> & {
  /** Exact topics that the broker should let us listen to. */
  readonly topics: readonly string[];
  readonly within: Millis;
  readonly stop: AbortSignal;
};

/** What a broker let us do. */
export type Probe = {
  readonly protocol: 5 | '3.1.1';
  /** Subscriptions that it refused. */
  readonly refused: readonly Fault[];
};

/** Connects once, asks for the topics, and leaves: no will, nothing published, nothing kept. */
export async function probeBroker(options: ProbeOptions): Promise<Outcome<Probe>> {
  const { clock, within, stop, topics } = options;
  let isResolved = false;
  const host = hostOf(options.url);
  if (host !== undefined) {
    void lookup(host).then(
      () => {
        isResolved = true;
      },
      () => {}, // The connection says so.
    );
  }
  const over = new AbortController();
  let outcome: Outcome<Probe> | undefined;
  const finish = (result: Outcome<Probe>): void => {
    outcome ??= result;
    over.abort();
  };
  let receiver: Receiver | undefined;
  const connection = openConnection({
    ...options,
    will: undefined,
    onOpen: (client) => {
      receiver = client;
    },
    onState: (state) => {
      // One that it made and lost again.
      if (state.kind === 'waiting') finish(failure(state.fault));
      if (state.kind !== 'online' || receiver === undefined) return;
      const { protocol } = state;
      void ask(receiver, topics).then((refused) => finish(success({ protocol, refused })));
    },
    onIncoming: () => {},
    onGone: () => {},
    onUnreached: (reason) => finish(failure(reason)),
  });
  const end = (): void => over.abort();
  stop.addEventListener('abort', end, { once: true });
  await clock.sleep(within, over.signal);
  stop.removeEventListener('abort', end);
  const wasReached = outcome?.ok === true;
  await connection.close(wasReached);
  return outcome ?? failure(silenceFault(options.url, host, isResolved, within));
}

/** Resolves with what was refused once every topic is answered. */
async function ask(client: Receiver, topics: readonly string[]): Promise<readonly Fault[]> {
  const answers = topics.map(
    (topic) =>
      new Promise<Fault | undefined>((resolve) =>
        client.subscribe(topic, { qos: 1 }, (error) => resolve(refusalOf(topic, error))),
      ),
  );
  return (await Promise.all(answers)).flatMap((reason) => (reason === undefined ? [] : [reason]));
}

function hostOf(url: string): string | undefined {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return undefined;
  }
}

/** Nothing came back at all: packets are dropped, or the name servers are silent. */
function silenceFault(
  url: string,
  host: string | undefined,
  isResolved: boolean,
  within: Millis,
): Fault {
  const sentence = `no connection to the broker at ${addressOf(url)}`;
  const time = `within ${within / 1000} s`;
  if (!isResolved && host !== undefined) {
    const mend = "Check this device's network and its name servers.";
    return fault(
      'mqtt.unreachable',
      `${sentence}: nobody told the address of ${host} ${time}`,
      mend,
    );
  }
  const mend = 'Check the address and port in mqtt.url, and firewalls on the way.';
  return fault('mqtt.unreachable', `${sentence}: no answer ${time}`, mend);
}
