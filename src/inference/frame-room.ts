import type { FrameSize } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { createRing, slotOffsetOf, type Workspace, workspaceOf } from '../ring/layout.ts';
import { workspaceBytesOf } from './kernel.ts';

/** Room for one frame and for what the tensor kernel makes of it: a ring that nobody else knows. */
export type FrameRoom = {
  /** Where to write the frame. */
  readonly pixels: Uint8Array;
  /** Where that is, for the kernel. */
  readonly offset: number;
  readonly workspace: Workspace;
};

/** Makes room for frames of up to so many bytes and pixels, to be prepared for `input`. */
export function createFrameRoom(
  input: ModelInput,
  { width, height }: FrameSize,
  frameBytes: number,
): FrameRoom {
  const ring = createRing({
    slots: 1,
    slotBytes: frameBytes,
    order: 'fifo',
    readers: 1,
    workspaceBytes: workspaceBytesOf(input, width, height),
  });
  const offset = slotOffsetOf(ring.shape, 0);
  return {
    pixels: new Uint8Array(ring.memory.buffer, offset, frameBytes),
    offset,
    workspace: workspaceOf(ring, 0),
  };
}
