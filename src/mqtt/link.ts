import { connect, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import { type BackoffPolicy, backoff } from '../base/backoff.ts';
import type { Fault, Outcome } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import { type Clock, type Micros, micros, millis } from '../base/time.ts';
import { type Handshake, tlsConnector, watchHandshake } from './chain.ts';
import type { Credentials } from './credentials.ts';
import { createOutgoing, type Delivered, type Delivery, type Publication } from './outgoing.ts';
import { firstChoice, nextChoice, type Protocol } from './protocol-choice.ts';
import {
  connectionFault,
  createRefusalLog,
  disconnectError,
  type Evidence,
  endOf,
} from './refusals.ts';
import { type BrokerLimits, createPacedSender, unlimited } from './sender.ts';
import {
  createSubscriptions,
  type Incoming,
  type IncomingListener,
  type RetainedMeaning,
} from './subscriptions.ts';

export type LinkState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'online'; readonly since: Micros; readonly protocol: 5 | '3.1.1' }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly fault: Fault }
  | { readonly kind: 'closed' };

export type LinkOptions = {
  readonly url: string;
  readonly clientId: string;
  readonly protocol: 'auto' | 5 | '3.1.1';
  /** Read before every connection: what was renewed meanwhile is used. */
  readonly credentials: () => Outcome<Credentials>;
  /** MQTT 3.1.2.10: the broker notices a lost device after one and a half of these. */
  readonly keepaliveSeconds: number;
  /** Retained messages that the broker tells for us: when we are lost, and when we come. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly birth: { readonly topic: string; readonly payload: string };
  readonly backoff: BackoffPolicy;
  /** Messages to keep while there has been no connection; 0 drops them, as fresh results should be. */
  readonly offlineMessagesMax: number;
  readonly clock: Clock;
  /** The device's wall clock, which certificates are held against; milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly random: Random;
  readonly onState: (state: LinkState) => void;
  /** What the broker would not take, on a connection that goes on; said once a connection. */
  readonly onRefused: (reason: Fault) => void;
};

/** The daemon's connection to its broker. Nothing here ever waits for the broker but `close`. */
export interface Link {
  state(): LinkState;
  /** Keeps a retained topic at this payload: QoS 1, sent again after every reconnect. */
  retain(topic: string, payload: string): void;
  /** QoS 0, once; false when it was dropped: no connection, or one that cannot keep up. */
  send(topic: string, payload: string): boolean;
  /**
   * QoS 1, once; tells what became of it. In the order of the calls, and no more at a time than the
   * broker takes. Never rejects. Without a connection it is `lost` at once.
   */
  deliver(message: Delivery, signal: AbortSignal): Promise<Delivered>;
  /** The same with QoS 0 or 1; one of QoS 0 is over when it is written. */
  publish(message: Publication, signal: AbortSignal): Promise<Delivered>;
  /** Resolves when there is a connection, or when `signal` aborts. */
  untilOnline(signal: AbortSignal): Promise<void>;
  /** QoS 1, an exact topic with one listener; asked for again after every reconnect. */
  subscribe(topic: string, onIncoming: IncomingListener, retained?: RetainedMeaning): Disposable;
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
/** A connection that lasted this long was a good one: the backoff begins anew. */
const settledAfter = micros(30_000_000);
/** MQTT 5: what is larger is not sent to us. A config or a command is a few kilobytes. */
const incomingBytesMax = 1024 * 1024;

/** The door to the mqtt package, which is asked to do one connection at a time. */
export function openLink(options: LinkOptions): Link {
  const refusals = createRefusalLog(options.onRefused);
  const outgoing = createOutgoing(options.offlineMessagesMax, refusals.say);
  const subscriptions = createSubscriptions(refusals.say);
  let choice = firstChoice(options.protocol);
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
    const credentials = options.credentials();
    if (!credentials.ok) {
      void waitAndRetry(state, number, credentials.fault);
      return;
    }
    const handshake: Handshake = { isDone: false, chain: [] };
    let error: Error | undefined;
    const { protocol } = choice;
    const current = open(options, credentials.value, protocol, handshake);
    client = current;
    current.on('connect', (connack) => {
      refusals.forget();
      subscriptions.attach(current);
      // Whoever hears of it may send at once.
      outgoing.attach(createPacedSender(current, limitsOf(connack)), options.birth);
      enter({
        kind: 'online',
        since: options.clock.now(),
        protocol: protocol === 5 ? 5 : '3.1.1',
      });
    });
    // Where the package lets a receiver set the pace: it reads on when `done` is called.
    current.handleMessage = (packet, done) => {
      const held = subscriptions.receive(incomingOf(packet));
      if (held instanceof Promise) void held.then(() => done());
      else done();
    };
    // The first error is the reason, what follows it its consequence.
    current.on('error', (reason: Error) => {
      error ??= reason;
    });
    current.on('disconnect', ({ reasonCode, properties }) => {
      error ??= disconnectError(reasonCode, properties?.reasonString);
    });
    current.once('close', () => {
      outgoing.detach();
      subscriptions.detach();
      current.end(true);
      if (state.kind === 'closed') return;
      const evidence: Evidence = {
        url: options.url,
        error,
        handshake,
        wasOnline: state.kind === 'online',
        hasCertificate: credentials.value.tls.cert !== undefined,
        wallNow: options.wallNow(),
      };
      const end = endOf(evidence);
      const wasSettled = choice.isSettled;
      choice = nextChoice(choice, end);
      if (end === 'version refused' && !wasSettled) attempt(number);
      else void waitAndRetry(state, number, connectionFault(evidence));
    });
  };

  const waitAndRetry = async (from: LinkState, number: number, reason: Fault) => {
    const wasGood = from.kind === 'online' && options.clock.now() - from.since > settledAfter;
    const failures = wasGood ? 1 : number + 1;
    retry = new AbortController();
    enter({ kind: 'waiting', attempt: failures, fault: reason });
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
    deliver: outgoing.deliver,
    publish: outgoing.publish,
    subscribe: subscriptions.subscribe,
    queued: outgoing.queued,
    untilOnline,
    close,
  };
}

function open(
  options: LinkOptions,
  credentials: Credentials,
  protocol: Protocol,
  handshake: Handshake,
): MqttClient {
  const { username, password, tls } = credentials;
  const client = connect(options.url, {
    clientId: options.clientId,
    protocolVersion: protocol,
    // Nothing is kept for us while we are away: a command is for now, a desired config is retained.
    clean: true,
    ...(protocol === 5
      ? { properties: { sessionExpiryInterval: 0, maximumPacketSize: incomingBytesMax } }
      : {}),
    // One connection a client: the package's own reconnecting has a fixed period and no jitter.
    reconnectPeriod: 0,
    connectTimeout: connectTimeoutMs,
    keepalive: options.keepaliveSeconds,
    queueQoSZero: false,
    will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    // The package would put an IPv6 address together without its brackets.
    transformWsUrl: () => options.url,
    // Below a WebSocket the package would make the TLS connection out of our sight.
    ...(options.url.startsWith('wss:')
      ? { wsOptions: { createConnection: tlsConnector(handshake) } }
      : {}),
  });
  watchHandshake(client.stream, handshake);
  return client;
}

async function disconnect(client: MqttClient | undefined, isOrderly: boolean): Promise<void> {
  if (client === undefined) return;
  // An orderly DISCONNECT makes the broker forget the will (MQTT 3.14.4).
  await new Promise<void>((resolve) => client.end(!isOrderly, () => resolve()));
}

function limitsOf({ properties }: IConnackPacket): BrokerLimits {
  return {
    // 0 is against MQTT 5 3.2.2.3.3, and would hold everything back.
    receiveMaximum: properties?.receiveMaximum || unlimited.receiveMaximum,
    packetBytesMax: properties?.maximumPacketSize ?? unlimited.packetBytesMax,
  };
}

function incomingOf(packet: IPublishPacket): Incoming {
  const { responseTopic, correlationData, userProperties } = packet.properties ?? {};
  const properties = {
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(userProperties === undefined ? {} : { userProperties: { ...userProperties } }),
  };
  const { topic, payload, retain } = packet;
  return { topic, payload: bytesOf(payload), retained: retain, properties };
}

const bytesOf = (payload: string | Buffer): Buffer =>
  typeof payload === 'string' ? Buffer.from(payload) : payload;

export const defaultBackoff = (capSeconds: number): BackoffPolicy => ({
  first: millis(1000),
  cap: millis(capSeconds * 1000),
});
