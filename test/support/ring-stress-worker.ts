import { parentPort, workerData } from 'node:worker_threads';
import { createRandom } from '../../src/base/random.ts';
import { systemClock } from '../../src/base/time.ts';
import { type FrameConsumer, openConsumer, type ReadableFrame } from '../../src/ring/consumer.ts';
import { type FrameProducer, openProducer, type WritableSlot } from '../../src/ring/producer.ts';
import { controlWords, type StressWorkerInput, slotBytes } from './ring-stress.ts';

const input = workerData as StressWorkerInput;
const { plan } = input;
const control = new Int32Array(input.control);
const bits = new Int32Array(input.deliveredBits);
const random = createRandom(input.seed);
const geometry = { format: 'RGB3', width: 1, height: 1, stride: 3, color: 'bt601' } as const;

// A pending `Atomics.waitAsync` alone does not keep a thread alive.
parentPort?.on('message', () => {});
if (input.role === 'producer') await produce(openProducer(input.ring, input.owner));
else await consume(openConsumer(input.ring, input.owner, input.reader));
parentPort?.postMessage('done');

async function produce(producer: FrameProducer): Promise<void> {
  while (!isEnough()) {
    const slot = producer.claim();
    if (slot !== undefined) {
      write(producer, slot);
    } else if (plan.lossless) {
      await producer.untilFreed();
    } else {
      producer.count('full', 1);
    }
    // A camera leaves its readers time; without this a lossy producer would only overwrite.
    if (!plan.lossless && random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
  }
  producer.end();
}

function isEnough(): boolean {
  const word = plan.lossless ? controlWords.published : controlWords.delivered;
  return Atomics.load(control, word) >= plan.handoffs;
}

function write(producer: FrameProducer, slot: WritableSlot): void {
  const words = new Int32Array(slot.pixels.buffer, slot.pixels.byteOffset, slotBytes / 4);
  const pattern = Math.floor(random() * 2 ** 31);
  words.fill(pattern);
  if (random() < 0.01) {
    producer.abandon(slot);
    return;
  }
  producer.publish(slot, {
    capturedAt: systemClock.now(),
    driverSequence: pattern,
    changeScore: Math.floor(random() * 256),
    geometry,
    bytesUsed: slotBytes,
  });
  Atomics.add(control, controlWords.published, 1);
}

async function consume(consumer: FrameConsumer): Promise<void> {
  let last = 0;
  for (;;) {
    const frame = consumer.claim();
    if (frame === undefined) {
      if (consumer.isDrained()) return;
      await consumer.untilReady();
      continue;
    }
    if (frame.sequence <= last) Atomics.add(control, controlWords.backwards, 1);
    last = frame.sequence;
    verify(frame);
    mark(frame.ordinal);
    verify(frame);
    consumer.settle(frame, random() < 0.02 ? 'failed' : 'classified');
    Atomics.add(control, controlWords.delivered, 1);
  }
}

/** Every word of a whole frame is the pattern that its header names. */
function verify(frame: ReadableFrame): void {
  const words = new Int32Array(frame.pixels.buffer, frame.pixels.byteOffset, slotBytes / 4);
  for (const word of words) {
    if (word === frame.driverSequence) continue;
    Atomics.add(control, controlWords.torn, 1);
    return;
  }
}

function mark(ordinal: number): void {
  const before = Atomics.or(bits, ordinal >>> 5, 1 << (ordinal & 31));
  if ((before & (1 << (ordinal & 31))) !== 0) Atomics.add(control, controlWords.repeated, 1);
}
