import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { copyBytes } from '../src/base/libc.ts';
import { createRandom } from '../src/base/random.ts';
import {
  type FrameGeometry,
  type FrameView,
  frameBytesOf,
  rowBytesOf,
  wholeFrame,
} from '../src/contract/frame.ts';
import type { ModelInput, ResizeRule } from '../src/contract/manifest.ts';
import { openTensorKernel, workspaceBytesOf } from '../src/inference/kernel.ts';

/** One way of preparing a tensor, and what it cost: medians in milliseconds per frame. */
export type TensorFigure = {
  readonly name: string;
  readonly kernelMs: number;
  /** A plain copy of the frame, for scale: how much the machine's memory allows. */
  readonly copyMs: number;
  /** The straightforward loop: bilinear from the camera's format, one pixel after the other. */
  readonly naiveMs: number;
  readonly timesCopy: number;
  readonly timesNaive: number;
};

type TensorCase = {
  readonly name: string;
  readonly geometry: FrameGeometry;
  readonly input: ModelInput;
  readonly view: FrameView;
};

const crop: ResizeRule = { rule: 'center-crop', fraction: 0.875 };

const onItsSide: FrameView = { ...wholeFrame, rotate: 90 };

/** The cases the design sets targets for; beside them RGB3, a planar format and a turned picture. */
const cases: readonly TensorCase[] = [
  caseOf('YUYV', 640, 480, inputOf('nhwc', 'uint8', 224, crop), wholeFrame),
  caseOf('YUYV', 640, 480, inputOf('nchw', 'float32', 224, crop), wholeFrame),
  caseOf('YUYV', 1920, 1080, inputOf('nhwc', 'uint8', 224, crop), wholeFrame),
  caseOf('YUYV', 640, 480, inputOf('nhwc', 'uint8', 96, { rule: 'squash' }), wholeFrame),
  caseOf('RGB3', 640, 480, inputOf('nhwc', 'uint8', 224, crop), wholeFrame),
  caseOf('NV12', 1920, 1080, inputOf('nhwc', 'uint8', 224, crop), wholeFrame),
  caseOf('YUYV', 640, 480, inputOf('nhwc', 'uint8', 224, crop), onItsSide),
  caseOf('YUYV', 640, 480, inputOf('nchw', 'float32', 224, crop), onItsSide),
];

/** Times every case in rounds that alternate between the three, so that all see the same machine. */
export function benchTensor(rounds: number): readonly TensorFigure[] {
  return cases.map((one) => benchCase(one, rounds));
}

function benchCase({ name, geometry, input, view }: TensorCase, rounds: number): TensorFigure {
  const frameBytes = frameBytesOf(geometry);
  const workspaceBytes = workspaceBytesOf(input, geometry.width, geometry.height);
  const pages = Math.ceil((frameBytes + workspaceBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const frame = new Uint8Array(memory.buffer, 0, frameBytes);
  fillFrame(frame);
  const workspace = { memory, offset: frameBytes, bytes: workspaceBytes };
  const kernel = openTensorKernel(workspace, input, view);
  const target = new Uint8Array(frameBytes);
  const naive = new Uint8ClampedArray(input.width * input.height * 3);
  const turned = new Uint8ClampedArray(naive.length);

  const contenders = {
    kernel: () => kernel.prepare(geometry, 0),
    copy: () => copyBytes(target, frame),
    naive: () => {
      prepareNaively(frame, geometry, input, naive);
      if (view.rotate === 90) turnNaively(naive, turned, input.width);
    },
  };
  const times = timesOf(contenders, rounds);
  return {
    name,
    kernelMs: times.kernel,
    copyMs: times.copy,
    naiveMs: times.naive,
    timesCopy: times.kernel / times.copy,
    timesNaive: times.kernel / times.naive,
  };
}

/** Muted, slightly noisy content: pure noise would slow the naive loop's clamping by half. */
function fillFrame(frame: Uint8Array): void {
  const random = createRandom(1);
  for (let i = 0; i < frame.length; i += 1) frame[i] = 96 + ((i >> 4) % 48) + random() * 16;
}

/** Median milliseconds of each, over rounds of `batch` calls in turn. */
function timesOf<Name extends string>(
  contenders: Readonly<Record<Name, () => void>>,
  rounds: number,
): Readonly<Record<Name, number>> {
  const batch = 20;
  const names = Object.keys(contenders) as Name[];
  const samples = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const started = performance.now();
      for (let i = 0; i < batch; i += 1) contenders[name]();
      samples.get(name)?.push((performance.now() - started) / batch);
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, medianOf(samples.get(name) ?? [])]),
  ) as Record<Name, number>;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Bilinear interpolation without antialiasing, uint8 RGB: what one would write first. */
function prepareNaively(
  frame: Uint8Array,
  geometry: FrameGeometry,
  input: ModelInput,
  target: Uint8ClampedArray,
): void {
  const { width, height, stride } = geometry;
  const isCrop = input.resize.rule === 'center-crop';
  const side = Math.min(width, height) * 0.875;
  const columns = isCrop ? side / input.width : width / input.width;
  const rows = isCrop ? side / input.height : height / input.height;
  const left = isCrop ? (width - side) / 2 : 0;
  const top = isCrop ? (height - side) / 2 : 0;
  const prepareRow = naiveRowOf(geometry.format);
  for (let y = 0; y < input.height; y += 1) {
    const fy = Math.min(Math.max(top + (y + 0.5) * rows - 0.5, 0), height - 1.001);
    const row = Math.floor(fy) * stride;
    const weight = fy - Math.floor(fy);
    const chroma = stride * height + (Math.floor(fy) >> 1) * stride;
    const place = { row, below: row + stride, chroma, weight, left, columns, width };
    prepareRow(frame, place, target, y * input.width * 3, input.width);
  }
}

type PrepareRow = (
  frame: Uint8Array,
  place: NaiveRow,
  target: Uint8ClampedArray,
  start: number,
  count: number,
) => void;

function naiveRowOf(format: FrameGeometry['format']): PrepareRow {
  if (format === 'NV12') return prepareNv12Row;
  return format === 'YUYV' ? prepareYuyvRow : prepareRgb3Row;
}

/** A square picture, turned clockwise one pixel after the other. */
function turnNaively(source: Uint8ClampedArray, target: Uint8ClampedArray, side: number): void {
  for (let y = 0, to = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1, to += 3) {
      const from = ((side - 1 - x) * side + y) * 3;
      target[to] = source[from] as number;
      target[to + 1] = source[from + 1] as number;
      target[to + 2] = source[from + 2] as number;
    }
  }
}

/** Two frame rows and the columns that matter in them. */
type NaiveRow = {
  readonly row: number;
  readonly below: number;
  /** The row of chroma in a planar format. */
  readonly chroma: number;
  readonly weight: number;
  readonly left: number;
  readonly columns: number;
  readonly width: number;
};

function prepareYuyvRow(
  frame: Uint8Array,
  { row, below, weight, left, columns, width }: NaiveRow,
  target: Uint8ClampedArray,
  start: number,
  count: number,
): void {
  for (let x = 0, to = start; x < count; x += 1, to += 3) {
    const fx = Math.min(Math.max(left + (x + 0.5) * columns - 0.5, 0), width - 1.001);
    const x0 = Math.floor(fx);
    const wx = fx - x0;
    const a = frame[row + x0 * 2] as number;
    const b = frame[row + x0 * 2 + 2] as number;
    const c = frame[below + x0 * 2] as number;
    const d = frame[below + x0 * 2 + 2] as number;
    const upper = a + (b - a) * wx;
    const luma = 1.164 * (upper + (c + (d - c) * wx - upper) * weight - 16);
    const pair = row + (x0 >> 1) * 4;
    const u = (frame[pair + 1] as number) - 128;
    const v = (frame[pair + 3] as number) - 128;
    target[to] = luma + 1.596 * v;
    target[to + 1] = luma - 0.392 * u - 0.813 * v;
    target[to + 2] = luma + 2.017 * u;
  }
}

function prepareNv12Row(
  frame: Uint8Array,
  { row, below, chroma, weight, left, columns, width }: NaiveRow,
  target: Uint8ClampedArray,
  start: number,
  count: number,
): void {
  for (let x = 0, to = start; x < count; x += 1, to += 3) {
    const fx = Math.min(Math.max(left + (x + 0.5) * columns - 0.5, 0), width - 1.001);
    const x0 = Math.floor(fx);
    const wx = fx - x0;
    const a = frame[row + x0] as number;
    const b = frame[row + x0 + 1] as number;
    const c = frame[below + x0] as number;
    const d = frame[below + x0 + 1] as number;
    const upper = a + (b - a) * wx;
    const luma = 1.164 * (upper + (c + (d - c) * wx - upper) * weight - 16);
    const pair = chroma + (x0 >> 1) * 2;
    const u = (frame[pair] as number) - 128;
    const v = (frame[pair + 1] as number) - 128;
    target[to] = luma + 1.596 * v;
    target[to + 1] = luma - 0.392 * u - 0.813 * v;
    target[to + 2] = luma + 2.017 * u;
  }
}

function prepareRgb3Row(
  frame: Uint8Array,
  { row, below, weight, left, columns, width }: NaiveRow,
  target: Uint8ClampedArray,
  start: number,
  count: number,
): void {
  for (let x = 0, to = start; x < count; x += 1) {
    const fx = Math.min(Math.max(left + (x + 0.5) * columns - 0.5, 0), width - 1.001);
    const x0 = Math.floor(fx);
    const wx = fx - x0;
    for (let at = x0 * 3; at < x0 * 3 + 3; at += 1, to += 1) {
      const a = frame[row + at] as number;
      const b = frame[row + at + 3] as number;
      const c = frame[below + at] as number;
      const d = frame[below + at + 3] as number;
      const upper = a + (b - a) * wx;
      target[to] = upper + (c + (d - c) * wx - upper) * weight;
    }
  }
}

function inputOf(
  layout: ModelInput['layout'],
  type: ModelInput['type'],
  side: number,
  resize: ResizeRule,
): ModelInput {
  const normalised = type === 'float32' ? 127.5 : undefined;
  return {
    layout,
    type,
    color: 'rgb',
    width: side,
    height: side,
    scale: 1,
    mean: normalised ?? 0,
    std: normalised ?? 1,
    resize,
  };
}

function caseOf(
  format: FrameGeometry['format'],
  width: number,
  height: number,
  input: ModelInput,
  view: FrameView,
): TensorCase {
  const stride = rowBytesOf(format, width);
  const geometry: FrameGeometry = { format, width, height, stride, color: 'bt601' };
  const { layout, type, resize } = input;
  const turned = view.rotate === 0 ? '' : `, turned by ${view.rotate}°`;
  const name = `${format} ${width}×${height} → ${type} ${layout} ${input.width} ${resize.rule}${turned}`;
  return { name, geometry, input, view };
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const rounds = Number(argv[2] ?? 100);
  for (const figure of benchTensor(rounds)) {
    const { name, kernelMs, copyMs, naiveMs, timesCopy, timesNaive } = figure;
    console.log(
      `${name}: ${kernelMs.toFixed(3)} ms, copy ${copyMs.toFixed(3)} ms (×${timesCopy.toFixed(1)}), naive loop ${naiveMs.toFixed(3)} ms (×${timesNaive.toFixed(2)})`,
    );
  }
}
