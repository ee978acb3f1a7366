import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import {
  type FrameGeometry,
  type FrameView,
  frameBytesOf,
  wholeFrame,
} from '../../../src/contract/frame.ts';
import type { ModelInput } from '../../../src/contract/manifest.ts';
import type { RingHandle } from '../../../src/contract/ring.ts';
import {
  openTensorKernel,
  type TensorKernel,
  workspaceBytesOf,
} from '../../../src/inference/kernel.ts';
import { createRing, slotOffsetOf, type Workspace, workspaceOf } from '../../../src/ring/layout.ts';
import {
  anything,
  anyView,
  assertPrepared,
  fillRandomly,
  geometryOf,
  inputOf,
} from '../../support/kernel-room.ts';

/** A ring for frames of one geometry, with one of noise in it, and a reader's workspace. */
type Place = {
  readonly ring: RingHandle;
  readonly workspace: Workspace;
  readonly geometry: FrameGeometry;
  readonly frame: Uint8Array;
  readonly frameOffset: number;
};

function placeOf(geometry: FrameGeometry, input: ModelInput, random: Random): Place {
  const shape = {
    slots: 3,
    slotBytes: frameBytesOf(geometry),
    order: 'latest',
    readers: 2,
    workspaceBytes: workspaceBytesOf(input, geometry.width, geometry.height),
  } as const;
  const ring = createRing(shape);
  const frameOffset = slotOffsetOf(shape, 1);
  const frame = new Uint8Array(ring.memory.buffer, frameOffset, shape.slotBytes);
  fillRandomly(frame, random);
  return { ring, workspace: workspaceOf(ring, 1), geometry, frame, frameOffset };
}

const prepare = (kernel: TensorKernel, { geometry, frameOffset }: Place): void =>
  kernel.prepare(geometry, frameOffset);

/** What a kernel that was never anywhere else makes of the frame. */
function freshTensorOf(
  place: Place,
  input: ModelInput,
  view: FrameView,
): Uint8Array | Float32Array {
  const kernel = openTensorKernel(place.workspace, input, view);
  prepare(kernel, place);
  const tensor = kernel.tensor.slice();
  // The next kernel shall find nothing of use there.
  const { memory, offset, bytes } = place.workspace;
  new Uint8Array(memory.buffer, offset, bytes).fill(0xa5);
  return tensor;
}

const view: FrameView = { region: { x: 0.2, y: 0.1, width: 0.6, height: 0.7 }, rotate: 90 };

describe('a tensor kernel that moves to another memory', () => {
  it('prepares what a kernel does that was opened there, in a tensor there', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = createRandom(seed);
      const { geometry, input, view: any } = anything(random, anyView(random));
      const before = placeOf(geometry, input, random);
      const kernel = openTensorKernel(before.workspace, input, any);
      prepare(kernel, before);
      const after = placeOf(anything(random, any).geometry, input, random);
      const expected = freshTensorOf(after, input, any);
      const moved = kernel.moveTo(after.workspace);
      prepare(moved, after);
      assert.equal(moved.tensor.buffer, after.ring.memory.buffer, `seed ${seed}`);
      assert.deepEqual(moved.tensor, expected, `seed ${seed}`);
    }
  });

  it('leaves nothing of the picture before where there are bars now', () => {
    const random = createRandom(2);
    for (const type of ['uint8', 'float32'] as const) {
      const input = inputOf({ type, width: 32, height: 32, resize: { rule: 'letterbox' } });
      const before = placeOf(geometryOf('RGB3', 64, 64, 0), input, random);
      const after = placeOf(geometryOf('NV12', 128, 32, 6), input, random);
      const kernel = openTensorKernel(before.workspace, input, wholeFrame);
      prepare(kernel, before);
      const moved = kernel.moveTo(after.workspace);
      prepare(moved, after);
      const one = { geometry: after.geometry, input, view: wholeFrame };
      assertPrepared(moved.tensor, after.frame, one, type);
    }
  });

  it('goes on with the view that it was given last, and can be given another', () => {
    const random = createRandom(3);
    const input = inputOf({});
    const geometry = geometryOf('YUYV', 90, 70, 4);
    const kernel = openTensorKernel(placeOf(geometry, input, random).workspace, input, wholeFrame);
    kernel.setView(view);
    const after = placeOf(geometry, input, random);
    const [turned, whole] = [view, wholeFrame].map((one) => freshTensorOf(after, input, one));
    const moved = kernel.moveTo(after.workspace);
    prepare(moved, after);
    assert.deepEqual(moved.tensor, turned);
    moved.setView(wholeFrame);
    prepare(moved, after);
    assert.deepEqual(moved.tensor, whole);
    assert.notDeepEqual(turned, whole);
  });

  it('plans anew, though the frames are of the same geometry as before', () => {
    const random = createRandom(4);
    const input = inputOf({});
    const geometry = geometryOf('NV12', 64, 48, 0);
    const [before, after] = [placeOf(geometry, input, random), placeOf(geometry, input, random)];
    const kernel = openTensorKernel(before.workspace, input, view);
    prepare(kernel, before);
    const moved = kernel.moveTo(after.workspace);
    assert.equal(moved.planCount, 0);
    prepare(moved, after);
    prepare(moved, after);
    assert.equal(moved.planCount, 1);
  });

  it('neither reads nor writes the memory it came from', () => {
    const random = createRandom(5);
    const input = inputOf({ type: 'float32' });
    const geometry = geometryOf('UYVY', 64, 48, 0);
    const [before, after] = [placeOf(geometry, input, random), placeOf(geometry, input, random)];
    const kernel = openTensorKernel(before.workspace, input, view);
    prepare(kernel, before);
    const expected = freshTensorOf(after, input, view);
    const moved = kernel.moveTo(after.workspace);
    const all = new Uint8Array(before.ring.memory.buffer).fill(0xa5);
    prepare(moved, after);
    assert.deepEqual(moved.tensor, expected);
    assert.ok(all.every((byte) => byte === 0xa5));
  });

  it('is no way into a workspace that is too small for the input or its frames', () => {
    const random = createRandom(6);
    const input = inputOf({});
    const geometry = geometryOf('RGB3', 64, 48, 0);
    const before = placeOf(geometry, input, random);
    const kernel = openTensorKernel(before.workspace, input, view);
    const small = { ...before.workspace, bytes: 1000 };
    assert.throws(() => kernel.moveTo(small), /invariant broken/);
    const moved = kernel.moveTo(placeOf(geometry, input, random).workspace);
    const tall = { ...before, geometry: geometryOf('RGB3', 64, 4800, 0) };
    assert.throws(() => prepare(moved, tall), /invariant broken/);
  });
});
