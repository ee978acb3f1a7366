import { z } from 'zod';
import { components } from '../base/fault.ts';
import { type DropReason, dropReasons, dropTexts } from './ledger.ts';

/*
 * What the daemon says and hears over MQTT: one schema a message. Types, validation, the JSON Schemas in
 * docs/schemas/ and the tables of docs/topics.md all come from here; contract.ts says how each travels.
 */

const count = z.int().min(0);
const component = z.enum(components);
const time = z.iso.datetime({ precision: 3 });

const session = z
  .string()
  .describe('One run of the daemon; a late will of an earlier run can be told by it.');
const id = z
  .int()
  .min(1)
  .describe(
    'Rises with every label, event and verdict of the device, also across restarts; a repeated one is a duplicate.',
  );
const clockSynced = z
  .boolean()
  .describe("Whether the device's clock was right at that time: something had synchronized it.");
const sequence = z
  .int()
  .min(1)
  .describe('Counts every captured frame of the session, also those that were let go.');
const model = z
  .strictObject({ name: z.string(), version: z.string() })
  .describe('The model that classifies.');

export const statusMessageSchema = z
  .strictObject({
    state: z
      .enum(['online', 'stopped', 'offline'])
      .describe(
        '`online`: connected. `stopped`: left in order. `offline`: lost; the broker says so.',
      ),
    session,
    version: z.string().describe("The daemon's version."),
  })
  .describe('Whether the device is there.');

export const scoredLabelSchema = z.strictObject({
  label: z.string(),
  index: count.describe("Place in the model's outputs."),
  score: z.number().describe('0 to 1, as the model gives it for this frame.'),
});

export const resultMessageSchema = z
  .strictObject({
    session,
    sequence,
    capturedAt: time.describe('When the frame was captured.'),
    clockSynced,
    latencyMs: z.number().min(0).describe('From capture to publishing.'),
    inferenceMs: z.number().min(0).describe('Preparing the tensor and running the model.'),
    model,
    top: z
      .array(scoredLabelSchema)
      .min(1)
      .describe('The best labels, best first: `publish.topK` of them.'),
  })
  .describe('What the model says of one frame.');

export const labelMessageSchema = z
  .strictObject({
    session,
    id,
    label: z.string().nullable().describe('The settled label; null while none has been taken up.'),
    score: z.number().min(0).max(1).describe('Its smoothed score; 0 without a label.'),
    previous: z.string().nullable().describe('The label before.'),
    sequence,
    since: time.describe('When the frame that settled it was captured.'),
    clockSynced,
  })
  .describe('The settled label, as it changes.');

export const eventMessageSchema = z
  .strictObject({
    session,
    id,
    at: time.describe('When it happened.'),
    clockSynced,
    code: z.string().describe('What happened: the code of a fault, or one of those below.'),
    component: z.string().optional().describe('The thread or part it is about.'),
    message: z.string().describe('A sentence for a person.'),
    mend: z.string().optional().describe('What a person can do about it; faults have it.'),
    data: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe('Its figures.'),
  })
  .describe('Something that happened to the daemon.');

const dropped = Object.fromEntries(
  dropReasons.map((reason) => [reason, count.describe(dropTexts[reason])]),
);

export const ledgerSchema = z
  .strictObject({
    captured: count,
    classified: count,
    gated: count.describe('Not classified because nothing had changed.'),
    dropped: z.strictObject(dropped as Record<DropReason, typeof count>),
    failed: count.describe('Broken at capture, or its classification failed.'),
    inFlight: count.describe('Waiting, or being classified.'),
  })
  .describe(
    'Where every frame of the session went: captured = classified + gated + all dropped + failed + inFlight.',
  );

export const faultSchema = z.strictObject({
  code: z.string().describe('`area.problem`.'),
  component: component.describe('The part it is about.'),
  message: z.string().describe('What is wrong.'),
  mend: z.string().describe('What a person can do about it.'),
  retryable: z.boolean().describe('Whether it may pass by itself.'),
});

const percentilesSchema = z.strictObject({ p50: z.number(), p99: z.number(), max: z.number() });

export const healthStates = ['starting', 'ok', 'degraded', 'failing', 'stopping'] as const;

/** The steps of the recovery ladder, from the gentlest. */
export const rungs = ['stream', 'device', 'worker', 'process'] as const;
export type Rung = (typeof rungs)[number];

const componentStateSchema = z
  .strictObject({
    state: z
      .enum(['starting', 'ok', 'waiting', 'degraded', 'recovering', 'failing'])
      .describe(
        '`waiting`: for something outside, such as a camera or the broker. `degraded`: it works with less. `recovering`: a step is under way. `failing`: given up for now; it is tried again when there is a budget.',
      ),
    fault: z.string().optional().describe('The code of what is wrong.'),
    message: z.string().optional().describe('The same as a sentence.'),
    rung: z.enum(rungs).optional().describe('The step that is under way.'),
  })
  .describe('How a part of the daemon is.');

const componentsSchema = z
  .strictObject(
    Object.fromEntries(components.map((name) => [name, componentStateSchema])) as Record<
      (typeof components)[number],
      typeof componentStateSchema
    >,
  )
  .describe('Each part by its name.');

export const healthMessageSchema = z
  .strictObject({
    session,
    version: z.string().describe("The daemon's version."),
    state: z
      .enum(healthStates)
      .describe(
        '`degraded`: not all is well, and the device does what it can. `failing`: nothing is classified, and the device has tried all it may for now.',
      ),
    components: componentsSchema,
    at: time.describe('When this was so.'),
    clockSynced,
    uptimeSeconds: z.number().min(0).describe('Since the daemon started.'),
    ledger: ledgerSchema,
    rates: z
      .strictObject({ captured: z.number(), classified: z.number(), dropped: z.number() })
      .describe('Frames per second since the last health message.'),
    latencyMs: percentilesSchema
      .optional()
      .describe(
        'From capture to publishing, since the last health message; absent without a frame.',
      ),
    inferenceMs: percentilesSchema
      .optional()
      .describe('Tensor and model, since the last health message.'),
    results: z
      .strictObject({
        published: count,
        thinned: count.describe('Over the rate, or overtaken by a newer one.'),
        unsent: count.describe('No connection, or one that could not keep up.'),
      })
      .describe('What became of the results of the session.'),
    camera: z.strictObject({
      state: z
        .enum(['opening', 'streaming', 'waiting', 'stuck'])
        .describe(
          '`waiting`: there is none to read now; it is tried again by itself. `stuck`: there is one that does not do; it is being recovered.',
        ),
      source: z
        .string()
        .describe('The camera, its format, size and rate as granted; empty until one was open.'),
      fault: faultSchema.optional().describe('Why it is not streaming.'),
      reopens: count.describe('How often a camera was opened after the first time.'),
      restarts: count.describe('How often its thread died and was started again.'),
    }),
    inference: z.strictObject({
      workers: count.describe('Threads that classify side by side.'),
      restarts: count.describe('How often one died and was started again.'),
    }),
    model,
    outbox: z.strictObject({
      waiting: count.describe('Labels, events and verdicts that the broker has not acknowledged.'),
      bytes: count.describe('Their bytes.'),
      lost: count.describe(
        'Given up since the start: `outbox.messagesMax` or `bytesMax` was reached.',
      ),
      stored: z.boolean().describe('Whether what waits would survive a restart.'),
      writtenBytesPerHour: count
        .optional()
        .describe(
          "What the daemon wrote to disks in the last hour, without the file system's own.",
        ),
    }),
    memoryMegabytes: z.number().min(0).describe('Resident memory, in MiB.'),
    cpuPercent: z
      .number()
      .min(0)
      .describe('Of one core, since the last health message, all threads together.'),
    temperatureCelsius: z
      .number()
      .optional()
      .describe("The processor's, where the system tells it."),
  })
  .describe('The whole picture.');

/** A change of config that is asked for, over the device's own config file. */
export const desiredMessageSchema = z
  .strictObject({
    version: z
      .int()
      .min(1)
      .describe('Strictly increasing: a version that was tried, or an older one, is refused.'),
    config: z
      .record(z.string(), z.unknown())
      .describe(
        'A part of the config: mappings are merged key by key, everything else is replaced, and `null` takes a key away so that its default applies (RFC 7396).',
      ),
  })
  .describe('A change of the config. An empty payload takes all changes away.');

/** A desired message with proof of who wrote it. */
export const signedMessageSchema = z
  .strictObject({
    payload: z
      .string()
      .describe('The text of a `config/desired`; its exact UTF-8 bytes are what is signed.'),
    signature: z.string().describe('Ed25519, in base64.'),
  })
  .describe('A change of the config with proof of who wrote it, for `remoteConfig.publicKey`.');

export const pathErrorSchema = z.strictObject({
  path: z
    .string()
    .describe('The key, as in `camera.width`; empty when it is about the whole document.'),
  message: z.string().describe('What is wrong and how to mend it.'),
});

/** What is wrong, with its path where there is one. */
export const sentenceOf = ({ path, message }: z.infer<typeof pathErrorSchema>): string =>
  path === '' ? message : `${path}: ${message}`;

export const reportedStates = ['applied', 'trial', 'rejected', 'rolled-back'] as const;

export const reportedMessageSchema = z
  .strictObject({
    session,
    id,
    at: time.describe('When it was decided.'),
    clockSynced,
    version: z
      .int()
      .min(1)
      .nullable()
      .describe(
        'Of the message this is about; null for none, an empty one, or one whose version is unreadable.',
      ),
    state: z
      .enum(reportedStates)
      .describe(
        '`trial`: in force until health was ok for `remoteConfig.trialSeconds`. `applied`: in force. `rejected`: never in force. `rolled-back`: was in force, did not do, and will not be tried again.',
      ),
    errors: z.array(pathErrorSchema).describe('Why, when rejected or rolled back.'),
    config: z.record(z.string(), z.unknown()).describe('The whole config in force now.'),
    lastKnownGood: z
      .int()
      .min(1)
      .nullable()
      .describe('The version to which a failed trial returns; null is the config file alone.'),
  })
  .describe('What became of the newest change of the config, and what is in force.');

export type StatusMessage = z.infer<typeof statusMessageSchema>;
export type ResultMessage = z.infer<typeof resultMessageSchema>;
export type EventMessage = z.infer<typeof eventMessageSchema>;
export type LabelMessage = z.infer<typeof labelMessageSchema>;
export type HealthMessage = z.infer<typeof healthMessageSchema>;
export type PathError = z.infer<typeof pathErrorSchema>;
export type ReportedMessage = z.infer<typeof reportedMessageSchema>;
export type HealthState = HealthMessage['state'];
export type ComponentState = z.infer<typeof componentStateSchema>;
export type Components = HealthMessage['components'];
export type ScoredLabel = z.infer<typeof scoredLabelSchema>;
