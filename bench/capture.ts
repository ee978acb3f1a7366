import { copyBytes } from '../src/base/libc.ts';
import { systemClock } from '../src/base/time.ts';
import { type CopyPlan, copyPlane, planCopy } from '../src/camera/v4l2/copy-plan.ts';
import { frameBytesOf } from '../src/contract/frame.ts';
import { openConsumer } from '../src/ring/consumer.ts';
import { createRing } from '../src/ring/layout.ts';
import { openProducer } from '../src/ring/producer.ts';
import { medianOf } from './figures.ts';

export type CaptureFigure = {
  readonly name: string;
  /** CPU of taking a frame over: a slot claimed, the copy from a driver's buffer, published, read and freed. */
  readonly microsPerFrame: number;
  /** CPU of libc's memcpy for the same bytes, between as many buffers. */
  readonly memcpyMicros: number;
  /** The median of the ratios of short stretches in turns. */
  readonly ratio: number;
};

/** As many buffers as sightd asks a driver for, and as many slots as a ring has by default. */
const driverBuffers = 4;
const slots = 6;
const warmFrames = 10_000;

/** What it costs to take a frame over from a driver, against the bare copy. */
export function benchCapture(rounds: number): readonly CaptureFigure[] {
  return [
    benchCopy('640×480 YUYV', planOf('YUYV', 640, 480), rounds),
    benchCopy('1920×1080 NV12', planOf('NV12', 1920, 1080), rounds),
  ];
}

function planOf(format: 'YUYV' | 'NV12', width: number, height: number): CopyPlan {
  const bytesPerLine = format === 'YUYV' ? width * 2 : width;
  const planes = [{ bytesPerLine, bytes: 0 }];
  const granted = { fourcc: format, width, height, color: 'bt601', fps: 30, planes } as const;
  const plan = planCopy(format, granted, 'bench');
  if (!plan.ok) throw new Error(plan.fault.message);
  return plan.value;
}

function benchCopy(name: string, { geometry, planes }: CopyPlan, rounds: number): CaptureFigure {
  const [plane] = planes;
  if (plane === undefined) throw new Error('a plan has planes');
  const bytes = frameBytesOf(geometry);
  const shape = {
    slots,
    slotBytes: bytes,
    order: 'latest',
    readers: 1,
    workspaceBytes: 64,
  } as const;
  const ring = createRing(shape);
  const producer = openProducer(ring, 1);
  const consumer = openConsumer(ring, 2, 0);
  const buffers = Array.from({ length: driverBuffers }, (_, at) => new Uint8Array(bytes).fill(at));
  // The reference copies to memory of the same kind, and as the ring does to the same slot again
  // and again: the reader here is always done before the next frame.
  const target = openProducer(createRing(shape), 1).claim()?.pixels as Uint8Array;
  const stamp = {
    capturedAt: systemClock.now(),
    driverSequence: 0,
    changeScore: 0,
    geometry,
    bytesUsed: bytes,
  };
  let count = 0;
  const capture = (): void => {
    count += 1;
    const slot = producer.claim();
    if (slot === undefined) throw new Error('a slot is free');
    copyPlane(slot.pixels, buffers[count % driverBuffers] as Uint8Array, plane);
    producer.publish(slot, stamp);
    const frame = consumer.claim();
    if (frame === undefined) throw new Error('a frame waits');
    consumer.settle(frame, 'classified');
  };
  const copy = (): void => {
    count += 1;
    const source = buffers[count % driverBuffers] as Uint8Array;
    copyBytes(target, source);
  };
  const frames = Math.ceil(60_000_000 / bytes);
  // V8 compiles what runs often; a daemon runs for months.
  cpuMicrosOf(warmFrames, capture);
  cpuMicrosOf(warmFrames, copy);
  const pairs = Array.from({ length: rounds }, () => ({
    capture: cpuMicrosOf(frames, capture),
    copy: cpuMicrosOf(frames, copy),
  }));
  return {
    name,
    microsPerFrame: medianOf(pairs.map((pair) => pair.capture)),
    memcpyMicros: medianOf(pairs.map((pair) => pair.copy)),
    ratio: medianOf(pairs.map((pair) => pair.capture / pair.copy)),
  };
}

/** CPU microseconds of one call, in user and kernel. */
function cpuMicrosOf(count: number, call: () => void): number {
  const before = process.cpuUsage();
  for (let done = 0; done < count; done += 1) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
