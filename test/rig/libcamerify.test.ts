import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMosquitto } from '../support/mosquitto.ts';
import { startCameraDaemon } from './support/camera-daemon.ts';
import { command, settleDevices, skipOutsideRig } from './support/rig.ts';

/*
 * libcamera's cameras look like V4L2 cameras to a program that libcamerify starts: it preloads a
 * library whose open, ioctl and mmap go before libc's. vimc is the one camera libcamera has here.
 */

const skip = skipOutsideRig();

test('a libcamera camera is read through libcamerify, and again at another size', {
  skip,
}, async (t) => {
  command('modprobe', 'vimc');
  settleDevices();
  try {
    await using broker = await startMosquitto();
    await using daemon = await startCameraDaemon(broker, {
      id: 'libcamera',
      camera: { width: 320, height: 240, fps: 5 },
      through: ['libcamerify'],
    });
    const { camera } = await daemon.untilStreaming('BGR3', 0);
    // Without the preloaded library the node would be vimc's own, which gives nothing by itself.
    assert.match(camera.source, /Sensor B \(\/dev\/video\d+\) BGR3 /);
    const since = daemon.reconfigure({ width: 640, height: 480, fps: 5 });
    await daemon.untilHealth(
      'another size',
      since,
      (health) => health.camera.source !== camera.source,
    );
    await daemon.untilStreaming('BGR3', daemon.healths().length);
    const { source, reopens } = daemon.healths().at(-1)?.camera ?? {};
    t.diagnostic(`${camera.source}, then ${source}`);
    assert.ok(reopens !== undefined && reopens >= 1);
    assert.ok((await daemon.stop()).classified > 0);
  } finally {
    command('modprobe', '-r', 'vimc');
    settleDevices();
  }
});
