import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { seconds } from '../../src/base/time.ts';
import { configSchema } from '../../src/contract/config.ts';
import { type FrameSize, frameBytesOf } from '../../src/contract/frame.ts';
import type { RingHandle } from '../../src/contract/ring.ts';
import type { CameraCommand, CameraReport, SourceDescription } from '../../src/contract/threads.ts';
import { ledgerOf } from '../../src/ring/custodian.ts';
import { createRing } from '../../src/ring/layout.ts';

/*
 * The camera's thread, with the built-in scene. A `start` answers an `opened`; when the config changes
 * while one of them is on its way, the answer comes to another source than it was meant for.
 */

const small = { width: 320, height: 240 };
const large = { width: 640, height: 480 };

const ringOf = ({ width, height }: FrameSize): RingHandle =>
  createRing({
    slots: 4,
    slotBytes: frameBytesOf({ format: 'YUYV', width, height, stride: width * 2, color: 'bt601' }),
    order: 'latest',
    readers: 1,
    workspaceBytes: 64,
  });

function openWorker() {
  const worker = new Worker(new URL('../../src/camera/worker.js', import.meta.url));
  const reports: CameraReport[] = [];
  worker.on('message', (report: CameraReport) => reports.push(report));
  const send = (command: CameraCommand): void => worker.postMessage(command);
  const openings = (): readonly SourceDescription[] =>
    reports.flatMap((report) => (report.kind === 'opened' ? [report.source] : []));
  return {
    start: (opening: number, ring: RingHandle) => send({ kind: 'start', opening, ring, owner: 1 }),
    /** Opens the scene at a size; resolves once it is open. */
    open: async (size: FrameSize): Promise<void> => {
      const before = openings().length;
      const config = configSchema.parse({ camera: { source: 'scene', ...size, fps: 100 } }).camera;
      send({ kind: 'open', request: { config, need: size, frameDeadline: seconds(5) } });
      await until(() => openings().length > before);
    },
    openings,
    stop: async (): Promise<void> => {
      send({ kind: 'stop' });
      await once(worker, 'exit');
      assert.deepEqual(reports.at(-1), { kind: 'stopped' });
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const captured = (ring: RingHandle): number => ledgerOf(ring).captured;

test('the answer to an earlier opening does not count, whatever its ring', async () => {
  for (const size of [small, large]) {
    const worker = openWorker();
    await worker.open(small);
    await worker.open(large);
    const [stale, ring] = [ringOf(size), ringOf(large)];
    worker.start(1, stale);
    worker.start(2, ring);
    await until(() => captured(ring) > 3);
    assert.equal(captured(stale), 0);
    assert.equal(worker.openings().length, 2);
    await worker.stop();
  }
});

test('an answer that comes twice changes nothing', async () => {
  const worker = openWorker();
  await worker.open(large);
  const ring = ringOf(large);
  worker.start(1, ring);
  await until(() => captured(ring) > 3);
  worker.start(1, ring);
  const before = captured(ring);
  await until(() => captured(ring) > before + 3);
  assert.equal(worker.openings().length, 1);
  await worker.stop();
});
