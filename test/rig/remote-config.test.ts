import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReportedMessage, reportedMessageSchema } from '../../src/contract/messages.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { startCameraDaemon } from './support/camera-daemon.ts';
import { command, skipOutsideRig } from './support/rig.ts';
import { loadVivid } from './support/vivid.ts';

const skip = skipOutsideRig();

test('changes from afar of a real camera: what it cannot do is rolled back, and frames flow again', {
  skip,
}, async (t) => {
  await using broker = await startMosquitto();
  await using vivid = await loadVivid();
  const device = vivid.nodes[0] ?? '';
  const own = { device, width: 320, height: 180, format: 'YUYV' };
  await using daemon = await startCameraDaemon(broker, { id: 'porch', camera: own });
  const subscriber = await broker.subscribe('sightd/porch/config/reported');
  const desire = (version: number, camera: object): void => {
    const topic = ['-t', 'sightd/porch/config/desired'];
    const payload = ['-m', JSON.stringify({ version, config: { camera } })];
    command(
      'mosquitto_pub',
      '-h',
      '127.0.0.1',
      '-p',
      String(broker.port),
      '-q',
      '1',
      '-r',
      ...topic,
      ...payload,
    );
  };
  const verdict = async (
    version: number,
    state: ReportedMessage['state'],
  ): Promise<ReportedMessage> => {
    const { payload } = await subscriber.until(
      (message) =>
        message.topic.endsWith('/reported') &&
        message.payload.includes(`"version":${version},"state":"${state}"`),
    );
    return reportedMessageSchema.parse(JSON.parse(payload));
  };
  await daemon.untilStreaming('YUYV 320×180', 0);

  await t.test('a good one', async () => {
    const since = daemon.healths().length;
    desire(1, { width: 640, height: 360 });
    await daemon.untilStreaming('YUYV 640×360', since);
    assert.equal((await verdict(1, 'applied')).lastKnownGood, 1);
  });
  await t.test('a format that the camera does not have', async () => {
    const since = daemon.healths().length;
    desire(2, { width: 640, height: 360, format: 'MJPG' });
    await daemon.untilFault('camera.format-unavailable', since);
    const back = await verdict(2, 'rolled-back');
    assert.match(back.errors[0]?.message ?? '', /degraded, not ok, .* back to version 1/);
    assert.equal((back.config['camera'] as { format: string }).format, 'YUYV');
    await daemon.untilStreaming('YUYV 640×360', daemon.healths().length);
  });
  await t.test('a camera that is not there', async () => {
    const since = daemon.healths().length;
    desire(3, { device: '/dev/video99' });
    await daemon.untilFault('camera.missing', since);
    await verdict(3, 'rolled-back');
    await daemon.untilStreaming('YUYV 640×360', daemon.healths().length);
  });
  await t.test('a size that it cannot do: the nearest is taken, and said', async () => {
    const since = daemon.healths().length;
    desire(4, { width: 500, height: 300 });
    await daemon.untilStreaming('YUYV 640×360', since);
    await verdict(4, 'applied');
  });
  await daemon.untilMoreResults(2);
  await subscriber.close();
  t.diagnostic(JSON.stringify(await daemon.stop()));
});
