import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import type { Fault } from '../../src/base/fault.ts';
import { seconds, systemClock } from '../../src/base/time.ts';
import type { FrameSource, Reading } from '../../src/camera/source.ts';
import { openV4l2Source } from '../../src/camera/v4l2/source.ts';
import { cameraSchema } from '../../src/contract/camera-config.ts';
import { frameBytesOf } from '../../src/contract/frame.ts';
import type { SourceRequest } from '../../src/contract/threads.ts';
import { noPulse } from '../../src/ring/pulse.ts';
import { skipOutsideRig } from './support/rig.ts';
import { stripes } from './support/stripes.ts';
import { plugUvcCamera } from './support/uvc.ts';
import { setControl } from './support/video-node.ts';
import { loadVivid } from './support/vivid.ts';

/* What becomes of real drivers' streams when they begin anew while the camera stays open. */

const skip = skipOutsideRig();
const never = new AbortController().signal;

function requestOf(camera: object): SourceRequest {
  const config = cameraSchema.parse({ source: 'v4l2', fps: 10, ...camera });
  return {
    config,
    need: { width: 64, height: 48 },
    // Under emulation a frame may take a while.
    frameDeadline: seconds(5),
    frozenAfter: undefined,
  };
}

async function open(device: string, camera: object): Promise<FrameSource> {
  const request = requestOf({ device, ...camera });
  const surroundings = { clock: systemClock, pulse: noPulse };
  const opened = await openV4l2Source(device, request, surroundings);
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}

async function next(source: FrameSource): Promise<Reading> {
  await source.due(never);
  return source.read(new Uint8Array(frameBytesOf(source.description.geometryMax)), never);
}

/** Reads so many frames, which differ from each other and follow in time. */
async function readFrames(source: FrameSource, count: number): Promise<void> {
  let before = 0;
  for (let index = 0; index < count; index += 1) {
    const reading = await next(source);
    assert.equal(reading.kind, 'frame', JSON.stringify(reading));
    assert.ok(reading.kind === 'frame' && reading.capturedAt > before);
    before = reading.capturedAt;
  }
}

/** Reads until there is something else than a frame. */
async function readOut(source: FrameSource): Promise<Fault> {
  for (;;) {
    const reading = await next(source);
    if (reading.kind === 'broken') return reading.fault;
    assert.notEqual(reading.kind, 'ended');
  }
}

async function restart({ restart: begin }: FrameSource): Promise<Fault | undefined> {
  const restarted = await begin?.();
  assert.ok(restarted !== undefined);
  return restarted.ok ? undefined : restarted.fault;
}

/** The descriptors that this process has of a node. */
const descriptorsOf = (node: string): readonly string[] =>
  readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === node;
    } catch {
      return false; // The one of this very reading.
    }
  });

for (const isMultiplanar of [false, true]) {
  const name = isMultiplanar ? 'multi-planar' : 'single-planar';
  test(`a stream begins anew while its ${name} camera stays open`, { skip }, async (t) => {
    await using vivid = await loadVivid({ isMultiplanar });
    const node = vivid.nodes[0] ?? '';
    const format = isMultiplanar ? 'NV12' : 'YUYV';
    await using source = await open(node, { format, width: 320, height: 180 });
    await readFrames(source, 3);
    const held = descriptorsOf(node);
    assert.equal(held.length, 1);

    await t.test('that works, also with a frame that waits to be read', async () => {
      for (let count = 0; count < 5; count += 1) {
        await source.due(never);
        assert.equal(await restart(source), undefined);
        await readFrames(source, 3);
      }
    });

    await t.test('that has stalled', async () => {
      setControl(node, 'percentage_of_dropped_buffers', 100);
      assert.equal((await readOut(source)).code, 'camera.stalled');
      setControl(node, 'percentage_of_dropped_buffers', 0);
      assert.equal(await restart(source), undefined);
      await readFrames(source, 5);
    });

    await t.test('whose stream has failed for good', async () => {
      setControl(node, 'inject_fatal_streaming_error', 1);
      const reason = await readOut(source);
      assert.equal(reason.code, 'camera.broken');
      assert.match(reason.message, /EIO/);
      assert.equal(await restart(source), undefined);
      await readFrames(source, 5);
    });

    await t.test('or refuses once, and is asked again', async () => {
      setControl(node, 'inject_vidioc_streamon_error', 1);
      assert.equal((await restart(source))?.code, 'camera.refused');
      assert.equal(await restart(source), undefined);
      await readFrames(source, 3);
      setControl(node, 'inject_vidioc_qbuf_error', 1);
      assert.equal(await restart(source), undefined);
      await readFrames(source, 5);
    });

    assert.deepEqual(descriptorsOf(node), held);
    await t.test('but not once it is gone', async () => {
      await vivid.unplug(0);
      assert.equal((await readOut(source)).code, 'camera.unplugged');
      assert.equal((await restart(source))?.code, 'camera.unplugged');
    });
  });
}

test('the stream of a USB camera begins anew while it stays open', { skip }, async () => {
  const files = await stripes();
  await using usb = await plugUvcCamera({ files });
  for (const mode of [
    { format: 'YUYV', width: 320, height: 240 },
    { format: 'MJPG', width: 640, height: 480 },
  ]) {
    await using source = await open(usb.node(), mode);
    await readFrames(source, 3);
    for (let count = 0; count < 3; count += 1) {
      assert.equal(await restart(source), undefined);
      await readFrames(source, 3);
    }
    usb.hang();
    assert.equal((await readOut(source)).code, 'camera.stalled');
    usb.recover();
    await untilRestarted(source);
    await readFrames(source, 3);
  }
});

test('a USB camera whose cable is pulled is unplugged, whatever its driver says first', {
  skip,
}, async () => {
  for (let count = 0; count < 3; count += 1) {
    await using usb = await plugUvcCamera({ files: await stripes() });
    await using source = await open(usb.node(), { format: 'YUYV', width: 320, height: 240 });
    await readFrames(source, 2);
    const [reason] = await Promise.all([readOut(source), usb.unplug()]);
    assert.equal(reason.code, 'camera.unplugged', reason.message);
    assert.equal((await restart(source))?.code, 'camera.unplugged');
  }
});

/** Asks until the driver has got over what went unanswered. */
async function untilRestarted(source: FrameSource): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await restart(source)) !== undefined) assert.ok(performance.now() < deadline);
}
