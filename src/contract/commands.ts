import { z } from 'zod';
import { pathErrorSchema, reportedStates, scoredLabelSchema } from './messages.ts';

/**
 * What a device can be asked to do over MQTT, and what it answers. A command comes on
 * `command/NAME`; its answer goes to `response/NAME`, or to the response topic that it names.
 */
export const commandNames = [
  'snapshot',
  'identify',
  'reload',
  'restart',
  'purge',
  'doctor',
  'configure',
] as const;
export type CommandName = (typeof commandNames)[number];

/** What every command has. */
const envelope = {
  id: z
    .string()
    .min(1)
    .max(64)
    .describe('Chosen by whoever asks; the answer has it too. The same one is not obeyed twice.'),
  expiresAt: z.iso
    .datetime('a time in UTC such as 2026-05-04T14:17:01Z')
    .describe('After this the command is refused: UTC, at most one day ahead.'),
};

/** Pixels of a picture's longest side. */
export const pictureSideSchema = z.int().min(64).max(3840);
/** As JPEG encoders count it. */
export const jpegQualitySchema = z.int().min(1).max(100);

/** A picture of the frame that is classified next, on the topic `snapshot`. */
export const snapshotRequestSchema = z.strictObject({
  ...envelope,
  sideMax: pictureSideSchema
    .optional()
    .describe('Longest side in pixels, where less than `snapshot.sideMax` is wanted.'),
  quality: jpegQualitySchema
    .optional()
    .describe('JPEG quality, where less than `snapshot.quality` is wanted.'),
});

/** Who and what this device is. */
export const identifyRequestSchema = z.strictObject(envelope);

/** Reads the config file again, as SIGHUP does. */
export const reloadRequestSchema = z.strictObject(envelope);

export const restartParts = ['camera', 'inference', 'process'] as const;

/** Starts a part of the daemon again, or all of it. */
export const restartRequestSchema = z.strictObject({
  ...envelope,
  what: z
    .enum(restartParts)
    .describe(
      '`camera`: opens the camera again. `inference`: other inference workers take over. `process`: ends sightd cleanly, to be started by what supervises it.',
    ),
});

/** Takes what this device has retained off the broker. */
export const purgeRequestSchema = z.strictObject(envelope);

/** Goes through the parts of the device and says which are well. */
export const doctorRequestSchema = z.strictObject(envelope);

/** Changes some keys of the config from afar, and leaves all others as they are. */
export const configureRequestSchema = z.strictObject({
  ...envelope,
  config: z
    .record(z.string(), z.unknown())
    .describe('Merged over the present remote layer (RFC 7396); null takes a key out of it.'),
});

export const requestSchemas = {
  snapshot: snapshotRequestSchema,
  identify: identifyRequestSchema,
  reload: reloadRequestSchema,
  restart: restartRequestSchema,
  purge: purgeRequestSchema,
  doctor: doctorRequestSchema,
  configure: configureRequestSchema,
} as const satisfies Record<CommandName, z.ZodObject>;

/** A request together with the name that its topic gives it. */
export const commandSchema = z.discriminatedUnion('name', [
  snapshotRequestSchema.extend({ name: z.literal('snapshot') }),
  identifyRequestSchema.extend({ name: z.literal('identify') }),
  reloadRequestSchema.extend({ name: z.literal('reload') }),
  restartRequestSchema.extend({ name: z.literal('restart') }),
  purgeRequestSchema.extend({ name: z.literal('purge') }),
  doctorRequestSchema.extend({ name: z.literal('doctor') }),
  configureRequestSchema.extend({ name: z.literal('configure') }),
]);

/** The user properties of a snapshot (MQTT 5), and what the answer says of it. */
export const snapshotResultSchema = z.strictObject({
  topic: z.string().describe('Where the JPEG was published.'),
  bytes: z.int().min(1).describe('Size of the JPEG.'),
  width: z.int().min(1),
  height: z.int().min(1),
  sequence: z.int().min(1).describe('Of the frame, as in its result.'),
  capturedAt: z.iso.datetime(),
  label: z.string().describe("The frame's best label."),
  score: scoredLabelSchema.shape.score,
  settled: z.string().nullable().describe('The settled label when the frame was classified.'),
});

export const identifyResultSchema = z.strictObject({
  device: z.string(),
  base: z
    .string()
    .describe("What comes before the device in its topics: the config's `mqtt.base`."),
  version: z.string().describe('Of sightd.'),
  session: z.string(),
  uptimeSeconds: z.number().min(0),
  model: z.strictObject({ name: z.string(), version: z.string() }),
  camera: z.strictObject({
    state: z.enum(['opening', 'streaming', 'waiting', 'stuck']),
    source: z.string().describe('The camera, its format, size and rate; empty until one was open.'),
  }),
  protocol: z.literal([5, '3.1.1']).nullable().describe('MQTT version spoken with the broker.'),
  commands: z.array(z.enum(commandNames)),
  node: z.string().describe('Version of Node.js.'),
  platform: z.string().describe('Operating system and processor, as in `linux arm64`.'),
});

export const reloadResultSchema = z.strictObject({
  applied: z.array(z.string()).describe('Sections that are in force now and were not before.'),
  waiting: z.array(z.string()).describe('Sections that differ and apply after a restart.'),
});

export const restartResultSchema = z.strictObject({ what: z.enum(restartParts) });

export const purgeResultSchema = z.strictObject({
  topics: z.array(z.string()).describe('Topics that hold nothing any more.'),
  note: z.string().describe('What comes back by itself, and when.'),
});

export const checkupParts = ['camera', 'model', 'broker', 'clock', 'disk', 'memory'] as const;
export const checkupStates = ['ok', 'warn', 'fail'] as const;

/** One part of the device, and how it is. */
export const checkupSchema = z.strictObject({
  part: z.enum(checkupParts),
  state: z.enum(checkupStates),
  message: z.string(),
  mend: z.string().optional().describe('What a person can do about it; absent when it is ok.'),
});

export const doctorResultSchema = z.strictObject({
  state: z.enum(checkupStates).describe('The worst of them.'),
  parts: z.array(checkupSchema),
});

export const configureResultSchema = z.strictObject({
  version: z.int().min(1).describe('Of the document that was published on `config/desired`.'),
  state: z
    .enum(reportedStates)
    .describe('What has become of it by now; `config/reported` tells the rest.'),
  errors: z.array(pathErrorSchema),
});

export const resultSchemas = {
  snapshot: snapshotResultSchema,
  identify: identifyResultSchema,
  reload: reloadResultSchema,
  restart: restartResultSchema,
  purge: purgeResultSchema,
  doctor: doctorResultSchema,
  configure: configureResultSchema,
} as const satisfies Record<CommandName, z.ZodObject>;

const answerHead = {
  session: z.string(),
  at: z.iso.datetime(),
  clockSynced: z.boolean(),
};

/** Why a command was not obeyed, or did not work. */
export const refusalSchema = z.strictObject({
  ...answerHead,
  id: z.string().nullable().describe('Of the command; null where it could not be read.'),
  ok: z.literal(false),
  error: z.strictObject({ code: z.string(), message: z.string(), mend: z.string() }),
});

const doneSchemaOf = <Result extends z.ZodObject>(result: Result) =>
  z.discriminatedUnion('ok', [
    z.strictObject({ ...answerHead, id: z.string(), ok: z.literal(true), result }),
    refusalSchema,
  ]);

/** What comes on `response/NAME`. */
export const answerSchemas = {
  snapshot: doneSchemaOf(snapshotResultSchema),
  identify: doneSchemaOf(identifyResultSchema),
  reload: doneSchemaOf(reloadResultSchema),
  restart: doneSchemaOf(restartResultSchema),
  purge: doneSchemaOf(purgeResultSchema),
  doctor: doneSchemaOf(doctorResultSchema),
  configure: doneSchemaOf(configureResultSchema),
} as const satisfies Record<CommandName, z.ZodType>;

export type Command = z.infer<typeof commandSchema>;
export type CommandOf<Name extends CommandName> = Extract<Command, { readonly name: Name }>;
export type CommandResult = z.infer<(typeof resultSchemas)[CommandName]>;
export type SnapshotResult = z.infer<typeof snapshotResultSchema>;
export type IdentifyResult = z.infer<typeof identifyResultSchema>;
export type ReloadResult = z.infer<typeof reloadResultSchema>;
export type PurgeResult = z.infer<typeof purgeResultSchema>;
export type DoctorResult = z.infer<typeof doctorResultSchema>;
export type ConfigureResult = z.infer<typeof configureResultSchema>;
export type Checkup = z.infer<typeof checkupSchema>;
export type Answer = z.infer<(typeof answerSchemas)[CommandName]>;
