import { assert, unreachable } from '../base/assert.ts';

/**
 * Pixel formats the pipeline takes, by V4L2 fourcc. `YUYV`: Y0 U Y1 V, two pixels in four bytes.
 * `RGB3`: R G B, three bytes a pixel.
 */
export const pixelFormats = ['YUYV', 'RGB3'] as const;
export type PixelFormat = (typeof pixelFormats)[number];

/** What a source writes into a slot: every frame of one stream has the same format. */
export type FrameGeometry = {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row's first byte to the next row's. */
  readonly stride: number;
};

/** Bytes of one row without padding. */
export function rowBytesOf(format: PixelFormat, width: number): number {
  switch (format) {
    case 'YUYV':
      assert(width % 2 === 0, 'YUYV rows hold pairs of pixels');
      return width * 2;
    case 'RGB3':
      return width * 3;
    default:
      return unreachable(format);
  }
}

/** Bytes that one whole frame occupies in a slot. */
export function frameBytesOf(geometry: FrameGeometry): number {
  return geometry.stride * geometry.height;
}

export function isSameGeometry(a: FrameGeometry, b: FrameGeometry): boolean {
  return (
    a.format === b.format && a.width === b.width && a.height === b.height && a.stride === b.stride
  );
}
