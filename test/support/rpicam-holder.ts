import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { millis, systemClock } from '../../src/base/time.ts';
import { openRpicamSource } from '../../src/camera/rpicam/source.ts';
import { configSchema } from '../../src/contract/config.ts';

/*
 * A process that reads a Raspberry Pi camera in a worker thread, as the daemon does, and says on stdout
 * when a frame has come. It never ends the camera: whoever ends the process or the thread finds out
 * what becomes of it.
 */

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', (word: string) => process.stdout.write(`${word}\n`));
} else {
  const { signal } = new AbortController();
  const { camera } = configSchema.parse({ camera: { source: 'rpicam' } });
  const need = { width: 64, height: 48 };
  const request = { config: camera, need, frameDeadline: millis(600_000), frozenAfter: undefined };
  const opened = await openRpicamSource(request, systemClock, signal);
  if (!opened.ok) throw new Error(opened.fault.message);
  const source = opened.value;
  const slot = new Uint8Array(2 ** 20);
  for (;;) {
    await source.due(signal);
    const reading = await source.read(slot, signal);
    parentPort?.postMessage(reading.kind);
  }
}
