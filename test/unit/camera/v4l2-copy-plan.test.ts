import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { type CopyPlan, copyPlane, planCopy } from '../../../src/camera/v4l2/copy-plan.ts';
import type { Granted, GrantedPlane } from '../../../src/camera/v4l2/negotiate.ts';
import {
  chromaStepOf,
  type FrameGeometry,
  frameBytesOf,
  type PixelFormat,
  pixelFormats,
  rowBytesOf,
} from '../../../src/contract/frame.ts';

const grantedOf = (width: number, height: number, planes: readonly GrantedPlane[]): Granted => ({
  fourcc: 'any',
  width,
  height,
  color: 'bt709',
  fps: 30,
  planes,
});

const plane = (bytesPerLine: number): GrantedPlane => ({ bytesPerLine, bytes: 0 });

function planOf(
  format: PixelFormat,
  width: number,
  height: number,
  ...strides: number[]
): CopyPlan {
  const planned = planCopy(format, grantedOf(width, height, strides.map(plane)), '/dev/video0');
  return planned.ok ? planned.value : assert.fail(planned.fault.message);
}

/** A plane of samples: its rows, and the bytes of each that mean something. */
type Samples = { readonly rows: number; readonly rowBytes: number };

function samplesOf(format: PixelFormat, width: number, height: number): readonly Samples[] {
  const luma = { rows: height, rowBytes: rowBytesOf(format, width) };
  if (chromaStepOf(format).y === 1) return [luma];
  if (format === 'NV12' || format === 'NV21') return [luma, { rows: height / 2, rowBytes: width }];
  const chroma = { rows: height / 2, rowBytes: width / 2 };
  return [luma, chroma, chroma];
}

/** Where the ring wants each plane's rows, by the description of `PixelFormat`. */
function slotRowsOf({ format, height, stride }: FrameGeometry): readonly [number, number][] {
  const end = stride * height;
  const half = stride / 2;
  if (chromaStepOf(format).y === 1) return [[0, stride]];
  if (format === 'NV12' || format === 'NV21')
    return [
      [0, stride],
      [end, stride],
    ];
  return [
    [0, stride],
    [end, half],
    [end + half * (height / 2), half],
  ];
}

/** A driver's buffer: planes of random samples one after the other, padded to their strides. */
function bufferOf(planes: readonly (Samples & { stride: number })[], random: Random): Uint8Array {
  const bytes = planes.reduce((sum, { rows, stride }) => sum + rows * stride, 0);
  return Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
}

const guard = 0xa5;

/** Copies the driver's buffers into a slot of just the frame's size, with guards behind it. */
function copied(plan: CopyPlan, buffers: readonly Uint8Array[], isShared: boolean): Uint8Array {
  const bytesUsed = frameBytesOf(plan.geometry);
  const memory = isShared ? SharedArrayBuffer : ArrayBuffer;
  const all = new Uint8Array(new memory(bytesUsed + 64)).fill(guard);
  const slot = all.subarray(0, bytesUsed);
  for (const [index, part] of plan.planes.entries()) {
    copyPlane(slot, buffers[index] ?? assert.fail(), part);
  }
  assert.ok(
    all.subarray(bytesUsed).every((byte) => byte === guard),
    'nothing behind the slot',
  );
  return slot;
}

/** Fails unless each sample lies where the frame's geometry says. */
function assertSamples(
  slot: Uint8Array,
  geometry: FrameGeometry,
  sources: readonly { bytes: Uint8Array; at: number; stride: number }[],
  context: string,
): void {
  const rowsOf = slotRowsOf(geometry);
  samplesOf(geometry.format, geometry.width, geometry.height).forEach((samples, index) => {
    const source = sources[index] ?? assert.fail('a source for each plane');
    const [start, stride] = rowsOf[index] ?? assert.fail('a place for each plane');
    for (let row = 0; row < samples.rows; row += 1) {
      const from = source.at + row * source.stride;
      const expected = source.bytes.subarray(from, from + samples.rowBytes);
      const to = start + row * stride;
      const actual = slot.subarray(to, to + samples.rowBytes);
      assert.ok(Buffer.compare(actual, expected) === 0, `${context}: plane ${index}, row ${row}`);
    }
  });
}

type Shape = { format: PixelFormat; width: number; height: number; padding: () => number };

function anyShape(random: Random): Shape {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const format = pixelFormats[upTo(pixelFormats.length - 1)] as PixelFormat;
  const step = chromaStepOf(format);
  return {
    format,
    width: (1 + upTo(40)) * step.x,
    height: (1 + upTo(20)) * step.y,
    padding: () => (random() < 0.4 ? 0 : upTo(40)),
  };
}

/** What a driver may leave out, or add, behind the last row. */
function cutOf(bytes: Uint8Array, least: number, random: Random): Uint8Array {
  const length = [least, bytes.length, bytes.length + 100][Math.floor(random() * 3)] as number;
  const cut = new Uint8Array(length).fill(0x77);
  cut.set(bytes.subarray(0, length));
  return cut;
}

describe('the copy of a frame', () => {
  it('of one buffer holds every sample, for any geometry', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = createRandom(seed);
      const { format, width, height, padding } = anyShape(random);
      const ownPlanes = format === 'YU12' || format === 'YV12';
      const extra = padding();
      const stride = rowBytesOf(format, width) + extra + (ownPlanes ? extra % 2 : 0);
      const planes = samplesOf(format, width, height).map((samples, index) => ({
        ...samples,
        stride: ownPlanes && index > 0 ? stride / 2 : stride,
      }));
      const bytes = bufferOf(planes, random);
      const plan = planOf(format, width, height, stride);
      const given = cutOf(bytes, plan.planes[0]?.bytesLeast ?? 0, random);
      const slot = copied(plan, [given], seed % 2 === 0);
      let at = 0;
      const sources = planes.map(({ rows, stride: each }) => {
        const source = { bytes, at, stride: each };
        at += rows * each;
        return source;
      });
      assertSamples(slot, plan.geometry, sources, `seed ${seed}`);
    }
  });

  it('of a buffer for each plane holds every sample, whatever the stride of each', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = createRandom(seed);
      let shape = anyShape(random);
      while (chromaStepOf(shape.format).y === 1) shape = anyShape(random);
      const { format, width, height, padding } = shape;
      const planes = samplesOf(format, width, height).map((samples) => ({
        ...samples,
        stride: samples.rowBytes + padding(),
      }));
      const buffers = planes.map((one) => bufferOf([one], random));
      const plan = planOf(format, width, height, ...planes.map(({ stride }) => stride));
      const given = buffers.map((bytes, index) =>
        cutOf(bytes, plan.planes[index]?.bytesLeast ?? 0, random),
      );
      const slot = copied(plan, given, seed % 2 === 0);
      const sources = planes.map(({ stride }, index) => ({
        bytes: buffers[index] ?? assert.fail(),
        at: 0,
        stride,
      }));
      assertSamples(slot, plan.geometry, sources, `seed ${seed}`);
    }
  });
});

describe('the plan of a copy', () => {
  it('is one piece where the planes lie in one buffer, padding and all', () => {
    for (const format of pixelFormats) {
      const plan = planOf(format, 64, 48, 256);
      assert.equal(plan.geometry.stride, 256, format);
      assert.deepEqual(
        plan.planes.map(({ whole }) => whole),
        [{ target: 0, bytes: frameBytesOf(plan.geometry) }],
        format,
      );
    }
  });

  it('is one piece for each plane that lies as it shall in the slot', () => {
    const plan = planOf('YU12', 64, 48, 80, 40, 48);
    const [luma, first, second] = plan.planes;
    assert.deepEqual(luma?.whole, { target: 0, bytes: 80 * 48 });
    assert.deepEqual(first?.whole, { target: 80 * 48, bytes: 40 * 24 });
    assert.equal(second?.whole, undefined);
  });

  it('asks of a buffer all that means something, and not the padding behind it', () => {
    const leastOf = (...args: Parameters<typeof planOf>): number[] =>
      planOf(...args).planes.map(({ bytesLeast }) => bytesLeast);
    assert.deepEqual(leastOf('YUYV', 64, 4, 160), [3 * 160 + 128]);
    assert.deepEqual(leastOf('NV12', 64, 4, 80), [4 * 80 + 80 + 64]);
    assert.deepEqual(leastOf('YV12', 64, 4, 80), [4 * 80 + 2 * 40 + 40 + 32]);
    assert.deepEqual(leastOf('YU12', 64, 4, 80, 64, 33), [3 * 80 + 64, 64 + 32, 33 + 32]);
  });

  it('takes rows to be without padding where the driver does not say', () => {
    assert.equal(planOf('YUYV', 64, 48, 0).geometry.stride, 128);
    assert.equal(frameBytesOf(planOf('NV12', 64, 48, 0, 0).geometry), (64 * 48 * 3) / 2);
  });

  it('gives luma with an odd stride an even one, as rows of chroma are half as long', () => {
    assert.equal(planOf('YU12', 64, 48, 65, 32, 32).geometry.stride, 66);
    assert.equal(planOf('NV12', 64, 48, 65, 64).geometry.stride, 65);
  });

  it('refuses sizes that the format cannot have', () => {
    for (const [format, width, height] of [
      ['YUYV', 63, 48],
      ['NV12', 64, 47],
      ['YU12', 63, 48],
    ] as const) {
      const planned = planCopy(format, grantedOf(width, height, [plane(0)]), '/dev/video7');
      assert.ok(!planned.ok);
      assert.equal(planned.fault.code, 'camera.refused');
      assert.match(planned.fault.message, new RegExp(`/dev/video7.*${width}×${height}.*${format}`));
    }
    for (const format of ['RGB3', 'GREY'] as const) {
      assert.ok(planCopy(format, grantedOf(63, 47, [plane(0)]), '/dev/video7').ok, format);
    }
  });
});
