import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import type { DeviceCheckup } from '../../src/contract/doctor.ts';
import { end, startMosquitto } from '../support/mosquitto.ts';
import { startCameraDaemon } from './support/camera-daemon.ts';
import { askDoctor, withoutModel, writeConfig } from './support/doctor.ts';
import { skipOutsideRig, until } from './support/rig.ts';
import { loadVivid } from './support/vivid.ts';

/* What `sightd doctor` says of a real camera. */

const skip = skipOutsideRig();
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
/** May open cameras, and does not see what other users' processes have open. */
const member = ['setpriv', '--reuid=65534', '--regid=65534', '--groups=video'];

test('a camera that is free, forbidden, or in use by another program', { skip }, async () => {
  await using vivid = await loadVivid();
  const device = vivid.nodes[0] ?? '';
  const file = writeConfig({ ...withoutModel, camera: { source: 'v4l2', device } });
  const ask = (through: readonly string[]): DeviceCheckup =>
    askDoctor({ file, part: 'camera', unit: 'sightd.service', through });

  const free = ask([]);
  assert.equal(free.state, 'ok', free.message);
  assert.match(free.message, /vivid.*: a frame came$/);

  const forbidden = ask(nobody);
  assert.equal(forbidden.state, 'fail');
  assert.match(forbidden.message, /this user may not open the camera/);
  assert.match(forbidden.mend ?? '', /usermod -aG video/);

  const other = spawn('v4l2-ctl', ['-d', device, '--stream-mmap', '--stream-count=0'], {
    stdio: 'ignore',
  });
  const busy = await until('v4l2-ctl streams', () => {
    const found = ask([]);
    return found.state === 'fail' ? found : undefined;
  });
  assert.match(busy.message, /in use, by v4l2-ctl \(pid \d+\)/);
  await end(other);
});

test('a camera that the daemon has is left to it', { skip }, async () => {
  await using broker = await startMosquitto();
  await using vivid = await loadVivid();
  const device = vivid.nodes[0] ?? '';
  const camera = { device, format: 'YUYV', width: 320, height: 180, fps: 5 };
  const file = writeConfig({ ...withoutModel, camera: { source: 'v4l2', ...camera } });
  const ask = (through: readonly string[]): DeviceCheckup =>
    askDoctor({ file, part: 'camera', unit: 'sightd.service', through });
  await using daemon = await startCameraDaemon(broker, { id: 'held', camera });
  await daemon.untilStreaming('YUYV 320×180', 0);

  const held = ask([]);
  const words = `vivid at ${device}: in use by sightd (pid ${daemon.pid})`;
  assert.deepEqual([held.state, held.message], ['ok', words]);
  const hidden = ask(member);
  assert.equal(hidden.state, 'warn', hidden.message);
  assert.match(hidden.message, /left to the sightd that runs/);
  await daemon.untilMoreResults(1);
  assert.equal(daemon.healths().at(-1)?.camera.reopens, 0);
  await daemon.stop();
});
