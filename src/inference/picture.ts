import { type FrameGeometry, type FrameView, frameBytesOf, wholeFrame } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { createFrameRoom } from './frame-room.ts';
import { openTensorKernel, type TensorKernel } from './kernel.ts';

/** A picture for people: R G B, three bytes a pixel, rows without padding. */
export type RgbPicture = {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
};

export type PictureShape = {
  /** Longest side; larger frames are shrunk, none is enlarged. */
  readonly sideMax: number;
  /** Degrees clockwise by which the whole frame is turned. */
  readonly rotate: FrameView['rotate'];
};

/** Room for one frame of any format, and what turns it into a picture of the whole of it. */
export interface PictureMaker {
  /** Where to write the frame. */
  readonly target: Uint8Array;
  /** Whether a frame fits, and its picture. */
  isFit(geometry: FrameGeometry, shape: PictureShape): boolean;
  /** The frame in `target` in RGB. */
  make(geometry: FrameGeometry): RgbPicture;
}

export function createPictureMaker(largest: FrameGeometry, shape: PictureShape): PictureMaker {
  const room = createFrameRoom(inputOf(largest, shape), largest, frameBytesOf(largest));
  let made: { readonly input: ModelInput; readonly kernel: TensorKernel } | undefined;

  return {
    target: room.pixels,
    isFit: ({ width, height, ...geometry }, { sideMax, rotate }) =>
      sideMax === shape.sideMax &&
      rotate === shape.rotate &&
      width === largest.width &&
      height === largest.height &&
      frameBytesOf({ width, height, ...geometry }) <= room.pixels.length,
    make: (geometry) => {
      const input = inputOf(geometry, shape);
      const isAsBefore = made?.input.width === input.width && made.input.height === input.height;
      if (made === undefined || !isAsBefore) {
        const view = { ...wholeFrame, rotate: shape.rotate };
        made = { input, kernel: openTensorKernel(room.workspace, input, view) };
      }
      made.kernel.prepare(geometry, room.offset);
      const { width, height } = input;
      // In memory of their own: the kernel's is shared, and overwritten by the next picture.
      return { width, height, pixels: made.kernel.tensor.slice() as Uint8Array };
    },
  };
}

/** What the tensor kernel is to make of a frame: the whole of it, in its own proportions. */
function inputOf(frame: FrameGeometry, { sideMax, rotate }: PictureShape): ModelInput {
  const scale = Math.min(1, sideMax / Math.max(frame.width, frame.height));
  // The kernel makes eight elements at a time.
  const sideOf = (pixels: number): number => Math.max(8, Math.round(pixels * scale));
  const [across, down] = [sideOf(frame.width), sideOf(frame.height)];
  const isOnItsSide = rotate === 90 || rotate === 270;
  return {
    layout: 'nhwc',
    type: 'uint8',
    color: 'rgb',
    width: isOnItsSide ? down : across,
    height: isOnItsSide ? across : down,
    scale: 1,
    mean: 0,
    std: 1,
    resize: { rule: 'squash' },
  };
}
