import type { z } from 'zod';
import { answerSchemas, commandNames, requestSchemas } from './commands.ts';
import {
  desiredMessageSchema,
  eventMessageSchema,
  healthMessageSchema,
  labelMessageSchema,
  reportedMessageSchema,
  resultMessageSchema,
  statusMessageSchema,
} from './messages.ts';

/** How a message travels, and what it is. */
export type MessageDefinition = {
  /** Below `BASE/DEVICE/`. */
  readonly topic: string;
  readonly direction: 'from the device' | 'to the device';
  readonly qos: 0 | 1;
  readonly retained: boolean;
  /** When it is sent; the schema says what it is. */
  readonly when: string;
  /** Undefined where the payload is no JSON. */
  readonly schema: z.ZodType | undefined;
};

/** Every message of a device: the contract that subscribers can build on. */
export const contract = {
  status: {
    topic: 'status',
    direction: 'from the device',
    qos: 1,
    retained: true,
    when: 'at every connect, before a clean stop, and by the broker when the device is lost (its will)',
    schema: statusMessageSchema,
  },
  health: {
    topic: 'health',
    direction: 'from the device',
    qos: 1,
    retained: true,
    when: 'on every change of its state or of the camera, and every `health.intervalSeconds`',
    schema: healthMessageSchema,
  },
  result: {
    topic: 'result',
    direction: 'from the device',
    qos: 0,
    retained: false,
    when: 'for each classified frame, at most `publish.resultsPerSecondMax` a second',
    schema: resultMessageSchema,
  },
  label: {
    topic: 'label',
    direction: 'from the device',
    qos: 1,
    retained: true,
    when: 'when the settled label changes, through the outbox',
    schema: labelMessageSchema,
  },
  event: {
    topic: 'event',
    direction: 'from the device',
    qos: 1,
    retained: false,
    when: 'for each thing that happened, through the outbox',
    schema: eventMessageSchema,
  },
  snapshot: {
    topic: 'snapshot',
    direction: 'from the device',
    qos: 0,
    retained: false,
    when: 'a JPEG, when `command/snapshot` asks for it, or when the label changes (`publish.snapshot`)',
    schema: undefined,
  },
  configDesired: {
    topic: 'config/desired',
    direction: 'to the device',
    qos: 1,
    retained: true,
    when: 'by whoever configures the device ([remote-config.md](remote-config.md))',
    schema: desiredMessageSchema,
  },
  configReported: {
    topic: 'config/reported',
    direction: 'from the device',
    qos: 1,
    retained: true,
    when: 'at the start and for each verdict on a change, through the outbox',
    schema: reportedMessageSchema,
  },
} as const satisfies Record<string, MessageDefinition>;

export type MessageName = keyof typeof contract;

const messageNames = Object.keys(contract) as readonly MessageName[];

/** What a device can be asked to do, and its answers. */
const commandMessages: readonly MessageDefinition[] = commandNames.flatMap((name) => [
  {
    topic: `command/${name}`,
    direction: 'to the device',
    qos: 1,
    retained: false,
    when: 'by whoever wants it done now ([Commands](#commands))',
    schema: requestSchemas[name],
  },
  {
    topic: `response/${name}`,
    direction: 'from the device',
    qos: 1,
    retained: false,
    when: 'once for each command, here or on its response topic',
    schema: answerSchemas[name],
  },
]);

/** All messages, commands and answers too. */
export const definitions: readonly MessageDefinition[] = [
  ...Object.values(contract),
  ...commandMessages,
];

/** A device's topics; `command` and `response` are continued with the name of a command. */
export type Topics = Readonly<Record<MessageName | 'command' | 'response', string>>;

/** The device's topics: `BASE/DEVICE/NAME`. */
export function topicsOf(base: string, device: string): Topics {
  const own = `${base}/${device}`;
  const pairs = messageNames.map((name) => [name, `${own}/${contract[name].topic}`]);
  return {
    ...(Object.fromEntries(pairs) as Record<MessageName, string>),
    command: `${own}/command`,
    response: `${own}/response`,
  };
}
