import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { startMosquitto } from '../support/mosquitto.ts';
import { startCameraDaemon } from './support/camera-daemon.ts';
import { skipOutsideRig } from './support/rig.ts';
import { loadVivid } from './support/vivid.ts';

const skip = skipOutsideRig();
const text = 'YUYV 320×180';
/** A user who is in no group that has to do with cameras. */
const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];

test('a camera is one daemon’s at a time: others say who has it or what they lack, and take over', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using vivid = await loadVivid();
  const device = vivid.nodes[0] ?? '';
  const camera = { device, format: 'YUYV', width: 320, height: 180, fps: 5 };
  await using first = await startCameraDaemon(broker, { id: 'first', camera });
  await first.untilStreaming(text, 0);

  await using second = await startCameraDaemon(broker, { id: 'second', camera });
  await using stranger = await startCameraDaemon(broker, {
    id: 'stranger',
    camera,
    through: asNobody,
  });
  const busy = (await second.untilFault('camera.busy', 0)).camera.fault;
  assert.match(busy?.message ?? '', new RegExp(`${device}.*\\(pid ${first.pid}\\)`));
  const forbidden = (await stranger.untilFault('camera.forbidden', 0)).camera.fault;
  assert.match(forbidden?.message ?? '', new RegExp(device));
  assert.match(forbidden?.mend ?? '', /group video\b/);
  // Asking for it again and again has not disturbed the one that has it.
  await first.untilMoreResults(3);
  assert.equal(first.healths().at(-1)?.camera.reopens, 0);

  await first.stop();
  await second.untilStreaming(text, 0);

  // What it may open it still cannot have; who has it is not for this user to know.
  const since = stranger.healths().length;
  chmodSync(device, 0o666);
  await stranger.untilFault('camera.busy', since);
  await second.stop();
  await stranger.untilStreaming(text, since);
  await stranger.stop();
});
