import { type FrameGeometry, frameBytesOf, wholeFrame } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { openTensorKernel, workspaceBytesOf } from '../inference/kernel.ts';
import { createRing, slotOffsetOf, workspaceOf } from '../ring/layout.ts';

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
  const ring = createRing({
    slots: 1,
    slotBytes: frameBytesOf(largest),
    order: 'fifo',
    readers: 1,
    workspaceBytes: workspaceBytesOf(inputOf(largest), largest.width, largest.height),
  });
  const offset = slotOffsetOf(ring.shape, 0);
  return {
    target: new Uint8Array(ring.memory.buffer, offset, ring.shape.slotBytes),
    make: (geometry) => {
      const input = inputOf(geometry);
      const kernel = openTensorKernel(workspaceOf(ring, 0), input, wholeFrame);
      kernel.prepare(geometry, offset);
      const { width, height } = input;
      return { width, height, pixels: kernel.tensor as Uint8Array };
    },
  };
}
