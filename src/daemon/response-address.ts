import { type Fault, fault } from '../base/fault.ts';
import type { CommandName } from '../contract/commands.ts';
import type { Topics } from '../contract/contract.ts';
import type { Incoming } from '../mqtt/subscriptions.ts';

/** Where an answer goes, and what the request shall get back with it (MQTT 5 4.10). */
export type Address = {
  readonly topic: string;
  readonly correlationData: Uint8Array | undefined;
};

/** With a fault the command is refused, and the answer goes to the device's own topic. */
export type Addressed = { readonly address: Address; readonly fault: Fault | undefined };

/** Answers wait in memory, with these: far more than a requester needs. */
const topicBytesMax = 1024;
const correlationBytesMax = 1024;

/**
 * Where a command's answer goes. Whoever may command a device could otherwise have it write where the
 * broker lets the device write, and them not: an answer must not be able to steer a device.
 */
export function addressOf(
  { responseTopic, correlationData }: Incoming['properties'],
  topics: Topics,
  name: CommandName,
): Addressed {
  const own = `${topics.response}/${name}`;
  if (correlationData !== undefined && correlationData.length > correlationBytesMax) {
    const sentence = `the correlation data has ${correlationData.length} bytes; at most ${correlationBytesMax} are taken`;
    const reason = fault('command.too-large', sentence, 'Send less.');
    return { address: { topic: own, correlationData: undefined }, fault: reason };
  }
  if (responseTopic === undefined) {
    return { address: { topic: own, correlationData }, fault: undefined };
  }
  const problem = problemOf(responseTopic, topics);
  if (problem === undefined) {
    return { address: { topic: responseTopic, correlationData }, fault: undefined };
  }
  const sentence = `the answer cannot go to the response topic: ${problem}`;
  const mend = `Name another one, or none: answers then go to ${own}.`;
  const reason = fault('command.response-topic', sentence, mend);
  return { address: { topic: own, correlationData }, fault: reason };
}

function problemOf(topic: string, topics: Topics): string | undefined {
  if (topic === '') return 'it is empty';
  if (Buffer.byteLength(topic) > topicBytesMax) return `it has more than ${topicBytesMax} bytes`;
  // MQTT 4.7: wildcards are for subscriptions; a broker steers itself by topics that begin with $.
  if (/[#+]/.test(topic)) return 'it has a wildcard';
  if (/\p{Cc}/u.test(topic)) return 'it has a control character';
  if (topic.startsWith('$')) return "topics that begin with $ are the broker's own";
  return isOfDevice(topic, topics) ? 'it is a topic of a device' : undefined;
}

/** Whether some device of this base listens or speaks there, but for this one's own answers. */
function isOfDevice(topic: string, topics: Topics): boolean {
  const device = topics.status.slice(0, topics.status.lastIndexOf('/'));
  const base = device.slice(0, device.lastIndexOf('/') + 1);
  if (!topic.startsWith(base)) return false;
  if (topic.startsWith(`${topics.response}/`)) return false;
  const heads = Object.values(topics).map((own) => own.slice(device.length + 1).split('/')[0]);
  const [, head] = topic.slice(base.length).split('/');
  return head !== undefined && heads.includes(head);
}
