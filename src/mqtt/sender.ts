import type { Fault } from '../base/fault.ts';
import { fault } from '../base/fault.ts';
import { lengthBytesOf } from './publish-packet.ts';

/** The properties of MQTT 5 that we use on a message; MQTT 3.1.1 has none and leaves them out. */
export type MessageProperties = {
  /** Seconds after which a broker forgets a message that it could not deliver. */
  readonly messageExpiryInterval?: number;
  readonly userProperties?: Record<string, string>;
  /** Hands a request's own back to whoever asked. */
  readonly correlationData?: Buffer;
};

export type PublishOptions = {
  readonly qos: 0 | 1;
  readonly retain?: boolean;
  readonly properties?: MessageProperties;
};

/** The part of a connection that messages leave by. */
export interface Sender {
  publish(
    topic: string,
    payload: string | Buffer,
    options: PublishOptions,
    done: (error?: Error | null) => void,
  ): unknown;
}

/** What the broker said of itself when it took the connection (MQTT 5 3.2.2.3). */
export type BrokerLimits = {
  /** QoS 1 messages that it has not acknowledged, at most. */
  readonly receiveMaximum: number;
  readonly packetBytesMax: number;
};

export const unlimited: BrokerLimits = {
  receiveMaximum: 65_535,
  packetBytesMax: Number.POSITIVE_INFINITY,
};

/** A message that this broker will not take, however often it is sent. */
export class Refusal extends Error {
  readonly fault: Fault;
  constructor(reason: Fault) {
    super(reason.message);
    this.fault = reason;
  }
}

/** No more than this is under way unacknowledged, whatever the broker allows: what a loss sends again. */
const ownReceiveMaximum = 256;

/**
 * Keeps the limits of one connection's broker, which the mqtt package does not: what is more than it
 * takes at once waits here in its order, what is too large is refused. The callers bound how much waits.
 */
export function createPacedSender(client: Sender, limits: BrokerLimits): Sender {
  const underWayMax = Math.min(limits.receiveMaximum, ownReceiveMaximum);
  const { packetBytesMax } = limits;
  const waiting: (() => void)[] = [];
  let underWay = 0;

  const start = (
    topic: string,
    payload: string | Buffer,
    options: PublishOptions,
    done: (error?: Error | null) => void,
  ): void => {
    underWay += 1;
    client.publish(topic, payload, options, (error) => {
      underWay -= 1;
      const refusal = error == null ? undefined : refusalOf(topic, error);
      done(refusal ?? error);
      // Without an answer the connection is gone, and what waits is sent on the next one.
      if (error == null || refusal !== undefined) waiting.shift()?.();
    });
  };

  return {
    publish: (topic, payload, options, done) => {
      // Most brokers take any size: then none need be known.
      const bytes = packetBytesMax < Infinity ? packetBytesOf(topic, payload, options) : 0;
      if (bytes > packetBytesMax) {
        done(new Refusal(tooLarge(topic, bytes, packetBytesMax)));
      } else if (options.qos === 0) {
        client.publish(topic, payload, options, done);
      } else if (underWay < underWayMax) {
        start(topic, payload, options, done);
      } else {
        waiting.push(() => start(topic, payload, options, done));
      }
    },
  };
}

/** The size of a PUBLISH packet of MQTT 5 (3.3), within a byte or two above it. */
export function packetBytesOf(
  topic: string,
  payload: string | Buffer,
  { properties }: PublishOptions,
): number {
  const user = Object.entries(properties?.userProperties ?? {});
  const userBytes = user.reduce(
    (sum, [name, value]) => sum + 5 + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  const correlation = properties?.correlationData;
  const propertyBytes =
    userBytes +
    (properties?.messageExpiryInterval === undefined ? 0 : 5) +
    (correlation === undefined ? 0 : 3 + correlation.length);
  const rest =
    2 +
    Buffer.byteLength(topic) +
    2 +
    lengthBytesOf(propertyBytes) +
    propertyBytes +
    Buffer.byteLength(payload);
  return 1 + lengthBytesOf(rest) + rest;
}

/** PUBACK with a reason of 0x80 or more (MQTT 5 3.4.2.1): the broker answered, and it was no. */
function refusalOf(topic: string, error: Error): Refusal | undefined {
  const code = 'code' in error ? error.code : undefined;
  if (typeof code !== 'number' || code < 0x80) return undefined;
  return new Refusal(
    fault(
      'mqtt.message-refused',
      `the broker refuses what is published to ${topic}: ${error.message}`,
      'Check that the broker allows this user to write there.',
    ),
  );
}

function tooLarge(topic: string, bytes: number, bytesMax: number): Fault {
  return fault(
    'mqtt.message-too-large',
    `a message of ${bytes} bytes to ${topic} is not sent: the broker takes ${bytesMax} at most`,
    "Raise the broker's maximum packet size.",
  );
}
