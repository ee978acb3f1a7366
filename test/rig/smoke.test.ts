import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../support/data.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startDaemon } from '../support/sightd.ts';
import { colourBars } from './support/bars.ts';
import { skipOutsideRig } from './support/rig.ts';
import { plugUvcCamera } from './support/uvc.ts';
import { capture, formatsOf } from './support/video-node.ts';
import { loadVivid } from './support/vivid.ts';

/* That the rig is what the other tests of this folder take it for. */

const skip = skipOutsideRig();

test('vivid is a webcam with packed, planar and grey formats, and comes back when replugged', {
  skip,
}, async () => {
  await using vivid = await loadVivid();
  const node = vivid.nodes[0] ?? '';
  const formats = formatsOf(node);
  const fourccs = formats.map(({ fourcc }) => fourcc);
  for (const fourcc of 'YUYV UYVY YU12 YV12 NV12 NV21 NV16 422P GREY Y16 RGB3 BGR3'.split(' ')) {
    assert.ok(fourccs.includes(fourcc), `${fourcc} in ${fourccs.join(' ')}`);
  }
  assert.ok(!fourccs.includes('MJPG'));
  const vga = formats
    .find(({ fourcc }) => fourcc === 'YUYV')
    ?.sizes.find(({ width }) => width === 640);
  assert.ok(vga !== undefined);
  await vivid.unplug(0);
  await vivid.replug(0);
  assert.equal(capture(node, { fourcc: 'GREY', width: 320, height: 180, frames: 1 }).length, 57600);
});

test('the USB camera delivers the files it is given, and colour bars', { skip }, async () => {
  const file = join(temporaryFolder(), 'grey.jpg');
  const grey = { width: 640, height: 480, channels: 3, background: '#808080' } as const;
  await sharp({ create: grey }).jpeg().toFile(file);
  await using camera = await plugUvcCamera({ files: [file] });
  assert.deepEqual(formatsOf(camera.node()), [
    { fourcc: 'MJPG', sizes: [{ width: 640, height: 480, rates: [30, 15] }] },
    { fourcc: 'YUYV', sizes: [{ width: 320, height: 240, rates: [30] }] },
  ]);
  const jpeg = capture(camera.node(), { fourcc: 'MJPG', width: 640, height: 480, frames: 1 });
  assert.deepEqual(
    (await sharp(jpeg).stats()).channels.map(({ mean }) => mean),
    [128, 128, 128],
  );

  await camera.unplug();
  await camera.replug();
  const yuyv = capture(camera.node(), { fourcc: 'YUYV', width: 320, height: 240, frames: 2 });
  assert.equal(yuyv.length, 2 * 320 * 240 * 2);
  // The middle of each bar in the first row: two pixels are Y, Cb, Y, Cr.
  const seen = colourBars.map((_, index) => [
    ...yuyv.subarray((index * 40 + 20) * 2).subarray(0, 4),
  ]);
  assert.deepEqual(
    seen,
    colourBars.map(({ ycbcr: [y, cb, cr] }) => [y, cb, y, cr]),
  );
});

test('the built daemon publishes to a broker in the machine, and stops cleanly', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const subscriber = await broker.subscribe('sightd/rig/#');
  const sightd = startDaemon({
    device: { id: 'rig' },
    camera: { source: 'scene', fps: 5, width: 320, height: 240 },
    mqtt: { url: broker.url },
  });
  await subscriber.until(({ topic }) => topic === 'sightd/rig/result');
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  await subscriber.close();
});
