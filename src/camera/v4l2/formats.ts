import {
  type FrameColor,
  type PixelFormat,
  pixelFormats,
  rowBytesOf,
} from '../../contract/frame.ts';
import * as v4l2 from './structs.ts';

/** What a camera may be asked for: formats that go through the ring, and JPEGs that are decoded. */
export const motionJpeg = 'MJPG';
export type CaptureFormat = PixelFormat | typeof motionJpeg;

/** A fourcc as text, as `YUYV`; the highest bit says big-endian and is written as V4L2's tools do. */
export function fourccText(code: number): string {
  const text = [0, 8, 16, 24].map((shift) => String.fromCharCode((code >>> shift) & 0x7f)).join('');
  return code >>> 31 === 1 ? `${text}-BE` : text;
}

export function fourccCode(text: string): number {
  return (
    [...text].reduce((code, letter, index) => code | (letter.charCodeAt(0) << (8 * index)), 0) >>> 0
  );
}

/** Planes in buffers of their own (multi-planar interface) are put one after the other in the slot. */
const separatePlanes: Readonly<Record<string, PixelFormat>> = {
  NM12: 'NV12',
  NM21: 'NV21',
  YM12: 'YU12',
  YM21: 'YV12',
};

/** What the pipeline makes of a driver's format; undefined when it takes it not. */
export function captureFormatOf(fourcc: string): CaptureFormat | undefined {
  if (fourcc === motionJpeg || fourcc === 'JPEG') return motionJpeg;
  return pixelFormats.find((format) => format === fourcc) ?? separatePlanes[fourcc];
}

/** The driver's colorimetry, with videodev2.h's rules for what it leaves at its default. */
export function frameColorOf(
  colorspace: number,
  encoding: number,
  quantization: number,
): FrameColor {
  const is709 =
    encoding === 0
      ? colorspace === v4l2.V4L2_COLORSPACE_REC709 || colorspace === v4l2.V4L2_COLORSPACE_DCI_P3
      : encoding === v4l2.V4L2_YCBCR_ENC_709 || encoding === v4l2.V4L2_YCBCR_ENC_XV709;
  // V4L2_MAP_QUANTIZATION_DEFAULT, for formats that are not RGB.
  const isFull =
    quantization === 0
      ? colorspace === v4l2.V4L2_COLORSPACE_JPEG
      : quantization === v4l2.V4L2_QUANTIZATION_FULL_RANGE;
  if (is709) return isFull ? 'bt709-full' : 'bt709';
  return isFull ? 'bt601-full' : 'bt601';
}

/** Bytes of a luma row when the driver does not say. */
export function strideOf(format: PixelFormat, width: number, bytesPerLine: number): number {
  return Math.max(bytesPerLine, rowBytesOf(format, width));
}
