import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { copyBytes } from '../base/libc.ts';
import type { Clock } from '../base/time.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import { frameSizeOf } from '../contract/frame.ts';
import { decodeImage, type Picture } from './image.ts';
import { createPace } from './pace.ts';
import type { FrameSource, Reading } from './source.ts';

const imageName = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i;

/** A folder of images as a camera, in the order of their names, each shrunk to fit width × height. */
export function openImageReplay(
  folder: string,
  config: CameraConfig,
  clock: Clock,
): Outcome<FrameSource> {
  const files = listImages(folder);
  if (!files.ok) return files;
  const { width, height } = frameSizeOf(config);
  const lossless = config.pace === 'fast';
  const pace = createPace(clock, config.fps);
  const decode = (index: number): Promise<Outcome<Picture>> =>
    decodeImage(join(folder, files.value[index] as string), width, height);
  let index = 0;
  let count = 0;
  let failures = 0; // In a row.
  let capturedAt = clock.now();
  // The next picture is decoded while this one is classified; never two at a time.
  let ahead: { readonly index: number; readonly picture: Promise<Outcome<Picture>> } | undefined;

  const advance = (): void => {
    index += 1;
    count += 1;
    if (config.loop && index === files.value.length) index = 0;
  };

  const pictureOf = async (wanted: number): Promise<Outcome<Picture>> => {
    if (ahead?.index === wanted) return ahead.picture;
    await ahead?.picture;
    return decode(wanted);
  };

  const readNext = async (target: Uint8Array): Promise<Reading> => {
    if (index >= files.value.length) return { kind: 'ended' };
    const driverSequence = count;
    const picture = await pictureOf(index);
    advance();
    ahead = index < files.value.length ? { index, picture: decode(index) } : undefined;
    if (!picture.ok) {
      failures += 1;
      return {
        kind: 'failed',
        fault: failures > files.value.length ? noneLeft(folder) : picture.fault,
      };
    }
    failures = 0;
    copyBytes(target, picture.value.pixels);
    const { geometry, pixels } = picture.value;
    return {
      kind: 'frame',
      capturedAt,
      driverSequence,
      geometry,
      bytesUsed: pixels.length,
      lost: 0,
    };
  };

  return success({
    notices: [],
    description: {
      name: `replay of ${files.value.length} images in ${folder}`,
      geometryMax: { format: 'RGB3', width, height, stride: width * 3, color: 'bt601' },
      lossless,
    },
    discard: async () => {},
    due: async (signal) => {
      if (!lossless) await pace.next(signal);
      capturedAt = clock.now();
    },
    read: readNext,
    skip: async () => {
      if (index >= files.value.length) return false;
      advance();
      return true;
    },
    restart: undefined,
    [Symbol.asyncDispose]: async () => {
      await ahead?.picture;
    },
  });
}

/** A loop over pictures of which none can be read any more would only burn time. */
const noneLeft = (folder: string) =>
  fault(
    'camera.replay-empty',
    `not one image in ${folder} can be read any more`,
    'Put the files back, or correct camera.path.',
  );

function listImages(folder: string): Outcome<readonly string[]> {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return failure(
      fault(
        'camera.replay-unreadable',
        `cannot list the folder ${folder}: ${messageOf(error)}`,
        'Check its permissions, or correct camera.path.',
      ),
    );
  }
  const images = names.filter((name) => imageName.test(name)).sort();
  if (images.length > 0) return success(images);
  return failure(
    fault(
      'camera.replay-empty',
      `there is no image in ${folder}`,
      'Put .jpg, .png, .webp, .avif, .gif or .tiff files there, or correct camera.path.',
    ),
  );
}
