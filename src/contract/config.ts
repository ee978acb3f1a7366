import { z } from 'zod';
import { logLevels } from '../base/log.ts';
import { type CameraConfig, cameraSchema } from './camera-config.ts';
import { jpegQualitySchema, pictureSideSchema } from './commands.ts';
import { healthSchema } from './health-config.ts';
import { ringOrders } from './ring.ts';

/**
 * The one definition of the config: validation, types, defaults, JSON Schema and the tables in
 * docs/config.md all come from here.
 */

const deviceSchema = z.strictObject({
  id: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      'letters, digits, dot, dash and underscore, at most 63',
    )
    .optional()
    .describe('Name of this device in its topics; the host name when absent.'),
});

const queueSchema = z.strictObject({
  slots: z.int().min(1).max(64).default(6).describe('Frames the ring can hold.'),
  order: z
    .enum(ringOrders)
    .default('latest')
    .describe(
      'Which waiting frame is classified next: the newest, the oldest, or the most changed. `pace: fast` always uses fifo.',
    ),
});

const modelSchema = z.strictObject({
  use: z
    .string()
    .min(1)
    .default('scene-visitors')
    .describe(
      'A model that comes with sightd, or the path of a manifest (.json) or of an .onnx file with its manifest beside it.',
    ),
});

const inferenceSchema = z.strictObject({
  workers: z
    .int()
    .min(1)
    .max(8)
    .default(1)
    .describe('Sessions that classify side by side, each in a thread of its own.'),
  threads: z.int().min(1).max(16).default(1).describe('Threads within one session.'),
});

const fraction = z.number().min(0).max(1);

export const labelSchema = z
  .strictObject({
    smoothing: z
      .number()
      .min(0)
      .max(0.99)
      .default(0.5)
      .describe('Weight of the past in the smoothed scores; 0 takes each frame as it is.'),
    enter: fraction.gt(0).default(0.6).describe('Smoothed score from which a label is taken up.'),
    exit: fraction
      .default(0.4)
      .describe('Smoothed score below which the current label is given up.'),
    holdSeconds: z
      .number()
      .min(0)
      .max(3600)
      .default(1)
      .describe('A label stays at least this long.'),
    thresholds: z
      .record(z.string(), z.number().gt(0).max(1))
      .default({})
      .describe(
        'Per label: its own `enter` (its exit keeps the proportion of exit to enter). Such a label goes before labels without one.',
      ),
  })
  .refine(({ enter, exit }) => exit <= enter, {
    path: ['exit'],
    message: 'no more than label.enter',
  });

const publishSchema = z.strictObject({
  results: z.boolean().default(true).describe('Publish a `result` for classified frames.'),
  resultsPerSecondMax: z
    .number()
    .min(0)
    .max(1000)
    .default(5)
    .describe(
      'At most so many results a second; 0 is no limit. Lossless replay (`pace: fast`) is never thinned.',
    ),
  topK: z.int().min(1).max(20).default(5).describe('Best labels in a result.'),
  snapshot: z
    .enum(['never', 'label'])
    .default('never')
    .describe(
      'Publish a picture on `snapshot` by itself: never, or when the settled label changes.',
    ),
});

const snapshotSchema = z.strictObject({
  sideMax: pictureSideSchema
    .default(1920)
    .describe('Longest side of a picture in pixels; larger frames are shrunk, none is enlarged.'),
  quality: jpegQualitySchema.default(80).describe('JPEG quality.'),
});

const commandsSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('Obey commands on the topics `command/…`.'),
  ratePerMinute: z
    .number()
    .min(1)
    .max(600)
    .default(60)
    .describe('Commands that are obeyed in the long run; what is more is answered `command.busy`.'),
  burst: z.int().min(1).max(100).default(10).describe('Commands that are obeyed at once.'),
});

/** The beginning of topics: what brokers take as UTF-8 text (MQTT 5 1.5.4), and no wildcards. */
const topicOf = (levels: number) => {
  const level = '[^#+/\\p{Cc}\\p{Cn}\\p{Cs}]+';
  return z
    .string()
    .regex(
      new RegExp(`^(?!\\$)${level}(\\/${level}){0,${levels - 1}}$`, 'u'),
      `up to ${levels} levels of plain text without + and #, no slash at the ends`,
    );
};

/** A path, or `credential:NAME`: the file of that name that systemd hands in. */
const secretPath = z
  .string()
  .min(1)
  .refine((path) => !/^credential:(.*\/.*|\.{0,2})$/.test(path), {
    message: 'a path, or credential: and a name',
  });

const mqttSchema = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^(mqtt|mqtts|ws|wss):\/\/.+/,
        'an address such as mqtt://localhost:1883 (mqtt, mqtts, ws or wss)',
      )
      .refine((url) => !url.includes('://') || (URL.canParse(url) && !/\s/.test(url)), {
        message: 'a whole address such as mqtt://localhost:1883',
      })
      .refine((url) => !/^[a-z]+:\/\/[^/]*@/.test(url), {
        message: 'an address without a login; use mqtt.username and mqtt.passwordFile',
      })
      .default('mqtt://localhost:1883')
      .describe('The broker.'),
    base: topicOf(5).default('sightd').describe('Topics are BASE/DEVICE/….'),
    protocol: z
      .literal(['auto', 5, '3.1.1'])
      .default('auto')
      .describe('MQTT version; auto speaks 5 and falls back to 3.1.1 when the broker refuses it.'),
    username: z.string().min(1).optional().describe('Name to log in with.'),
    passwordFile: secretPath
      .optional()
      .describe(
        'File with the password on its first line; this and the three below may be `credential:NAME`, a systemd credential.',
      ),
    ca: secretPath
      .optional()
      .describe(
        "PEM file with the authorities that may sign the broker's certificate; those that Node.js knows when absent.",
      ),
    cert: secretPath
      .optional()
      .describe("PEM file with this device's certificate, for a broker that asks for one."),
    key: secretPath
      .optional()
      .describe('PEM file with the private key of `mqtt.cert`, without a passphrase.'),
    keepaliveSeconds: z
      .int()
      .min(5)
      .max(300)
      .default(20)
      .describe(
        'Silence after which the connection is probed; the broker tells of a lost device after one and a half of it.',
      ),
    reconnectSecondsMax: z
      .number()
      .min(1)
      .max(3600)
      .default(60)
      .describe('Cap of the wait between attempts to connect (exponential, with full jitter).'),
  })
  .refine(({ username, passwordFile }) => passwordFile === undefined || username !== undefined, {
    path: ['username'],
    message: 'the name that mqtt.passwordFile is for',
  })
  .refine(({ cert, key }) => cert === undefined || key !== undefined, {
    path: ['key'],
    message: 'the private key of mqtt.cert',
  })
  .refine(({ cert, key }) => key === undefined || cert !== undefined, {
    path: ['cert'],
    message: 'the certificate that mqtt.key is for',
  })
  .superRefine((config, context) => {
    if (/^(mqtts|wss):/.test(config.url)) return;
    for (const key of ['ca', 'cert', 'key'] as const) {
      if (config[key] === undefined) continue;
      const message = 'an mqtt.url that begins with mqtts:// or wss:// to go with it';
      context.addIssue({ code: 'custom', path: [key], message });
    }
  });

const homeAssistantSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Announce this device and its entities to Home Assistant; switched off, they are taken away.',
    ),
  prefix: topicOf(4)
    .default('homeassistant')
    .describe("Home Assistant's discovery prefix; its birth message is awaited on PREFIX/status."),
});

const outboxSchema = z.strictObject({
  messagesMax: z
    .int()
    .min(10)
    .max(1_000_000)
    .default(10_000)
    .describe('Labels and events kept while the broker is away; then the oldest label goes first.'),
  bytesMax: z
    .int()
    .min(65_536)
    .max(1_073_741_824)
    .default(16_777_216)
    .describe('The same in bytes of topics and payloads. They are kept in memory too.'),
});

/** PEM as openssl writes it, or the 32 bytes in base64. */
const publicKeyForm =
  /^(-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*|[A-Za-z0-9+/]{43}=)$/;

const remoteConfigSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Take changes of the config from the topic `config/desired`.'),
  trialSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(30)
    .describe('Health must be `ok` for so long in a row, or a change is rolled back.'),
  publicKey: z
    .string()
    .regex(publicKeyForm, 'an Ed25519 public key: PEM, or its 32 bytes in base64')
    .optional()
    .describe('Ed25519 key; when set, only documents that are signed with its counterpart count.'),
  folders: z
    .array(z.string().regex(/^\//, 'an absolute path'))
    .default([])
    .describe(
      'Folders that `camera.path` and `model.use` may be set to remotely; models also to STATEDIR/models.',
    ),
});

const logSchema = z.strictObject({
  level: z.enum(logLevels).default('info').describe('Least severe lines to write.'),
});

export const configSchema = z.strictObject({
  device: deviceSchema.prefault({}),
  camera: cameraSchema.prefault({}),
  queue: queueSchema.prefault({}),
  model: modelSchema.prefault({}),
  inference: inferenceSchema.prefault({}),
  label: labelSchema.prefault({}),
  publish: publishSchema.prefault({}),
  snapshot: snapshotSchema.prefault({}),
  mqtt: mqttSchema.prefault({}),
  homeAssistant: homeAssistantSchema.prefault({}),
  outbox: outboxSchema.prefault({}),
  remoteConfig: remoteConfigSchema.prefault({}),
  commands: commandsSchema.prefault({}),
  health: healthSchema.prefault({}),
  log: logSchema.prefault({}),
  stateDir: z
    .string()
    .min(1)
    .default('/var/lib/sightd')
    .describe(
      'Folder for what survives a restart: the outbox, the config from afar. Where it cannot be used, memory takes its place.',
    ),
});

export type Config = z.infer<typeof configSchema>;
export type LabelConfig = z.infer<typeof labelSchema>;
export type MqttConfig = Config['mqtt'];

/** Whether every frame counts, and the daemon ends with the last one. */
export const isLosslessRun = ({ source, pace }: CameraConfig): boolean =>
  pace === 'fast' && (source === 'replay' || source === 'scene');

/** The JSON Schema of the config file (draft 2020-12). */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' });
}
