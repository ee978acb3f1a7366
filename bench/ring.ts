import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { copyBytes } from '../src/base/libc.ts';
import { systemClock } from '../src/base/time.ts';
import { openConsumer } from '../src/ring/consumer.ts';
import { createRing } from '../src/ring/layout.ts';
import { openProducer } from '../src/ring/producer.ts';
import { medianOf } from './figures.ts';

const frameBytes = 640 * 480 * 2;
const geometry = { format: 'YUYV', width: 640, height: 480, stride: 1280, color: 'bt601' } as const;

export type RingFigures = {
  /** One frame through claim, publish, claim and settle, nothing copied, on one thread. */
  readonly handoffNs: number;
  /** 640×480 YUYV frames copied into slots and handed on, against the same copies alone. */
  readonly ringMegabytesPerSecond: number;
  readonly memcpyMegabytesPerSecond: number;
  /** From publishing on one thread to having the frame on another that slept, median. */
  readonly wakeMicros: number;
};

export async function benchRing(): Promise<RingFigures> {
  const ring = createRing({
    slots: 6,
    slotBytes: frameBytes,
    order: 'latest',
    readers: 1,
    workspaceBytes: 64,
  });
  const producer = openProducer(ring, 1);
  const consumer = openConsumer(ring, 2, 0);
  const frame = new Uint8Array(frameBytes).fill(7);
  const target = new Uint8Array(frameBytes);
  const stamp = {
    capturedAt: systemClock.now(),
    driverSequence: 0,
    changeScore: 0,
    geometry,
    bytesUsed: frameBytes,
  };
  const handoff = (isCopied: boolean): void => {
    const slot = producer.claim();
    if (slot === undefined) throw new Error('a slot is free');
    if (isCopied) copyBytes(slot.pixels, frame);
    producer.publish(slot, stamp);
    const taken = consumer.claim();
    if (taken === undefined) throw new Error('a frame waits');
    consumer.settle(taken, 'classified');
  };
  const bare = timeOf(200_000, () => handoff(false));
  // In turns, so that both see the same machine.
  const pairs = Array.from({ length: 7 }, () => ({
    ring: timeOf(2000, () => handoff(true)),
    copy: timeOf(2000, () => copyBytes(target, frame)),
  }));
  const megabytes = (micros: number): number => frameBytes / micros;
  return {
    handoffNs: bare * 1000,
    ringMegabytesPerSecond: megabytes(medianOf(pairs.map((pair) => pair.ring))),
    memcpyMegabytesPerSecond: megabytes(medianOf(pairs.map((pair) => pair.copy))),
    wakeMicros: await benchWake(),
  };
}

/** Mean microseconds of one call. */
function timeOf(count: number, call: () => void): number {
  for (let warm = 0; warm < count / 10; warm += 1) call();
  const begun = systemClock.now();
  for (let done = 0; done < count; done += 1) call();
  return (systemClock.now() - begun) / count;
}

async function benchWake(): Promise<number> {
  const ring = createRing({
    slots: 6,
    slotBytes: 4096,
    order: 'fifo',
    readers: 1,
    workspaceBytes: 64,
  });
  const worker = new Worker(new URL('./ring-reader.js', import.meta.url), { workerData: ring });
  await once(worker, 'message');
  const producer = openProducer(ring, 1);
  for (let sent = 0; sent < 2000; sent += 1) {
    const slot = producer.claim();
    if (slot === undefined) continue;
    const capturedAt = systemClock.now();
    producer.publish(slot, {
      capturedAt,
      driverSequence: 0,
      changeScore: 0,
      geometry: { ...geometry, width: 2, height: 1, stride: 4 },
      bytesUsed: 4,
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  producer.end();
  const [delays] = (await once(worker, 'message')) as [number[]];
  await worker.terminate();
  return medianOf(delays);
}
