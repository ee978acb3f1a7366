import type { Writable } from 'node:stream';
import { publishPacketOf } from './publish-packet.ts';
import type { PublishOptions, Sender } from './sender.ts';

/** What is written to the connection, and may be by others too, a whole packet at a time. */
export type PacketStream = Pick<Writable, 'cork' | 'uncork' | 'write' | 'once'>;

/**
 * Writes plain messages (a text, QoS 0, not retained, no user properties: results) to the connection's
 * stream itself, in one piece, and leaves all others to `client`. What comes within one turn of the
 * event loop leaves in one system call.
 */
export function createPlainWriter(
  client: Sender,
  protocol: 5 | '3.1.1',
  /** Undefined while nothing may be written. */
  stream: () => PacketStream | undefined,
): Sender {
  let corked: PacketStream | undefined;
  const uncork = (): void => {
    corked?.uncork();
    corked = undefined;
  };

  return {
    publish: (topic, payload, options, done) => {
      const open = typeof payload === 'string' && isPlain(options) ? stream() : undefined;
      if (open === undefined || typeof payload !== 'string') {
        client.publish(topic, payload, options, done);
        return;
      }
      if (corked !== open) {
        uncork();
        corked = open;
        open.cork();
        process.nextTick(uncork);
      }
      const expirySeconds = options.properties?.messageExpiryInterval;
      const hasRoom = open.write(publishPacketOf({ topic, payload, expirySeconds }, protocol));
      // As the package does: a message counts as unwritten while the socket does not keep up.
      if (hasRoom) done();
      else open.once('drain', () => done());
    },
  };
}

function isPlain({ qos, retain, properties }: PublishOptions): boolean {
  return (
    qos === 0 &&
    retain !== true &&
    properties?.userProperties === undefined &&
    properties?.correlationData === undefined
  );
}
