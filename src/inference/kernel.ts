import { assert } from '../base/assert.ts';
import { compiled } from '../base/compiled.ts';
import {
  chromaStepOf,
  type FrameGeometry,
  type FrameView,
  isSameGeometry,
  isSameView,
  rowBytesOf,
} from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import type { Workspace } from '../ring/layout.ts';
import { writeInput, writePlan } from './plan-writer.ts';
import { channelsOf, type MemoryViews, planBytesMaxOf, regionsOf } from './workspace-regions.ts';

/** Prepares the model's input tensor from frames that lie in the same memory as its workspace. */
export interface TensorKernel {
  /** The prepared tensor, where it lies in the workspace: overwritten by every `prepare`. */
  readonly tensor: Tensor;
  /** How many plans were made so far: one more whenever the geometry or the view changes. */
  readonly planCount: number;
  /** Looks at another part of the frames, or turns them otherwise, from the next `prepare` on. */
  setView(view: FrameView): void;
  /** A kernel for frames in another memory, with the tensor there. */
  moveTo(workspace: Workspace): TensorKernel;
  /** Prepares the tensor from the frame that starts at byte `frameOffset` of the memory. */
  prepare(geometry: FrameGeometry, frameOffset: number): void;
}

/** Bytes a workspace needs for this input, frames of at most these pixels, and any view of them. */
export function workspaceBytesOf(
  input: ModelInput,
  frameWidthMax: number,
  frameHeightMax: number,
): number {
  // The offset need not be aligned: the first part may begin up to a cache line later.
  return regionsOf(input, 64).end + planBytesMaxOf(input, frameWidthMax, frameHeightMax);
}

type Tensor = Uint8Array | Float32Array;

/** What `assembly/tensor.ts` exports. */
type TensorModule = {
  prepare(plan: number, frame: number): void;
  storeBars(plan: number): void;
};

export const tensorCode = new URL('./tensor.wasm', import.meta.url);

/** An instance per kernel, since an instance is bound to its memory. */
function instantiate(memory: WebAssembly.Memory): TensorModule {
  const instance = new WebAssembly.Instance(compiled(tensorCode), { env: { memory } });
  return instance.exports as TensorModule;
}

/**
 * Opens a kernel that writes nowhere but in its workspace. It reads whole vectors and so up to 47
 * bytes past a frame's last row, without using them: a workspace lies after the slots, so they exist.
 */
export function openTensorKernel(
  workspace: Workspace,
  input: ModelInput,
  view: FrameView,
): TensorKernel {
  const { buffer } = workspace.memory;
  const module = instantiate(workspace.memory);
  const views: MemoryViews = {
    bytes: new Uint8Array(buffer),
    shorts: new Int16Array(buffer),
    words: new Int32Array(buffer),
    floats: new Float32Array(buffer),
  };
  const workspaceEnd = workspace.offset + workspace.bytes;
  const regions = regionsOf(input, workspace.offset);
  assert(regions.end <= workspaceEnd, 'the workspace holds the input');
  writeInput(views, regions, input);

  let viewed = checked(view);
  let planned: FrameGeometry | undefined;
  let planCount = 0;

  /** Bars do not depend on the pixels, so they are stored once, with the plan. */
  function plan(geometry: FrameGeometry): void {
    const { format, width, height } = geometry;
    const bytesMax = planBytesMaxOf(input, width, height);
    assert(regions.end + bytesMax <= workspaceEnd, 'the workspace holds frames of this size');
    assert(geometry.stride >= rowBytesOf(format, width), 'a stride holds a row');
    assert(height % chromaStepOf(format).y === 0, 'chroma is shared by whole pairs of rows');
    writePlan(views, regions, input, geometry, viewed);
    module.storeBars(regions.plan);
    planned = { ...geometry };
    planCount += 1;
  }

  return {
    tensor: tensorAt(buffer, regions.tensor, input),
    get planCount() {
      return planCount;
    },
    setView(next) {
      if (isSameView(viewed, next)) return;
      viewed = checked(next);
      planned = undefined;
    },
    moveTo: (next) => openTensorKernel(next, input, viewed),
    prepare(geometry, frameOffset) {
      if (planned === undefined || !isSameGeometry(planned, geometry)) plan(geometry);
      module.prepare(regions.plan, frameOffset);
    },
  };
}

/** A view is a part of the frame: the config's schema has seen to it. */
function checked(view: FrameView): FrameView {
  const { x, y, width, height } = view.region;
  assert(x >= 0 && y >= 0 && width > 0 && height > 0, 'a region begins within the frame');
  assert(x + width <= 1 + 1e-6 && y + height <= 1 + 1e-6, 'a region ends within the frame');
  return view;
}

function tensorAt(buffer: ArrayBufferLike, address: number, input: ModelInput): Tensor {
  const elements = input.width * input.height * channelsOf(input);
  return input.type === 'uint8'
    ? new Uint8Array(buffer, address, elements)
    : new Float32Array(buffer, address, elements);
}
