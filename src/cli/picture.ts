import { type FrameGeometry, frameBytesOf, wholeFrame } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { createFrameRoom } from '../inference/frame-room.ts';
import { openTensorKernel } from '../inference/kernel.ts';

/** A picture for people: R G B, three bytes a pixel, rows without padding. */
export type RgbPicture = {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
};

/** The tensor kernel's largest output. */
const sideMax = 1024;

/** Room for one frame of any format, and what turns it into a picture as the model would see it. */
export interface PictureMaker {
  /** Where to write the frame. */
  readonly target: Uint8Array;
  /** The frame in `target` in RGB, shrunk to at most 1024 × 1024. */
  make(geometry: FrameGeometry): RgbPicture;
}

export function createPictureMaker(largest: FrameGeometry): PictureMaker {
  const inputOf = ({ width, height }: FrameGeometry): ModelInput => {
    const scale = Math.min(1, sideMax / Math.max(width, height));
    return {
      layout: 'nhwc',
      type: 'uint8',
      color: 'rgb',
      width: Math.max(8, Math.round(width * scale)),
      height: Math.max(8, Math.round(height * scale)),
      scale: 1,
      mean: 0,
      std: 1,
      resize: { rule: 'squash' },
    };
  };
  const room = createFrameRoom(inputOf(largest), largest, frameBytesOf(largest));
  return {
    target: room.pixels,
    make: (geometry) => {
      const input = inputOf(geometry);
      const kernel = openTensorKernel(room.workspace, input, wholeFrame);
      kernel.prepare(geometry, room.offset);
      const { width, height } = input;
      return { width, height, pixels: kernel.tensor as Uint8Array };
    },
  };
}
