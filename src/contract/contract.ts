import type { z } from 'zod';
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
  readonly schema: z.ZodType;
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

/** A device's topics. */
export type Topics = Readonly<Record<MessageName, string>>;

const messageNames = Object.keys(contract) as readonly MessageName[];

/** The device's topics: `BASE/DEVICE/NAME`. */
export function topicsOf(base: string, device: string): Topics {
  const pairs = messageNames.map((name) => [name, `${base}/${device}/${contract[name].topic}`]);
  return Object.fromEntries(pairs) as Topics;
}
