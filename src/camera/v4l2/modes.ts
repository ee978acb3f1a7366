import type { FrameSize } from '../../contract/frame.ts';
import type { CaptureDevice } from './device.ts';
import { type CaptureFormat, captureFormatOf, fourccCode, fourccText } from './formats.ts';
import { trySize } from './negotiate.ts';
import { createRecord, type StructRecord } from './record.ts';
import * as v4l2 from './structs.ts';

/** What a camera offers in one pixel format. */
export type FormatOffer = {
  readonly fourcc: string;
  readonly description: string;
  /** What the pipeline makes of it; undefined when it does not take it. */
  readonly format: CaptureFormat | undefined;
  readonly sizes: readonly SizeOffer[];
};

export type SizeOffer =
  | ({ readonly kind: 'discrete' } & FrameSize)
  | {
      readonly kind: 'range';
      readonly min: FrameSize;
      readonly max: FrameSize;
      readonly step: FrameSize;
    };

/** Frames per second at one size: those offered, or all between two; none when the driver does not say. */
export type RateOffer = { readonly fps: readonly number[]; readonly isRange: boolean };

/** A format at a size with its rates: what can be asked for. */
export type Mode = FrameSize & {
  readonly fourcc: string;
  readonly format: CaptureFormat;
  readonly rates: RateOffer;
};

/** A driver that never ends its list is a broken one. */
const itemsMax = 256;

/** All formats with their sizes. */
export function listFormats(device: CaptureDevice): readonly FormatOffer[] {
  const offers: FormatOffer[] = [];
  for (let index = 0; index < itemsMax; index += 1) {
    const entry = createRecord(v4l2.v4l2Fmtdesc);
    entry.set('index', index);
    entry.set('type', device.bufferType);
    if (device.request('VIDIOC_ENUM_FMT', entry) !== 0) break;
    const fourcc = fourccText(entry.get('pixelformat'));
    if (offers.some((offer) => offer.fourcc === fourcc)) continue;
    offers.push({
      fourcc,
      description: entry.text('description'),
      format: captureFormatOf(fourcc),
      sizes: listSizes(device, entry.get('pixelformat')),
    });
  }
  return offers;
}

function listSizes(device: CaptureDevice, pixelFormat: number): readonly SizeOffer[] {
  const sizes: SizeOffer[] = [];
  for (let index = 0; index < itemsMax; index += 1) {
    const entry = createRecord(v4l2.v4l2Frmsizeenum);
    entry.set('index', index);
    entry.set('pixel_format', pixelFormat);
    if (device.request('VIDIOC_ENUM_FRAMESIZES', entry) !== 0) break;
    if (entry.get('type') !== v4l2.V4L2_FRMSIZE_TYPE_DISCRETE) return [rangeOf(entry)];
    sizes.push({ kind: 'discrete', width: entry.get('min_width'), height: entry.get('max_width') });
  }
  return sizes.length > 0 ? sizes : trySizes(device, fourccText(pixelFormat));
}

/** Larger than any picture: the driver says how large it can be. */
const tooLarge: FrameSize = { width: 16_384, height: 16_384 };

/** Grabbers of analogue video and of HDMI may list no sizes, as theirs are those of the signal. */
function trySizes(device: CaptureDevice, fourcc: string): readonly SizeOffer[] {
  const sizes = [...usualSizes, tooLarge].flatMap((size) => trySize(device, fourcc, size) ?? []);
  const isFirst = ({ width, height }: FrameSize, at: number): boolean =>
    sizes.findIndex((one) => one.width === width && one.height === height) === at;
  return sizes.filter(isFirst).map((size) => ({ kind: 'discrete', ...size }));
}

function rangeOf(entry: StructRecord<keyof typeof v4l2.v4l2Frmsizeenum.fields>): SizeOffer {
  const { get } = entry;
  return {
    kind: 'range',
    min: { width: get('min_width'), height: get('min_height') },
    max: { width: get('max_width'), height: get('max_height') },
    step: { width: Math.max(1, get('step_width')), height: Math.max(1, get('step_height')) },
  };
}

/** The rates offered for a format at a size, the highest first. */
export function listRates(device: CaptureDevice, fourcc: string, size: FrameSize): RateOffer {
  const fps: number[] = [];
  for (let index = 0; index < itemsMax; index += 1) {
    const entry = createRecord(v4l2.v4l2Frmivalenum);
    entry.set('index', index);
    entry.set('pixel_format', fourccCode(fourcc));
    entry.set('width', size.width);
    entry.set('height', size.height);
    if (device.request('VIDIOC_ENUM_FRAMEINTERVALS', entry) !== 0) break;
    const shortest = entry.get('min_denominator') / entry.get('min_numerator');
    if (entry.get('type') !== v4l2.V4L2_FRMIVAL_TYPE_DISCRETE) {
      const longest = entry.get('max_denominator') / entry.get('max_numerator');
      return { fps: [shortest, longest].filter(Number.isFinite), isRange: true };
    }
    fps.push(shortest);
  }
  return { fps: fps.filter(Number.isFinite).sort((a, b) => b - a), isRange: false };
}

/** Sizes to try where a camera lists none. */
const usualSizes: readonly FrameSize[] = [
  { width: 320, height: 240 },
  { width: 640, height: 360 },
  { width: 640, height: 480 },
  { width: 800, height: 600 },
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
];

/** What is wanted of a frame's size: that of the config, or else all that the model needs. */
export type SizeWish = { readonly size: FrameSize | undefined; readonly need: FrameSize };

/** Everything that the pipeline could ask this camera for; of ranges, what comes near the wish. */
export function listModes(
  device: CaptureDevice,
  offers: readonly FormatOffer[],
  wish: SizeWish,
): readonly Mode[] {
  return offers.flatMap(({ fourcc, format, sizes }) =>
    format === undefined
      ? []
      : sizes
          .flatMap((size) => (size.kind === 'range' ? sizesWithin(size, wish, device) : [size]))
          .filter(({ width, height }) => width % 2 === 0 && height % 2 === 0)
          .map(({ width, height }) => {
            const rates = listRates(device, fourcc, { width, height });
            return { fourcc, format, width, height, rates };
          }),
  );
}

type SizeRange = Extract<SizeOffer, { kind: 'range' }>;

/** Rows of frames to choose from where a driver takes any; fewer save nothing that matters. */
const usualRows: readonly number[] = [240, 360, 480, 720, 1080];

/**
 * The config's size; else sizes with the proportions of the picture: a driver shrinks it to whatever it
 * is asked for, and would squeeze it into others.
 */
function sizesWithin(
  range: SizeRange,
  { size, need }: SizeWish,
  device: CaptureDevice,
): readonly FrameSize[] {
  if (size !== undefined) return [fitted(size, range)];
  const picture = pictureOf(device) ?? range.max;
  const least = Math.max(need.height, (need.width * picture.height) / picture.width);
  const rows = usualRows.filter((height) => height > least);
  return [Math.max(least, usualRows[0] ?? 0), ...rows].map((height) =>
    fitted({ width: even((height * picture.width) / picture.height), height: even(height) }, range),
  );
}

const even = (value: number): number => 2 * Math.ceil(value / 2 - 1e-6);

/** The size that a range has next above this one. */
function fitted({ width, height }: FrameSize, { min, max, step }: SizeRange): FrameSize {
  const fit = (value: number, least: number, most: number, by: number): number =>
    Math.min(most, Math.max(least, least + Math.ceil((value - least) / by) * by));
  return {
    width: fit(width, min.width, max.width, step.width),
    height: fit(height, min.height, max.height, step.height),
  };
}

/** The whole picture, as the driver tells it: of an HDMI grabber, that of its signal. */
function pictureOf(device: CaptureDevice): FrameSize | undefined {
  const selection = createRecord(v4l2.v4l2Selection);
  // Of the single-planar type for devices of both kinds.
  selection.set('type', v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE);
  selection.set('target', v4l2.V4L2_SEL_TGT_CROP_DEFAULT);
  if (device.request('VIDIOC_G_SELECTION', selection) !== 0) return undefined;
  const picture = { width: selection.get('width'), height: selection.get('height') };
  return picture.width > 0 && picture.height > 0 ? picture : undefined;
}
