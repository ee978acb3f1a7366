// The order matters: this comes before the package is loaded.
import './packet-numbers.ts';
import { connect, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import { type BackoffPolicy, backoff } from '../base/backoff.ts';
import type { Fault, Outcome } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import { type Clock, type Micros, micros, millis } from '../base/time.ts';
import { type Handshake, tlsConnector, watchHandshake } from './chain.ts';
import type { Credentials } from './credentials.ts';
import { createPlainWriter } from './plain-writer.ts';
import { firstChoice, nextChoice, type Protocol } from './protocol-choice.ts';
import { connectionFault, disconnectError, type Evidence, endOf } from './refusals.ts';
import { type BrokerLimits, type Sender, unlimited } from './sender.ts';
import type { Incoming, Receiver } from './subscriptions.ts';

export type LinkState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'online'; readonly since: Micros; readonly protocol: 5 | '3.1.1' }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly fault: Fault }
  | { readonly kind: 'closed' };

/** Whom to connect to, as whom, and how patiently. */
export type BrokerOptions = {
  readonly url: string;
  readonly clientId: string;
  readonly protocol: 'auto' | 5 | '3.1.1';
  /** Read before every connection: what was renewed meanwhile is used. */
  readonly credentials: () => Outcome<Credentials>;
  /** MQTT 3.1.2.10: the broker notices a lost client after one and a half of these. */
  readonly keepaliveSeconds: number;
  readonly backoff: BackoffPolicy;
  readonly clock: Clock;
  /** The device's wall clock, which certificates are held against; milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly random: Random;
  readonly onState: (state: LinkState) => void;
};

export type ConnectionOptions = BrokerOptions & {
  /** A retained message that the broker tells for us when we are lost. */
  readonly will: { readonly topic: string; readonly payload: string } | undefined;
  /** Comes before the state is `online`: whoever hears of that may send at once. */
  readonly onOpen: (client: Sender & Receiver, limits: BrokerLimits) => void;
  /** A promise that it returns holds back what comes after it; see IncomingListener. */
  readonly onIncoming: (message: Incoming) => unknown;
  readonly onGone: () => void;
  /**
   * Given by who does not wait for a broker that was never reached: it hears why, and no more
   * attempts follow. Undefined waits for ever.
   */
  readonly onUnreached: ((reason: Fault) => void) | undefined;
};

/** A connection to a broker that is made again whenever it is lost. */
export interface Connection {
  state(): LinkState;
  /** Resolves when there is a connection, or when `signal` aborts. */
  untilOnline(signal: AbortSignal): Promise<void>;
  /** For good. An orderly end makes the broker forget the will (MQTT 3.14.4). */
  close(isOrderly: boolean): Promise<void>;
}

/** The broker must answer a CONNECT within this. */
const connectTimeoutMs = 10_000;
/** A connection that lasted this long was a good one: the backoff begins anew. */
const settledAfter = micros(30_000_000);
/**
 * MQTT 5: what is larger is not sent to us. A config or a command is a few kilobytes; whoever sends a
 * megabyte by mistake still gets an answer.
 */
const incomingBytesMax = 2 * 1024 * 1024;

/** The door to the mqtt package, which is asked to do one connection at a time. */
export function openConnection(options: ConnectionOptions): Connection {
  let choice = firstChoice(options.protocol);
  let state: LinkState = { kind: 'connecting', attempt: 0 };
  let client: MqttClient | undefined;
  let retry: AbortController | undefined;
  let wasEverOnline = false;
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
      wasEverOnline = true;
      const spoken = protocol === 5 ? 5 : '3.1.1';
      options.onOpen(clientOf(current, spoken), limitsOf(connack));
      enter({ kind: 'online', since: options.clock.now(), protocol: spoken });
    });
    // Where the package lets a receiver set the pace: it reads on when `done` is called.
    current.handleMessage = (packet, done) => {
      const held = options.onIncoming(incomingOf(packet));
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
      options.onGone();
      current.end(true);
      if (state.kind === 'closed') return;
      const evidence: Evidence = {
        url: options.url,
        error,
        handshake,
        wasOnline: state.kind === 'online',
        isPatient: options.onUnreached === undefined || wasEverOnline,
        hasCertificate: credentials.value.tls.cert !== undefined,
        wallNow: options.wallNow(),
      };
      const end = endOf(evidence);
      const before = choice;
      choice = nextChoice(choice, end);
      // A broker that only closed is, to an impatient one, worth the other version.
      const isWorthAnother = end === 'no answer' && !evidence.isPatient && choice.protocol === 4;
      if ((end === 'version refused' && !before.isSettled) || isWorthAnother) attempt(number);
      else void waitAndRetry(state, number, connectionFault(evidence));
    });
  };

  const waitAndRetry = async (from: LinkState, number: number, reason: Fault) => {
    if (options.onUnreached !== undefined && !wasEverOnline) {
      enter({ kind: 'closed' });
      options.onUnreached(reason);
      return;
    }
    const wasGood = from.kind === 'online' && options.clock.now() - from.since > settledAfter;
    const failures = wasGood ? 1 : number + 1;
    retry = new AbortController();
    enter({ kind: 'waiting', attempt: failures, fault: reason });
    await options.clock.sleep(backoff(options.backoff, failures - 1, options.random), retry.signal);
    if (!retry.signal.aborted) attempt(failures);
  };

  const untilOnline: Connection['untilOnline'] = async (signal) => {
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

  attempt(0);
  return {
    state: () => state,
    untilOnline,
    close: async (isOrderly) => {
      enter({ kind: 'closed' });
      retry?.abort();
      await new Promise<void>((resolve) => {
        if (client === undefined) resolve();
        else client.end(!isOrderly, () => resolve());
      });
    },
  };
}

function open(
  options: ConnectionOptions,
  credentials: Credentials,
  protocol: Protocol,
  handshake: Handshake,
): MqttClient {
  const { username, password, tls } = credentials;
  const { will } = options;
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
    ...(will === undefined
      ? {}
      : { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
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

function clientOf(client: MqttClient, protocol: 5 | '3.1.1'): Sender & Receiver {
  const isOpen = (): boolean => client.connected && !client.disconnecting;
  const writer = createPlainWriter(client, protocol, () => (isOpen() ? client.stream : undefined));
  return {
    publish: writer.publish,
    subscribe: (topic, wanted, done) => client.subscribe(topic, wanted, done),
    unsubscribe: (topic, done) => client.unsubscribe(topic, done),
  };
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
