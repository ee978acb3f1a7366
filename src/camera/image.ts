import sharp from 'sharp';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { FrameGeometry } from '../contract/frame.ts';

/** A decoded image: RGB3, rows without padding. */
export type Picture = { readonly geometry: FrameGeometry; readonly pixels: Uint8Array };

/** Larger pictures than this are refused unread: 100 megapixels. */
const pixelsMax = 100_000_000;

/**
 * The door to sharp: decodes a file upright, shrunk to fit within
 * `widthMax` × `heightMax` with its proportions, never enlarged.
 */
export async function decodeImage(
  path: string,
  widthMax: number,
  heightMax: number,
): Promise<Outcome<Picture>> {
  try {
    const { data, info } = await sharp(path, { limitInputPixels: pixelsMax, failOn: 'error' })
      .rotate()
      .resize(widthMax, heightMax, { fit: 'inside', withoutEnlargement: true })
      .flatten()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const pixels = channels === 3 ? data : grayToRgb(data, channels);
    return success({
      geometry: { format: 'RGB3', width, height, stride: width * 3, color: 'bt601' },
      pixels,
    });
  } catch (error) {
    return failure(
      fault(
        'camera.frame-unreadable',
        `cannot decode ${path}: ${complaintOf(error)}`,
        'Replace or remove the file.',
      ),
    );
  }
}

/**
 * Decodes a camera's JPEG to RGB3 of exactly `width` × `height`, which shall be its size divided by
 * 1, 2, 4 or 8, rounded up: the decoder then leaves out what is not needed. `jpeg` must stay as it is meanwhile.
 */
export async function decodeJpeg(
  jpeg: Uint8Array,
  width: number,
  height: number,
): Promise<Outcome<Uint8Array>> {
  try {
    const { data, info } = await sharp(jpeg, { limitInputPixels: pixelsMax, failOn: 'error' })
      .resize(width, height, { fit: 'fill', fastShrinkOnLoad: true })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return success(info.channels === 3 ? data : grayToRgb(data, info.channels));
  } catch (error) {
    return failure(
      fault(
        'camera.frame-broken',
        `the camera sent a JPEG that cannot be decoded: ${complaintOf(error)}`,
        'Single ones are skipped; if there are many, check the cable, or ask for a raw format.',
      ),
    );
  }
}

/** Encodes R G B pixels, rows without padding, as a JPEG. */
export async function encodeJpeg(
  pixels: Uint8Array,
  width: number,
  height: number,
  quality: number,
): Promise<Outcome<Uint8Array>> {
  try {
    const image = sharp(pixels, { raw: { width, height, channels: 3 } });
    return success(await image.jpeg({ quality }).toBuffer());
  } catch (error) {
    const sentence = `cannot encode a picture of ${width}×${height}: ${complaintOf(error)}`;
    return failure(fault('camera.picture', sentence, 'Try again with a smaller one.'));
  }
}

/** sharp tells all that a decoder said, a line each, often the same one. */
function complaintOf(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

function grayToRgb(source: Uint8Array, channels: number): Uint8Array {
  const pixels = source.length / channels;
  const target = new Uint8Array(pixels * 3);
  for (let at = 0; at < pixels; at += 1)
    target.fill(source[at * channels] as number, at * 3, at * 3 + 3);
  return target;
}
