import assert from 'node:assert/strict';
import {
  eventMessageSchema,
  labelMessageSchema,
  reportedMessageSchema,
} from '../../src/contract/messages.ts';
import type { Message } from './mosquitto.ts';

/** What the outbox promises to deliver: labels, events and verdicts, numbered together. */
export type Numbered = { readonly id: number; readonly session: string; readonly payload: string };

const numbered = {
  '/label': labelMessageSchema,
  '/event': eventMessageSchema,
  '/config/reported': reportedMessageSchema,
};

export function numberedOf(messages: readonly Message[]): Numbered[] {
  return messages.flatMap(({ topic, payload }) => {
    const schema = Object.entries(numbered).find(([name]) => topic.endsWith(name))?.[1];
    if (schema === undefined) return [];
    const { id, session } = schema.parse(JSON.parse(payload));
    return [{ id, session, payload }];
  });
}

/** Holds what came against the promise; returns each message once, in order. */
export function checkOrder(received: readonly Numbered[]): {
  once: Numbered[];
  duplicates: number;
} {
  const seen = new Map<number, Numbered>();
  let highest = 0;
  for (const message of received) {
    const before = seen.get(message.id);
    if (before === undefined) {
      assert.ok(message.id > highest, `${message.id} comes for the first time after ${highest}`);
      highest = message.id;
      seen.set(message.id, message);
    } else {
      assert.equal(message.payload, before.payload, 'a duplicate says the same');
    }
  }
  const once = [...seen.values()];
  for (const [at, { id, session }] of once.entries()) {
    const next = once[at + 1];
    if (next?.session === session) assert.equal(next.id, id + 1, 'no gap within a session');
  }
  return { once, duplicates: received.length - once.length };
}

/** Each change of the label follows the one before; returns how many there were. */
export function checkLabels(once: readonly Numbered[]): number {
  const labels = once
    .filter(({ payload }) => payload.includes('"previous"'))
    .map(({ payload }) => labelMessageSchema.parse(JSON.parse(payload)));
  for (const [at, { previous }] of labels.entries()) {
    if (at > 0) assert.equal(previous, labels[at - 1]?.label, 'it follows the one before');
  }
  return labels.length;
}
