import type { FrameSize } from '../../contract/frame.ts';
import { type CaptureFormat, motionJpeg } from './formats.ts';
import type { Mode } from './modes.ts';

/** What is wanted of a camera. */
export type Wish = {
  readonly fps: number;
  /** The least frame that has all that the model looks at. */
  readonly need: FrameSize;
  /** The size that the config names, if it does. */
  readonly size: FrameSize | undefined;
  /** The format that the config names, if it does. */
  readonly format: CaptureFormat | undefined;
};

export type Choice = { readonly mode: Mode; readonly why: string };

/** Bytes moved for a pixel; decoding one of a JPEG costs several times as much as moving it. */
const pixelCosts: Readonly<Record<CaptureFormat, number>> = {
  NV12: 1.5,
  NV21: 1.5,
  // A third plane is a third place to read from.
  YU12: 1.6,
  YV12: 1.6,
  YUYV: 2,
  UYVY: 2,
  YVYU: 2,
  RGB3: 3,
  BGR3: 3,
  GREY: 1,
  MJPG: 12,
};

/** A rate is reached when it is a hundredth short: 29.97 is 30. */
const rateSlack = 0.99;

/**
 * The mode that costs least for the model's input and the asked rate. First come modes that have the
 * whole picture in colour at the rate; a JPEG is decoded only when no raw format is among them.
 * Undefined when the camera has nothing that fits the config's format.
 */
export function chooseMode(modes: readonly Mode[], wish: Wish): Choice | undefined {
  const allowed = modes.filter(({ format }) => wish.format === undefined || format === wish.format);
  const sized = wish.size === undefined ? allowed : nearestTo(allowed, wish.size);
  const ranked = [...sized].sort((a, b) => compare(a, b, wish) || compareNames(a, b));
  const [mode] = ranked;
  return mode === undefined ? undefined : { mode, why: reasonOf(mode, wish) };
}

/** The modes of the asked size; else of the smallest that holds it; else of the largest. */
function nearestTo(modes: readonly Mode[], size: FrameSize): readonly Mode[] {
  const pixels = (mode: FrameSize): number => mode.width * mode.height;
  const holding = modes.filter((mode) => covers(mode, size));
  const best =
    holding.length > 0 ? Math.min(...holding.map(pixels)) : Math.max(...modes.map(pixels));
  return (holding.length > 0 ? holding : modes).filter((mode) => pixels(mode) === best);
}

function compare(a: Mode, b: Mode, wish: Wish): number {
  const merits = (mode: Mode): readonly number[] => {
    const isLarge = wish.size !== undefined || covers(mode, wish.need);
    const isFast = fpsOf(mode, wish.fps) >= wish.fps * rateSlack;
    return [
      isLarge && isFast ? 0 : 1,
      isLarge ? 0 : 1,
      isLarge ? 0 : -mode.width * mode.height,
      -Math.min(fpsOf(mode, wish.fps), wish.fps * rateSlack),
      mode.format === 'GREY' ? 1 : 0,
      mode.format === motionJpeg ? 1 : 0,
      mode.width * mode.height * pixelCosts[mode.format],
    ];
  };
  const [first, second] = [merits(a), merits(b)];
  const at = first.findIndex((merit, index) => merit !== second[index]);
  return at < 0 ? 0 : (first[at] as number) - (second[at] as number);
}

/** Modes that do as well as each other, whatever the driver's order: planes in one buffer come first. */
function compareNames(a: Mode, b: Mode): number {
  const isApart = ({ fourcc, format }: Mode): number => (fourcc === format ? 0 : 1);
  return isApart(a) - isApart(b) || b.width - a.width || a.fourcc.localeCompare(b.fourcc);
}

const covers = (mode: FrameSize, size: FrameSize): boolean =>
  mode.width >= size.width && mode.height >= size.height;

/** The highest rate of a mode; a driver that tells none is taken to reach what is asked. */
export function fpsOf(mode: Mode, asked: number): number {
  return mode.rates.fps[0] ?? asked;
}

function reasonOf(mode: Mode, wish: Wish): string {
  const size =
    wish.size !== undefined
      ? `nearest to ${wish.size.width}×${wish.size.height}`
      : covers(mode, wish.need)
        ? `just above the ${wish.need.width}×${wish.need.height} that the model looks at`
        : 'the largest there is';
  const [highest] = mode.rates.fps;
  const rate =
    highest === undefined
      ? 'at a rate that the driver does not tell'
      : highest >= wish.fps * rateSlack
        ? `reaches ${wish.fps} frames per second`
        : `at most ${Math.round(highest * 10) / 10} frames per second`;
  const format =
    mode.format === motionJpeg && wish.format === undefined ? '; no raw format does as well' : '';
  return `${size}, ${rate}${format}`;
}
