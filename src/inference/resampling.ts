import { unreachable } from '../base/assert.ts';
import type { FrameView } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';

/**
 * Where the picture comes from and where it goes, along one axis of the looked-at region: its pixels
 * `[start, start + length)`, and fractions of them, become the `size` elements from `first` on.
 */
export type Axis = {
  readonly start: number;
  readonly length: number;
  readonly first: number;
  readonly size: number;
  /** True where the first element is made of the last pixels. */
  readonly reversed: boolean;
};

/** The axis along the region's rows, and the one down them. */
export type Placement = {
  readonly columns: Axis;
  readonly rows: Axis;
  /** True where the region's rows become the tensor's columns. */
  readonly transposed: boolean;
};

/**
 * What the resize rule makes of a region of `width` × `height` pixels turned clockwise. The rule
 * applies to the turned region; the result says where in the region as it lies the elements come from.
 */
export function placementOf(
  input: ModelInput,
  width: number,
  height: number,
  rotate: FrameView['rotate'],
): Placement {
  const upright = (): Turned => turnedPlacementOf(input, width, height);
  const onItsSide = (): Turned => turnedPlacementOf(input, height, width);
  switch (rotate) {
    case 0:
      return { ...upright(), transposed: false };
    case 180: {
      const { columns, rows } = upright();
      return {
        columns: reversedOf(columns, width),
        rows: reversedOf(rows, height),
        transposed: false,
      };
    }
    case 90: {
      // The left column becomes the upper row, read from its lower end.
      const { columns, rows } = onItsSide();
      return { columns: rows, rows: reversedOf(columns, height), transposed: true };
    }
    case 270: {
      const { columns, rows } = onItsSide();
      return { columns: reversedOf(rows, width), rows: columns, transposed: true };
    }
    default:
      return unreachable(rotate);
  }
}

function reversedOf(axis: Axis, pixels: number): Axis {
  return { ...axis, start: pixels - axis.start - axis.length, reversed: true };
}

type Turned = { readonly columns: Axis; readonly rows: Axis };

/** What the resize rule makes of the turned region: `columns` and `rows` are the tensor's. */
function turnedPlacementOf(input: ModelInput, width: number, height: number): Turned {
  const { resize } = input;
  switch (resize.rule) {
    case 'center-crop': {
      const scale = resize.fraction * Math.min(width / input.width, height / input.height);
      return {
        columns: middleOf(width, input.width, scale),
        rows: middleOf(height, input.height, scale),
      };
    }
    case 'squash':
      return {
        columns: { start: 0, length: width, first: 0, size: input.width, reversed: false },
        rows: { start: 0, length: height, first: 0, size: input.height, reversed: false },
      };
    case 'letterbox': {
      const scale = Math.min(input.width / width, input.height / height);
      return {
        columns: insideOf(width, input.width, scale),
        rows: insideOf(height, input.height, scale),
      };
    }
    default:
      return unreachable(resize);
  }
}

/**
 * The middle of the frame, `scale` pixels for each element. It begins at a whole element from the
 * frame's edge, as if the frame were scaled first and cropped then: half an element to the side
 * would blur a picture that needs no scaling.
 */
function middleOf(frame: number, size: number, scale: number): Axis {
  const before = Math.floor((frame / scale - size) / 2 + margin);
  return { start: before * scale, length: size * scale, first: 0, size, reversed: false };
}

/** The whole frame, `scale` elements for each pixel, in the middle of the tensor. */
function insideOf(frame: number, tensor: number, scale: number): Axis {
  const size = Math.max(1, Math.min(tensor, Math.round(frame * scale)));
  const first = Math.floor((tensor - size) / 2);
  return { start: 0, length: frame, first, size, reversed: false };
}

/**
 * How a plane samples the frame along one axis: a sample every `spacing` pixels, the first one's
 * centre at `origin`; a pixel reaches from its index to the next, so pixel 0's centre is 0.5.
 */
export type Sampling = { readonly spacing: number; readonly origin: number };

export const everyPixel: Sampling = { spacing: 1, origin: 0.5 };
/** Half as many samples, each at the place of an even pixel, as in MPEG-2 and BT.601. */
export const everyOtherPixel: Sampling = { spacing: 2, origin: 0.5 };
/** Half as many samples, each in the middle of two pixels, as MPEG-2 has it from row to row. */
export const betweenPixels: Sampling = { spacing: 2, origin: 1 };

/** The sampling after neighbours were averaged in pairs, `times` times over. */
export function halvedOf(sampling: Sampling, times: number): Sampling {
  const { spacing, origin } = sampling;
  const merged = 2 ** times;
  return { spacing: spacing * merged, origin: origin + (spacing * (merged - 1)) / 2 };
}

/** The samples that make one element: `weights` (sum 1) for those from `first` on. */
export type Taps = { readonly first: number; readonly weights: readonly number[] };

/**
 * The taps of element `index` of an axis. An element is the mean of the plane over the element's own
 * footprint, and never less than one sample wide: bilinear interpolation when enlarging, averaging
 * over the area when shrinking, and one formula for both. The plane is `count` samples long and goes
 * on with its outermost samples.
 */
export function tapsOf(axis: Axis, sampling: Sampling, count: number, index: number): Taps {
  const place = axis.reversed ? axis.size - 1 - index : index;
  const position = axis.start + (place + 0.5) * (axis.length / axis.size);
  const middle = (position - sampling.origin) / sampling.spacing;
  const reach = footprintOf(axis, sampling) / 2;
  const inside = (sample: number): number => Math.min(Math.max(sample, 0), count - 1);
  // Sample i covers [i − 0.5, i + 0.5]. The margin keeps rounding errors from becoming taps.
  const from = Math.floor(middle - reach + 0.5 + margin);
  const to = Math.ceil(middle + reach - 0.5 - margin);
  const first = inside(from);
  const weights: number[] = Array.from({ length: inside(to) - first + 1 }, () => 0);
  let total = 0;
  for (let sample = from; sample <= to; sample += 1) {
    const covered = Math.min(sample + 0.5, middle + reach) - Math.max(sample - 0.5, middle - reach);
    const at = inside(sample) - first;
    weights[at] = (weights[at] ?? 0) + covered;
    total += covered;
  }
  return { first, weights: weights.map((weight) => weight / total) };
}

const margin = 1e-6;

/** Samples under one element: at least one. */
export function footprintOf(axis: Axis, sampling: Sampling): number {
  return Math.max(1, axis.length / axis.size / sampling.spacing);
}

/** How often a plane is halved so that no footprint is wider than 3 samples, which is 4 taps. */
export function halvingsOf(axis: Axis, sampling: Sampling): number {
  const footprint = footprintOf(axis, sampling);
  return Math.max(0, Math.ceil(Math.log2(footprint / 3) - margin));
}

/**
 * Whole weights that sum to `one`: the running sum is rounded, not each weight, so that no weight is
 * off by more than one however many there are.
 */
export function wholeWeightsOf(weights: readonly number[], one: number): number[] {
  let exact = 0;
  let given = 0;
  return weights.map((weight) => {
    exact += weight * one;
    const whole = Math.round(exact) - given;
    given += whole;
    return whole;
  });
}
