import assert from 'node:assert/strict';
import type { Random } from '../../src/base/random.ts';
import {
  chromaStepOf,
  type FrameColor,
  type FrameGeometry,
  type FrameView,
  frameBytesOf,
  frameColors,
  type PixelFormat,
  pixelFormats,
  rowBytesOf,
  wholeFrame,
} from '../../src/contract/frame.ts';
import type { ModelInput, ResizeRule } from '../../src/contract/manifest.ts';
import { openTensorKernel, workspaceBytesOf } from '../../src/inference/kernel.ts';
import { fillPlanes } from './reference-planes.ts';
import { referenceLevels } from './reference-tensor.ts';

/**
 * How far a byte may be from the exact level: half a level of rounding, and a fraction of one for
 * 16-bit samples and weights. The reference uses the same filter.
 */
export const errorMax = 0.5 + 0.1;

const guardBytes = 256;
const guard = 0xa5;

export const rules: readonly ResizeRule[] = [
  { rule: 'center-crop', fraction: 0.875 },
  { rule: 'center-crop', fraction: 1 },
  { rule: 'squash' },
  { rule: 'letterbox' },
];

/** A kernel with a frame in its memory. */
export type Room = {
  readonly kernel: ReturnType<typeof openTensorKernel>;
  readonly frame: Uint8Array;
  readonly frameOffset: number;
  /** Fails when a byte outside the workspace was written. */
  assertGuarded(frameBefore: Uint8Array): void;
};

/** A memory with guards around one slot and one workspace, which is no larger than it must be. */
export function roomOf(
  geometries: readonly FrameGeometry[],
  input: ModelInput,
  view: FrameView,
): Room {
  const frameOffset = guardBytes;
  const frameBytes = Math.max(...geometries.map(frameBytesOf));
  const bytes = Math.max(
    ...geometries.map(({ width, height }) => workspaceBytesOf(input, width, height)),
  );
  const offset = frameOffset + frameBytes + guardBytes;
  const pages = Math.ceil((offset + bytes + guardBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const all = new Uint8Array(memory.buffer).fill(guard);
  const frame = all.subarray(frameOffset, frameOffset + frameBytes);
  return {
    kernel: openTensorKernel({ memory, offset, bytes }, input, view),
    frame,
    frameOffset,
    assertGuarded(frameBefore) {
      const outside = [
        all.subarray(0, frameOffset),
        all.subarray(frameOffset + frameBytes, offset),
        all.subarray(offset + bytes),
      ];
      for (const part of outside)
        assert.ok(
          part.every((byte) => byte === guard),
          'guard bytes',
        );
      assert.equal(Buffer.compare(frame, frameBefore), 0, 'the frame is untouched');
    },
  };
}

/** One preparation to be compared with the reference. */
export type Case = {
  readonly geometry: FrameGeometry;
  readonly input: ModelInput;
  readonly view: FrameView;
};

/** Prepares a frame of noise and compares the tensor with the reference. */
export function check(one: Case, random: Random, context = '', tolerance = errorMax): void {
  const { geometry, input, view } = one;
  const room = roomOf([geometry], input, view);
  fillRandomly(room.frame, random);
  const before = room.frame.slice();
  room.kernel.prepare(geometry, room.frameOffset);
  room.assertGuarded(before);
  assertPrepared(room.kernel.tensor, before, one, context, tolerance);
}

/** Fails when an element is further from the reference than it may be. */
export function assertPrepared(
  tensor: Uint8Array | Float32Array,
  frame: Uint8Array,
  { geometry, input, view }: Case,
  context: string,
  tolerance = errorMax,
): void {
  const exact = referenceLevels(frame, geometry, input, view);
  assert.equal(tensor.length, exact.length);
  tensor.forEach((value, i) => {
    const level = input.type === 'uint8' ? value : levelOf(value, i, input);
    const error = Math.abs(level - (exact[i] ?? Number.NaN));
    if (error <= tolerance) return;
    const where = JSON.stringify({ context, geometry, input, view });
    assert.fail(`element ${i} is ${level} instead of ${exact[i]}: ${where}`);
  });
}

/** Undoes the normalisation, which must have been done to a whole level. */
function levelOf(value: number, index: number, input: ModelInput): number {
  const perPlane = input.width * input.height;
  const channel = input.layout === 'nhwc' ? index % 3 : Math.floor(index / perPlane);
  const of = (numbers: ModelInput['mean']): number =>
    typeof numbers === 'number' ? numbers : (numbers[channel] ?? Number.NaN);
  const level = (value * of(input.std) + of(input.mean)) / input.scale;
  assert.ok(Math.abs(level - Math.round(level)) < 1e-3, `element ${index} is no level: ${level}`);
  return Math.round(level);
}

/** The tensor of a whole frame where `levelAt` says what each channel (Y, U, V or R, G, B) holds. */
export function preparedOf(
  geometry: FrameGeometry,
  input: ModelInput,
  view: FrameView,
  levelAt: (x: number, y: number, channel: number) => number,
): Uint8Array | Float32Array {
  const room = roomOf([geometry], input, view);
  fillPlanes(room.frame, geometry, levelAt);
  room.kernel.prepare(geometry, room.frameOffset);
  return room.kernel.tensor;
}

export function fillRandomly(frame: Uint8Array, random: Random): void {
  for (let i = 0; i < frame.length; i += 1) frame[i] = Math.floor(random() * 256);
}

/** A geometry of about this size: a pixel more where the format wants an even number. */
export function geometryOf(
  format: PixelFormat,
  width: number,
  height: number,
  padding: number,
  color: FrameColor = 'bt601',
): FrameGeometry {
  const step = chromaStepOf(format);
  const wide = width + (width % step.x);
  // Rows of chroma may be half as long as rows of luma.
  const odd = step.y === 2 ? padding % 2 : 0;
  const stride = rowBytesOf(format, wide) + padding + odd;
  return { format, width: wide, height: height + (height % step.y), stride, color };
}

export function inputOf(part: Partial<ModelInput>): ModelInput {
  return {
    layout: 'nhwc',
    type: 'uint8',
    color: 'rgb',
    width: 24,
    height: 24,
    scale: 1,
    mean: 0,
    std: 1,
    resize: { rule: 'center-crop', fraction: 0.875 },
    ...part,
  };
}

export function meanOf(color: ModelInput['color']): ModelInput['mean'] {
  return color === 'gray' ? 0.5 : [0.485, 0.456, 0.406];
}

export function stdOf(color: ModelInput['color']): ModelInput['std'] {
  return color === 'gray' ? 0.25 : [0.229, 0.224, 0.225];
}

const pickFrom =
  (random: Random) =>
  <T>(values: readonly T[]): T =>
    values[Math.floor(random() * values.length)] as T;

/** Any input and frame, more often small than large. */
export function anything(random: Random, view: FrameView): Case {
  const pick = pickFrom(random);
  const size = (min: number, max: number): number =>
    Math.floor(min * (max / min) ** (random() ** 1.5));
  const geometry = geometryOf(
    pick(pixelFormats),
    size(2, 700),
    size(2, 500),
    pick([0, 0, 1, 6, 33]),
    pick(frameColors),
  );
  const color = pick(['rgb', 'bgr', 'gray'] as const);
  const input: ModelInput = {
    layout: pick(['nhwc', 'nchw'] as const),
    type: pick(['uint8', 'float32'] as const),
    color,
    width: size(8, 120),
    height: size(8, 120),
    scale: pick([1, 1 / 255]),
    mean: pick([0, 0.5, meanOf(color)]),
    std: pick([1, 0.3, stdOf(color)]),
    resize: pick([...rules, { rule: 'center-crop', fraction: 0.1 + 0.9 * random() }]),
  };
  return { geometry, input, view };
}

/** Any part of the frame, turned in any way. */
export function anyView(random: Random): FrameView {
  const pick = pickFrom(random);
  const part = (): readonly [start: number, length: number] => {
    const length = pick([1, 0.5, 0.01, random(), 0.2 + 0.8 * random()]);
    return [random() * (1 - length), Math.max(length, 1e-4)];
  };
  const [x, width] = part();
  const [y, height] = part();
  const region = pick([wholeFrame.region, { x, y, width, height }, { x, y, width, height }]);
  return { region, rotate: pick([0, 90, 180, 270] as const) };
}
