import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../support/data.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { type CameraDaemon, startCameraDaemon } from './support/camera-daemon.ts';
import { skipOutsideRig } from './support/rig.ts';
import { plugUvcCamera } from './support/uvc.ts';
import { loadVivid } from './support/vivid.ts';

const skip = skipOutsideRig();
const formats = 'YUYV UYVY YVYU NV12 NV21 YU12 YV12 RGB3 BGR3 GREY'.split(' ');
const sizes = [
  { width: 640, height: 480 },
  { width: 1280, height: 720 },
];
/** Each format at each size, so that the frames grow and shrink from one to the next. */
const steps = formats.flatMap((format) => sizes.map((size) => ({ format, ...size, fps: 5 })));

async function goThrough(daemon: CameraDaemon, device: string): Promise<void> {
  const since = daemon.healths().length;
  for (const [index, step] of steps.entries()) {
    const before = index === 0 ? 0 : daemon.reconfigure({ device, ...step });
    await daemon.untilStreaming(`${step.format} ${step.width}×${step.height}`, before);
  }
  const last = await daemon.untilHealth(
    'it is well',
    daemon.healths().length,
    ({ state }) => state === 'ok',
  );
  assert.equal(last.camera.reopens, steps.length - 1);
  assert.ok(
    daemon
      .healths()
      .slice(since)
      .every(({ camera }) => camera.state !== 'waiting'),
  );
}

test('one daemon goes through every raw format and two sizes, multi-planar', { skip }, async () => {
  await using broker = await startMosquitto();
  await using vivid = await loadVivid({ isMultiplanar: true });
  const device = vivid.nodes[0] ?? '';
  const camera = { device, ...steps[0] };
  await using daemon = await startCameraDaemon(broker, { id: 'multi', camera });
  await goThrough(daemon, device);
  assert.ok((await daemon.stop()).classified >= steps.length);
});

test('one daemon goes through every raw format and two sizes, and those of a USB camera', {
  skip,
}, async (t) => {
  await using broker = await startMosquitto();
  await using vivid = await loadVivid();
  const device = vivid.nodes[0] ?? '';
  const camera = { device, ...steps[0] };
  await using daemon = await startCameraDaemon(broker, { id: 'single', camera });
  await t.test('raw formats, single-planar', () => goThrough(daemon, device));
  await t.test('MJPG, where a broken picture is a failed frame, and YUYV', async () => {
    await using usb = await plugUvcCamera({ files: await someFiles() });
    const mjpg = { device: usb.link, format: 'MJPG', width: 640, height: 480, fps: 15 };
    const said = daemon.lines.length;
    const since = daemon.reconfigure(mjpg);
    await daemon.untilStreaming('MJPG 640×480', since);
    await daemon.untilHealth('a failed frame', since, ({ ledger }) => ledger.failed > 0);
    await daemon.untilSaid('"code":"camera.frame-broken"', said);
    const yuyv = { device: usb.link, format: 'YUYV', width: 320, height: 240, fps: 15 };
    await daemon.untilStreaming('YUYV 320×240', daemon.reconfigure(yuyv));
    // Let go of the camera before it is unplugged.
    await daemon.untilStreaming('YUYV', daemon.reconfigure(camera));
  });
  assert.ok((await daemon.stop()).classified >= steps.length);
});

/** Three pictures, and one that is none. */
async function someFiles(): Promise<readonly string[]> {
  const folder = temporaryFolder();
  const grey = { width: 640, height: 480, channels: 3, background: '#808080' } as const;
  const jpeg = await sharp({ create: grey }).jpeg().toBuffer();
  const [whole, broken] = [join(folder, 'whole.jpg'), join(folder, 'broken.jpg')];
  writeFileSync(whole, jpeg);
  writeFileSync(broken, jpeg.subarray(200));
  return [whole, whole, whole, broken];
}
