import { z } from 'zod';
import { logLevels } from '../base/log.ts';
import { type FrameSize, pixelFormats } from './frame.ts';
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

const even = (value: number): boolean => value % 2 === 0;

/** `MJPG` is decoded as it arrives; the others go through the ring as they are. */
export const cameraFormats = ['auto', ...pixelFormats, 'MJPG'] as const;

const share = z.number().min(0).max(1);

const regionSchema = z
  .strictObject({
    x: share.default(0).describe("Left edge, as a fraction of the frame's width."),
    y: share.default(0).describe('Upper edge, as a fraction of its height.'),
    width: share.gt(0).default(1).describe("Width, as a fraction of the frame's."),
    height: share.gt(0).default(1).describe("Height, as a fraction of the frame's."),
  })
  .refine(({ x, width }) => x + width <= 1 + 1e-9, {
    path: ['width'],
    message: 'at most 1 − camera.region.x',
  })
  .refine(({ y, height }) => y + height <= 1 + 1e-9, {
    path: ['height'],
    message: 'at most 1 − camera.region.y',
  });

export const cameraSchema = z
  .strictObject({
    source: z
      .enum(['auto', 'v4l2', 'rpicam', 'replay', 'scene'])
      .default('auto')
      .describe(
        'Where frames come from: the best camera found, a V4L2 camera (USB webcams, HDMI grabbers), a Raspberry Pi camera (CSI, through rpicam-vid), a replay of files, or the built-in moving scene.',
      ),
    device: z
      .string()
      .min(1)
      .optional()
      .describe(
        'v4l2: /dev/video0, or better a path below /dev/v4l/by-id; rpicam: the number of the camera. The best one found when absent.',
      ),
    width: z
      .int()
      .min(64)
      .max(3840)
      .refine(even, 'an even number')
      .optional()
      .describe(
        'Pixels a row. Absent, a V4L2 camera gives the smallest size that has all that the model looks at; everything else 640. Replayed pictures are shrunk to fit within width × height, never enlarged.',
      ),
    height: z
      .int()
      .min(48)
      .max(2160)
      .refine(even, 'an even number')
      .optional()
      .describe('Rows of a frame; absent as width is (480).'),
    fps: z.number().min(0.1).max(240).default(30).describe('Frames per second asked for.'),
    format: z
      .enum(cameraFormats)
      .default('auto')
      .describe('v4l2: pixel format by its fourcc; auto takes the one that costs least.'),
    controls: z
      .record(z.string().min(1), z.union([z.number(), z.boolean(), z.string()]))
      .default({})
      .describe(
        'v4l2: controls to set, by the names that `sightd cameras` shows; menus by number or by name.',
      ),
    region: regionSchema.prefault({}).describe('The part of the frame that is looked at.'),
    rotate: z
      .literal([0, 90, 180, 270])
      .default(0)
      .describe('Degrees clockwise by which the region is turned before it is classified.'),
    path: z.string().min(1).optional().describe('replay: a folder of images, or a video file.'),
    pace: z
      .enum(['realtime', 'fast'])
      .default('realtime')
      .describe(
        'replay and scene: at the rate of `fps` (a video: its own), or as fast as every frame can be classified, losing none.',
      ),
    loop: z.boolean().default(false).describe('replay: start again at the end.'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(1)
      .describe('scene: another seed, another course of events.'),
  })
  .refine(({ source, path }) => source !== 'replay' || path !== undefined, {
    path: ['path'],
    message: 'a folder of images or a video file, which replay needs',
  });

/** The frame size, where there is nothing to choose it by if the config leaves it open. */
export function frameSizeOf({ width, height }: Pick<CameraConfig, 'width' | 'height'>): FrameSize {
  return { width: width ?? 640, height: height ?? 480 };
}

/** The frame size that the config asks for, or undefined when it leaves it to the source. */
export function askedSizeOf(config: Pick<CameraConfig, 'width' | 'height'>): FrameSize | undefined {
  const isOpen = config.width === undefined && config.height === undefined;
  return isOpen ? undefined : frameSizeOf(config);
}

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
});

const mqttSchema = z.strictObject({
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
  base: z
    .string()
    .regex(
      /^[^#+/\p{Cc}]+(\/[^#+/\p{Cc}]+){0,4}$/u,
      'up to 5 levels without + and #, no slash at the ends',
    )
    .default('sightd')
    .describe('Topics are BASE/DEVICE/….'),
  protocol: z
    .literal(['auto', 5, '3.1.1'])
    .default('auto')
    .describe('MQTT version; auto speaks 5 and falls back to 3.1.1 when the broker refuses it.'),
  username: z.string().min(1).optional().describe('Name to log in with.'),
  passwordFile: z.string().min(1).optional().describe('File with the password on its first line.'),
  reconnectSecondsMax: z
    .number()
    .min(1)
    .max(3600)
    .default(60)
    .describe('Cap of the wait between attempts to connect (exponential, with full jitter).'),
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

const healthSchema = z.strictObject({
  intervalSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(30)
    .describe('Publish health at least this often.'),
  frameDeadlineSeconds: z
    .number()
    .min(0.5)
    .max(600)
    .default(3)
    .describe(
      'A camera that gives no frame for so long (and three periods of its rate) is opened again.',
    ),
  stopSeconds: z.number().min(0.5).max(600).default(5).describe('Deadline for a clean stop.'),
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
  mqtt: mqttSchema.prefault({}),
  remoteConfig: remoteConfigSchema.prefault({}),
  health: healthSchema.prefault({}),
  log: logSchema.prefault({}),
  stateDir: z
    .string()
    .min(1)
    .default('/var/lib/sightd')
    .describe('Folder for what must survive a restart.'),
});

export type Config = z.infer<typeof configSchema>;
export type CameraConfig = z.infer<typeof cameraSchema>;
export type LabelConfig = z.infer<typeof labelSchema>;
export type MqttConfig = Config['mqtt'];

/** Whether every frame counts, and the daemon ends with the last one. */
export const isLosslessRun = ({ source, pace }: CameraConfig): boolean =>
  pace === 'fast' && (source === 'replay' || source === 'scene');

/** The JSON Schema of the config file (draft 2020-12). */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' });
}
