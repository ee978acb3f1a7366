import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/time.ts';
import type { RingHandle } from '../src/contract/ring.ts';
import { openConsumer } from '../src/ring/consumer.ts';

/* The sleeping reader of the wake-up figure: says how long each frame took to reach it. */

parentPort?.on('message', () => {});
const consumer = openConsumer(workerData as RingHandle, 2, 0);
const delays: number[] = [];
parentPort?.postMessage('ready');
while (!consumer.isDrained()) {
  const frame = consumer.claim();
  if (frame === undefined) {
    await consumer.untilReady();
    continue;
  }
  delays.push(systemClock.now() - frame.capturedAt);
  consumer.settle(frame, 'classified');
}
parentPort?.postMessage(delays);
