import { assert, unreachable } from '../base/assert.ts';
import { type Millis, millis } from '../base/time.ts';

/**
 * Pixel formats the pipeline takes, by V4L2 fourcc.
 *
 *   YUYV, UYVY, YVYU   two pixels in four bytes, named by their order: Y0 U Y1 V, U Y0 V Y1, Y0 V Y1 U
 *   RGB3, BGR3         R G B or B G R, three bytes a pixel
 *   GREY               Y, one byte a pixel
 *   NV12, NV21         a plane of Y, then one of U V pairs, or of V U pairs
 *   YU12, YV12         planes of Y, U and V, or of Y, V and U
 *
 * Planes lie one after the other without a gap. A plane of chroma holds a sample for every 2 × 2
 * pixels; its rows have the luma plane's stride where U and V alternate, and half of it where they
 * have planes of their own.
 */
export const pixelFormats = [
  'YUYV',
  'RGB3',
  'UYVY',
  'YVYU',
  'NV12',
  'NV21',
  'YU12',
  'YV12',
  'BGR3',
  'GREY',
] as const;
export type PixelFormat = (typeof pixelFormats)[number];

/**
 * How luma and chroma become RGB: ITU-R BT.601 or BT.709, limited range (luma 16 to 235, chroma 16 to
 * 240) or full range (0 to 255). RGB formats ignore it; `GREY` uses the range only.
 */
export const frameColors = ['bt601', 'bt601-full', 'bt709', 'bt709-full'] as const;
export type FrameColor = (typeof frameColors)[number];

export type FrameSize = { readonly width: number; readonly height: number };

/** What a config says of the frame size; it may leave it open. */
export type AskedSize = {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
};

/** The frame size, where there is nothing to choose it by if the config leaves it open. */
export function frameSizeOf({ width, height }: AskedSize): FrameSize {
  return { width: width ?? 640, height: height ?? 480 };
}

/** The frame size that the config asks for, or undefined when it leaves it to the source. */
export function askedSizeOf(config: AskedSize): FrameSize | undefined {
  const isOpen = config.width === undefined && config.height === undefined;
  return isOpen ? undefined : frameSizeOf(config);
}

/** What a source writes into a slot: every frame of one stream has the same format. */
export type FrameGeometry = {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row's first byte to the next row's; in planar formats, of the luma plane. */
  readonly stride: number;
  readonly color: FrameColor;
};

/** The part of the frame that is looked at and how it is turned. */
export type FrameView = {
  /** Fractions of the frame as the camera delivers it; `x` and `y` from its top left corner. */
  readonly region: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  /** Degrees clockwise; the region is cut out first, then turned. */
  readonly rotate: 0 | 90 | 180 | 270;
};

export const wholeFrame: FrameView = { region: { x: 0, y: 0, width: 1, height: 1 }, rotate: 0 };

/** Pixels along and across that share one sample of chroma; widths and heights are multiples of them. */
export function chromaStepOf(format: PixelFormat): { readonly x: 1 | 2; readonly y: 1 | 2 } {
  switch (format) {
    case 'RGB3':
    case 'BGR3':
    case 'GREY':
      return { x: 1, y: 1 };
    case 'YUYV':
    case 'UYVY':
    case 'YVYU':
      return { x: 2, y: 1 };
    case 'NV12':
    case 'NV21':
    case 'YU12':
    case 'YV12':
      return { x: 2, y: 2 };
    default:
      return unreachable(format);
  }
}

/** Bytes of one row without padding; in planar formats, of the luma plane. */
export function rowBytesOf(format: PixelFormat, width: number): number {
  assert(width % chromaStepOf(format).x === 0, 'rows hold whole samples of chroma');
  switch (format) {
    case 'YUYV':
    case 'UYVY':
    case 'YVYU':
      return width * 2;
    case 'RGB3':
    case 'BGR3':
      return width * 3;
    case 'NV12':
    case 'NV21':
    case 'YU12':
    case 'YV12':
    case 'GREY':
      return width;
    default:
      return unreachable(format);
  }
}

/** Whether U and V have a plane each, whose rows are half as long as those of luma. */
export const hasChromaPlanes = (format: PixelFormat): boolean =>
  format === 'YU12' || format === 'YV12';

/** Bytes that one whole frame, all planes of it, occupies in a slot. */
export function frameBytesOf({ format, stride, height }: FrameGeometry): number {
  const luma = stride * height;
  if (chromaStepOf(format).y === 1) return luma;
  assert(height % 2 === 0, 'chroma is shared by pairs of rows');
  assert(
    !hasChromaPlanes(format) || stride % 2 === 0,
    'rows of chroma are half as long as rows of luma',
  );
  return luma * 1.5;
}

export function isSameGeometry(a: FrameGeometry, b: FrameGeometry): boolean {
  return (
    a.format === b.format &&
    a.width === b.width &&
    a.height === b.height &&
    a.stride === b.stride &&
    a.color === b.color
  );
}

export function isSameView(a: FrameView, b: FrameView): boolean {
  return (
    a.rotate === b.rotate &&
    a.region.x === b.region.x &&
    a.region.y === b.region.y &&
    a.region.width === b.region.width &&
    a.region.height === b.region.height
  );
}

/** How long a camera may take for a frame: a slow one is given three periods of its rate. */
export const frameDeadlineOf = (asked: Millis, fps: number): Millis =>
  millis(Math.max(asked, 3000 / fps));
