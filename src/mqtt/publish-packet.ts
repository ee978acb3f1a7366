/** A message of QoS 0 that is not retained. */
export type PlainMessage = {
  readonly topic: string;
  readonly payload: string;
  /** MQTT 5: seconds after which a broker forgets it. */
  readonly expirySeconds: number | undefined;
};

/** MQTT 3.1.1 3.3.1: PUBLISH without DUP, QoS or RETAIN. */
const publishHeader = 0x30;
/** MQTT 5 3.3.2.3.3. */
const messageExpiryInterval = 0x02;

/**
 * The message as the bytes of its PUBLISH packet. The mqtt package would write each of a packet's
 * fields to the socket by itself, six to nine of them: more work than all else that a result takes.
 */
export function publishPacketOf(message: PlainMessage, protocol: 5 | '3.1.1'): Buffer {
  const { topic, payload, expirySeconds } = message;
  const topicBytes = Buffer.byteLength(topic);
  const payloadBytes = Buffer.byteLength(payload);
  const propertyBytes = expirySeconds === undefined ? 0 : 5;
  // The properties' own length is one byte here; MQTT 3.1.1 has neither.
  const rest = 2 + topicBytes + (protocol === 5 ? 1 + propertyBytes : 0) + payloadBytes;
  const packet = Buffer.allocUnsafe(1 + lengthBytesOf(rest) + rest);
  packet[0] = publishHeader;
  let at = writeLength(packet, rest, 1);
  at = packet.writeUInt16BE(topicBytes, at);
  at += packet.write(topic, at);
  if (protocol === 5) {
    at = packet.writeUInt8(propertyBytes, at);
    if (expirySeconds !== undefined) {
      at = packet.writeUInt8(messageExpiryInterval, at);
      at = packet.writeUInt32BE(expirySeconds, at);
    }
  }
  packet.write(payload, at);
  return packet;
}

/** Bytes of a Variable Byte Integer (MQTT 5 1.5.5). */
export function lengthBytesOf(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

function writeLength(packet: Buffer, value: number, from: number): number {
  let left = value;
  let at = from;
  for (; left >= 128; left >>= 7) at = packet.writeUInt8((left & 127) | 128, at);
  return packet.writeUInt8(left, at);
}
