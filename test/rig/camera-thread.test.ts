import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { seconds, systemClock } from '../../src/base/time.ts';
import { cameraSchema } from '../../src/contract/camera-config.ts';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import type {
  CameraCommand,
  CameraReport,
  SourceRequest,
  WorkerBirth,
} from '../../src/contract/threads.ts';
import { ledgerOf } from '../../src/ring/custodian.ts';
import { createRing } from '../../src/ring/layout.ts';
import { createPulse } from '../../src/ring/pulse.ts';
import { skipOutsideRig, until } from './support/rig.ts';
import { stripes } from './support/stripes.ts';
import { plugUvcCamera } from './support/uvc.ts';

/* What the camera thread says of a real driver, and what it does without being told. */

const skip = skipOutsideRig();
const frozenAfter = seconds(3);

function requestOf(camera: object): SourceRequest {
  return {
    config: cameraSchema.parse({ source: 'v4l2', fps: 10, ...camera }),
    need: { width: 64, height: 48 },
    // Under emulation a frame may take a while.
    frameDeadline: seconds(20),
    frozenAfter,
  };
}

test('the camera thread finds a frozen picture, and a camera that leaves while it is stuck', {
  skip,
}, async (t) => {
  const [picture = ''] = await stripes();
  await using usb = await plugUvcCamera({ files: [picture] });
  const camera = { device: usb.link, format: 'MJPG', width: 640, height: 480, fps: 15 };
  await using thread = openThread();

  await t.test('of a picture that stands still', async () => {
    thread.send({ kind: 'open', request: requestOf(camera) });
    thread.start((await thread.said('opened', 0)).opening);
    for (let nth = 0; nth < 2; nth += 1) {
      assert.equal((await thread.said('stuck', nth)).fault.code, 'camera.frozen');
      thread.send({ kind: 'recover', by: 'stream' });
      await thread.said('resumed', nth);
    }
    await thread.said('stuck', 2);
    assert.equal(thread.count('opened'), 1);
  });

  await t.test('which is waited for without a word when it is unplugged', async () => {
    await usb.unplug();
    assert.match((await thread.said('waiting', 0)).fault.code, /missing|unplugged/);
    await usb.replug();
    thread.start((await thread.said('opened', 1)).opening);
    assert.equal((await thread.said('stuck', 3)).fault.code, 'camera.frozen');
  });

  await t.test('and is opened by itself when it was replugged at once', async () => {
    const before = thread.count('opened');
    await usb.unplug();
    await usb.replug();
    thread.start((await thread.said('opened', before)).opening);
    await thread.said('stuck', 4);
  });

  await t.test(
    'one that moves is not frozen, though it stays the same at some places',
    async () => {
      const before = thread.count('opened');
      const moving = { device: usb.link, format: 'YUYV', width: 320, height: 240, fps: 10 };
      thread.send({ kind: 'open', request: requestOf(moving) });
      thread.start((await thread.said('opened', before)).opening);
      const since = performance.now();
      await until('ten seconds of frames', () => performance.now() > since + 10_000 || undefined);
      assert.equal(thread.count('stuck'), 5);
    },
  );
  assert.equal(imbalanceOf(thread.ledger()), 0);
});

/** The camera thread of the daemon, and what it says. */
function openThread() {
  const workerData: WorkerBirth = { pulse: createPulse(systemClock) };
  const url = new URL('../../src/camera/worker.js', import.meta.url);
  const worker = new Worker(url, { workerData });
  const reports: CameraReport[] = [];
  worker.on('message', (report: CameraReport) => reports.push(report));
  const send = (command: CameraCommand): void => worker.postMessage(command);
  const ring = createRing({
    slots: 4,
    slotBytes: 640 * 480 * 3,
    order: 'latest',
    readers: 1,
    workspaceBytes: 64,
  });
  return {
    send,
    start: (opening: number) => send({ kind: 'start', opening, ring, owner: 1 }),
    count: (kind: CameraReport['kind']) => reports.filter((report) => report.kind === kind).length,
    said: async <Kind extends CameraReport['kind']>(kind: Kind, nth: number) => {
      const found = await until(
        `${kind} ${nth}`,
        () => reports.filter((report) => report.kind === kind)[nth],
      ).catch((error: unknown) => {
        throw new Error(`${error}: ${JSON.stringify(reports)}`);
      });
      return found as Extract<CameraReport, { kind: Kind }>;
    },
    ledger: () => ledgerOf(ring),
    [Symbol.asyncDispose]: async () => {
      send({ kind: 'stop' });
      await once(worker, 'exit');
    },
  };
}
