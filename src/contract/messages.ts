import { z } from 'zod';
import { dropReasons } from './ledger.ts';

/** What the daemon says over MQTT. Times are UTC, ISO 8601 with milliseconds. */

const count = z.int().min(0);

export const statusMessageSchema = z.strictObject({
  state: z.enum(['online', 'stopped', 'offline']),
  /** One run of the daemon; a late will of an earlier run can be told by it. */
  session: z.string(),
  version: z.string(),
});

export const scoredLabelSchema = z.strictObject({
  label: z.string(),
  /** Place in the model's outputs. */
  index: count,
  score: z.number(),
});

export const resultMessageSchema = z.strictObject({
  session: z.string(),
  /** Counts every captured frame of the session, dropped ones too, from 1. */
  sequence: z.int().min(1),
  capturedAt: z.iso.datetime(),
  /** From capture to publishing. */
  latencyMs: z.number().min(0),
  /** Preparing the tensor and running the model. */
  inferenceMs: z.number().min(0),
  model: z.strictObject({ name: z.string(), version: z.string() }),
  top: z.array(scoredLabelSchema).min(1),
});

export const labelMessageSchema = z.strictObject({
  session: z.string(),
  /** Rises with every label and event of the device, also across restarts; a repeated one is a duplicate. */
  id: z.int().min(1),
  /** The settled label; null while none has been taken up. */
  label: z.string().nullable(),
  score: z.number().min(0).max(1),
  previous: z.string().nullable(),
  sequence: z.int().min(0),
  since: z.iso.datetime(),
});

export const eventMessageSchema = z.strictObject({
  session: z.string(),
  /** Counts labels and events together, see there. */
  id: z.int().min(1),
  at: z.iso.datetime(),
  /** A fault's code, or one of `eventCodes`. */
  code: z.string(),
  /** The thread or part it is about. */
  component: z.string().optional(),
  message: z.string(),
  /** What a person can do about it; faults have it. */
  mend: z.string().optional(),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/** Events that are no faults. */
export const eventCodes = [
  'daemon.started',
  'daemon.stopping',
  'camera.back',
  'mqtt.reconnected',
  'outbox.overflow',
  'config.trial',
  'config.applied',
  'config.rejected',
  'config.rolled-back',
] as const;

export const ledgerSchema = z.strictObject({
  captured: count,
  classified: count,
  gated: count,
  dropped: z.strictObject(
    Object.fromEntries(dropReasons.map((reason) => [reason, count])) as Record<
      (typeof dropReasons)[number],
      typeof count
    >,
  ),
  failed: count,
  inFlight: count,
});

export const faultSchema = z.strictObject({
  /** `area.problem`, as docs/faults.md lists them. */
  code: z.string(),
  message: z.string(),
  mend: z.string(),
  retryable: z.boolean(),
});

const percentilesSchema = z.strictObject({ p50: z.number(), p99: z.number(), max: z.number() });

export const healthStates = ['starting', 'ok', 'degraded', 'stopping'] as const;

export const healthMessageSchema = z.strictObject({
  session: z.string(),
  version: z.string(),
  state: z.enum(healthStates),
  at: z.iso.datetime(),
  uptimeSeconds: z.number().min(0),
  ledger: ledgerSchema,
  /** Per second, over the time since the last health message. */
  rates: z.strictObject({ captured: z.number(), classified: z.number(), dropped: z.number() }),
  /** Over the classified frames since the last health message; absent when there were none. */
  latencyMs: percentilesSchema.optional(),
  inferenceMs: percentilesSchema.optional(),
  results: z.strictObject({ published: count, thinned: count, unsent: count }),
  camera: z.strictObject({
    /** `waiting`: there is no camera to read now; `fault` says why, and it is tried again by itself. */
    state: z.enum(['opening', 'streaming', 'waiting']),
    /** The camera, its format, size and rate; empty until one was open. */
    source: z.string(),
    fault: faultSchema.optional(),
    /** How often a camera was opened after the first time. */
    reopens: count,
    /** How often its thread died and was started again. */
    restarts: count,
  }),
  inference: z.strictObject({ workers: count, restarts: count }),
  model: z.strictObject({ name: z.string(), version: z.string() }),
  outbox: z.strictObject({
    /** Labels and events that the broker has not acknowledged yet. */
    waiting: count,
    bytes: count,
    /** Given up since the start, because `outbox.messagesMax` or `bytesMax` was reached. */
    lost: count,
    /** Whether what waits would survive a restart; false when there is no usable disk. */
    stored: z.boolean(),
    /** What the daemon wrote to disks in the last hour; absent where the system does not count it. */
    writtenBytesPerHour: count.optional(),
  }),
  memoryMegabytes: z.number().min(0),
  cpuPercent: z.number().min(0),
});

/** A change of config that is asked for, over the device's own config file. */
export const desiredMessageSchema = z.strictObject({
  /** Strictly increasing: a version that was tried, or an older one, is refused. */
  version: z.int().min(1),
  /**
   * A part of the config: mappings are merged key by key, everything else is replaced, and `null`
   * takes a key away so that its default applies (RFC 7396).
   */
  config: z.record(z.string(), z.unknown()),
});

/** A desired message with proof of who wrote it. */
export const signedMessageSchema = z.strictObject({
  /** The text of a desired message; its exact UTF-8 bytes are what is signed. */
  payload: z.string(),
  /** Ed25519, in base64. */
  signature: z.string(),
});

export const pathErrorSchema = z.strictObject({
  /** Dotted path of the key, as in `camera.width`; empty when it is about the whole document. */
  path: z.string(),
  /** What is wrong and how to mend it. */
  message: z.string(),
});

export const reportedStates = ['applied', 'trial', 'rejected', 'rolled-back'] as const;

/** What became of the newest desired message. */
export const reportedMessageSchema = z.strictObject({
  session: z.string(),
  /** Counts labels, events and verdicts together, see there. */
  id: z.int().min(1),
  at: z.iso.datetime(),
  /** Of the message this is about; null for none, an empty one, or one whose version is unreadable. */
  version: z.int().min(1).nullable(),
  /**
   * `trial`: in force until health was ok for `remoteConfig.trialSeconds`. `rejected`: never in force.
   * `rolled-back`: was in force, did not do, and will not be tried again.
   */
  state: z.enum(reportedStates),
  /** Why, when rejected or rolled back. */
  errors: z.array(pathErrorSchema),
  /** The whole config in force now. */
  config: z.record(z.string(), z.unknown()),
  /** The version to which a failed trial returns; null is the config file alone. */
  lastKnownGood: z.int().min(1).nullable(),
});

export type StatusMessage = z.infer<typeof statusMessageSchema>;
export type ResultMessage = z.infer<typeof resultMessageSchema>;
export type EventMessage = z.infer<typeof eventMessageSchema>;
export type EventCode = (typeof eventCodes)[number];
export type LabelMessage = z.infer<typeof labelMessageSchema>;
export type HealthMessage = z.infer<typeof healthMessageSchema>;
export type PathError = z.infer<typeof pathErrorSchema>;
export type ReportedMessage = z.infer<typeof reportedMessageSchema>;
export type HealthState = HealthMessage['state'];
export type ScoredLabel = z.infer<typeof scoredLabelSchema>;

/** The device's topics: `BASE/DEVICE/NAME`. */
export type Topics = Readonly<
  Record<
    | 'status'
    | 'health'
    | 'event'
    | 'result'
    | 'label'
    | 'snapshot'
    | 'configDesired'
    | 'configReported'
    /** These two are continued with the name of a command. */
    | 'command'
    | 'response',
    string
  >
>;

export function topicsOf(base: string, device: string): Topics {
  const topic = (name: string): string => `${base}/${device}/${name}`;
  return {
    status: topic('status'),
    health: topic('health'),
    event: topic('event'),
    result: topic('result'),
    label: topic('label'),
    snapshot: topic('snapshot'),
    configDesired: topic('config/desired'),
    configReported: topic('config/reported'),
    command: topic('command'),
    response: topic('response'),
  };
}
