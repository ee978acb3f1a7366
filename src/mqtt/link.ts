import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { type BackoffPolicy, backoff } from '../base/backoff.ts';
import { type Fault, fault, messageOf } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import { type Clock, type Micros, micros, millis } from '../base/time.ts';
import type { Deliverer } from './delivery.ts';
import { createOutgoing } from './outgoing.ts';

export type LinkState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'online'; readonly since: Micros }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly fault: Fault }
  | { readonly kind: 'closed' };

export type LinkOptions = {
  readonly url: string;
  readonly clientId: string;
  readonly protocol: 'auto' | 5 | '3.1.1';
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Retained messages that the broker tells for us: when we are lost, and when we come. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly birth: { readonly topic: string; readonly payload: string };
  readonly backoff: BackoffPolicy;
  /** Messages to keep while there has been no connection; 0 drops them, as fresh results should be. */
  readonly offlineMessagesMax: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onState: (state: LinkState) => void;
};

/** The daemon's connection to its broker. Nothing here ever waits for the broker but `close`. */
export interface Link extends Deliverer {
  state(): LinkState;
  /** Keeps a retained topic at this payload: QoS 1, sent again after every reconnect. */
  retain(topic: string, payload: string): void;
  /** QoS 0, once; false when it was dropped: no connection, or one that cannot keep up. */
  send(topic: string, payload: string): boolean;
  /** Messages that were accepted and are still waiting for a connection. */
  queued(): number;
  /**
   * Waits until everything is sent and acknowledged, says `farewell` (retained, QoS 1), and leaves.
   * Without a connection it leaves at once, unless messages are queued: then
   * `patience` ends the wait for one. `signal` ends every wait.
   */
  close(
    farewell: { topic: string; payload: string },
    patience: AbortSignal,
    signal: AbortSignal,
  ): Promise<boolean>;
}

/** The broker must answer a CONNECT within this. */
const connectTimeoutMs = 10_000;
/** MQTT 3.1.2.10: the broker notices a lost device after one and a half of these. */
const keepaliveSeconds = 20;
/** A connection that lasted this long was a good one: the backoff begins anew. */
const settledAfter = micros(30_000_000);

type Protocol = 4 | 5;

/** The door to the mqtt package, which is asked to do one connection at a time. */
export function openLink(options: LinkOptions): Link {
  const outgoing = createOutgoing(options.offlineMessagesMax);
  let protocol: Protocol = options.protocol === '3.1.1' ? 4 : 5;
  let state: LinkState = { kind: 'connecting', attempt: 0 };
  let client: MqttClient | undefined;
  let retry: AbortController | undefined;
  const waitingForOnline = new Set<() => void>();

  const enter = (next: LinkState): void => {
    state = next;
    options.onState(next);
    if (next.kind === 'online') for (const resume of [...waitingForOnline]) resume();
  };

  const attempt = (number: number): void => {
    enter({ kind: 'connecting', attempt: number });
    let refusal: Error | undefined;
    const current = connect(options.url, clientOptions(options, protocol));
    client = current;
    current.on('connect', () => {
      // Whoever hears of it may send at once.
      outgoing.attach(current, options.birth);
      enter({ kind: 'online', since: options.clock.now() });
    });
    current.on('error', (error: Error) => {
      refusal = error;
    });
    current.once('close', () => {
      outgoing.detach();
      current.end(true);
      if (state.kind === 'closed') return;
      if (options.protocol === 'auto' && protocol === 5 && isProtocolRefusal(refusal)) {
        protocol = 4;
        attempt(number);
        return;
      }
      void waitAndRetry(state, number, refusal);
    });
  };

  const waitAndRetry = async (from: LinkState, number: number, refusal: Error | undefined) => {
    const wasGood = from.kind === 'online' && options.clock.now() - from.since > settledAfter;
    const failures = wasGood ? 1 : number + 1;
    enter({ kind: 'waiting', attempt: failures, fault: faultOf(options.url, refusal) });
    retry = new AbortController();
    await options.clock.sleep(backoff(options.backoff, failures - 1, options.random), retry.signal);
    if (!retry.signal.aborted) attempt(failures);
  };

  const untilOnline: Link['untilOnline'] = async (signal) => {
    if (state.kind === 'online' || signal.aborted) return;
    await new Promise<void>((resolve) => {
      // Leaves nothing behind on a signal that lives as long as the daemon.
      const resume = (): void => {
        waitingForOnline.delete(resume);
        signal.removeEventListener('abort', resume);
        resolve();
      };
      waitingForOnline.add(resume);
      signal.addEventListener('abort', resume);
    });
  };

  const close: Link['close'] = async (farewell, patience, signal) => {
    // What a lossless replay has queued is worth waiting for a connection.
    if (outgoing.queued() > 0) await untilOnline(patience);
    const wasOnline = state.kind === 'online' && client !== undefined;
    let isFlushed = false;
    if (wasOnline) {
      await outgoing.untilIdle(signal);
      outgoing.retain(farewell.topic, farewell.payload);
      isFlushed = await outgoing.untilIdle(signal);
    }
    enter({ kind: 'closed' });
    retry?.abort();
    await disconnect(client, isFlushed);
    return isFlushed;
  };

  attempt(0);
  return {
    state: () => state,
    retain: outgoing.retain,
    send: outgoing.send,
    queued: outgoing.queued,
    deliver: outgoing.deliver,
    untilOnline,
    close,
  };
}

function clientOptions(options: LinkOptions, protocol: Protocol): IClientOptions {
  return {
    clientId: options.clientId,
    protocolVersion: protocol,
    clean: true,
    // One connection a client: the package's own reconnecting has a fixed period and no jitter.
    reconnectPeriod: 0,
    connectTimeout: connectTimeoutMs,
    keepalive: keepaliveSeconds,
    queueQoSZero: false,
    will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
  };
}

async function disconnect(client: MqttClient | undefined, isOrderly: boolean): Promise<void> {
  if (client === undefined) return;
  // An orderly DISCONNECT makes the broker forget the will (MQTT 3.14.4).
  await new Promise<void>((resolve) => client.end(!isOrderly, () => resolve()));
}

/** CONNACK code 1 of MQTT 3.1.1, or reason 0x84 of MQTT 5: unsupported protocol version. */
function isProtocolRefusal(error: Error | undefined): boolean {
  const code = error !== undefined && 'code' in error ? error.code : undefined;
  return code === 1 || code === 0x84;
}

function faultOf(url: string, error: Error | undefined): Fault {
  const address = url.replace(/\/\/[^@/]*@/, '//');
  const code = error !== undefined && 'code' in error ? error.code : undefined;
  // CONNACK: 4 and 5 in MQTT 3.1.1, 0x86 and 0x87 in MQTT 5: bad credentials, not authorized.
  if (code === 4 || code === 5 || code === 0x86 || code === 0x87) {
    const sentence = `the broker at ${address} refuses the login: ${messageOf(error)}`;
    return fault('mqtt.refused', sentence, 'Check mqtt.username and mqtt.passwordFile.');
  }
  const reason = error === undefined ? 'the connection was closed' : describe(error);
  return fault(
    'mqtt.unreachable',
    `no connection to the broker at ${address}: ${reason}`,
    'Check that it runs and that mqtt.url is right; sightd goes on and keeps trying.',
  );
}

/** Node reports several refused addresses as an error without a message. */
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message || code || error.name;
}

export const defaultBackoff = (capSeconds: number): BackoffPolicy => ({
  first: millis(500),
  cap: millis(capSeconds * 1000),
});
