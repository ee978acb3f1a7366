import type { z } from 'zod';
import { messageOf } from '../../base/fault.ts';
import { topicsOf } from '../../contract/contract.ts';
import {
  type EventMessage,
  eventMessageSchema,
  type HealthMessage,
  healthMessageSchema,
  type LabelMessage,
  labelMessageSchema,
  type ReportedMessage,
  type ResultMessage,
  reportedMessageSchema,
  resultMessageSchema,
  type StatusMessage,
  statusMessageSchema,
} from '../../contract/messages.ts';
import type { Incoming } from '../../mqtt/subscriptions.ts';

/** What a device says, by the end of its topic. */
export type Said =
  | { readonly name: 'status'; readonly message: StatusMessage }
  | { readonly name: 'health'; readonly message: HealthMessage }
  | { readonly name: 'event'; readonly message: EventMessage }
  | { readonly name: 'result'; readonly message: ResultMessage }
  | { readonly name: 'label'; readonly message: LabelMessage }
  | { readonly name: 'config/reported'; readonly message: ReportedMessage };
export type WatchedName = Said['name'];

export type Reading =
  /** `isNewer`: it has fields that this version does not know, which were left out. */
  | { readonly kind: 'read'; readonly said: Said; readonly isNewer: boolean }
  /** The empty message that takes a retained one away. */
  | { readonly kind: 'cleared'; readonly name: WatchedName }
  | { readonly kind: 'unreadable'; readonly name: WatchedName; readonly problem: string };

/** A message on a topic that is watched. */
export type Watched = {
  readonly device: string;
  readonly topic: string;
  readonly retained: boolean;
  readonly reading: Reading;
  /** As it came; undefined where it is no JSON. */
  readonly json: unknown;
};

type Parsed<T> = { readonly data: T; readonly isNewer: boolean } | { readonly problem: string };

const readers: Readonly<Record<WatchedName, (json: unknown) => Reading>> = {
  status: (json) =>
    readingOf('status', parseLeniently(statusMessageSchema, json), (message) => ({
      name: 'status',
      message,
    })),
  health: (json) =>
    readingOf('health', parseLeniently(healthMessageSchema, json), (message) => ({
      name: 'health',
      message,
    })),
  event: (json) =>
    readingOf('event', parseLeniently(eventMessageSchema, json), (message) => ({
      name: 'event',
      message,
    })),
  result: (json) =>
    readingOf('result', parseLeniently(resultMessageSchema, json), (message) => ({
      name: 'result',
      message,
    })),
  label: (json) =>
    readingOf('label', parseLeniently(labelMessageSchema, json), (message) => ({
      name: 'label',
      message,
    })),
  'config/reported': (json) =>
    readingOf('config/reported', parseLeniently(reportedMessageSchema, json), (message) => ({
      name: 'config/reported',
      message,
    })),
};

/** What to subscribe to: of one device its exact topics, of all with a wildcard for the device. */
export function filtersOf(base: string, device: string | undefined): readonly string[] {
  const { status, health, event, result, label, configReported } = topicsOf(base, device ?? '+');
  return [status, health, event, label, configReported, result];
}

/** A message as one of the contract; undefined for a topic that is none of it. */
export function readWatched(
  base: string,
  { topic, payload, retained }: Incoming,
): Watched | undefined {
  if (!topic.startsWith(`${base}/`)) return undefined;
  const rest = topic.slice(base.length + 1);
  const at = rest.indexOf('/');
  const device = rest.slice(0, at);
  const name = rest.slice(at + 1);
  if (at <= 0 || !isWatchedName(name)) return undefined;
  const watched = { device, topic, retained };
  if (payload.byteLength === 0) {
    return { ...watched, reading: { kind: 'cleared', name }, json: undefined };
  }
  const parsed = parseJson(payload);
  if (!('json' in parsed)) {
    return { ...watched, reading: { kind: 'unreadable', name, ...parsed }, json: undefined };
  }
  return { ...watched, reading: readers[name](parsed.json), json: parsed.json };
}

const isWatchedName = (name: string): name is WatchedName => Object.hasOwn(readers, name);

function parseJson(payload: Uint8Array): { readonly json: unknown } | { readonly problem: string } {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) };
  } catch (error) {
    return { problem: `no JSON: ${messageOf(error)}` };
  }
}

function readingOf<T>(name: WatchedName, parsed: Parsed<T>, say: (message: T) => Said): Reading {
  if ('problem' in parsed) return { kind: 'unreadable', name, problem: parsed.problem };
  return { kind: 'read', said: say(parsed.data), isNewer: parsed.isNewer };
}

/** A daemon of a later version may say more: what is not known is left out, all else must be right. */
function parseLeniently<T>(schema: z.ZodType<T>, json: unknown): Parsed<T> {
  const strict = schema.safeParse(json);
  if (strict.success) return { data: strict.data, isNewer: false };
  const wrong = strict.error.issues.find(({ code }) => code !== 'unrecognized_keys');
  if (wrong !== undefined) {
    const path = wrong.path.map(String).join('.');
    return { problem: `${path === '' ? '' : `${path}: `}${wrong.message}` };
  }
  const known = strict.error.issues.reduce<unknown>(
    (value, issue) =>
      issue.code === 'unrecognized_keys' ? without(value, issue.path, issue.keys) : value,
    json,
  );
  const lenient = schema.safeParse(known);
  return lenient.success
    ? { data: lenient.data, isNewer: true }
    : { problem: lenient.error.issues[0]?.message ?? 'another shape' };
}

/** The value without these keys of the object at the path. */
function without(value: unknown, path: readonly PropertyKey[], keys: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [head, ...rest] = path;
  if (Array.isArray(value)) {
    return value.map((item: unknown, at) => (at === head ? without(item, rest, keys) : item));
  }
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(
    head === undefined
      ? entries.filter(([key]) => !keys.includes(key))
      : entries.map(([key, item]) => [key, key === head ? without(item, rest, keys) : item]),
  );
}
