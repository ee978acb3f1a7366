import { z } from 'zod';
import { pixelFormats } from './frame.ts';

/** The camera's section of the config. */

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
  })
  .refine(
    ({ source, width = 0, height = 0 }) => source !== 'scene' || (width <= 1920 && height <= 1080),
    {
      path: ['width'],
      message: 'at most 1920 × 1080 for the built-in scene',
    },
  );

export type CameraConfig = z.infer<typeof cameraSchema>;
