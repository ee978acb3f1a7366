import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthMessage, healthMessageSchema } from '../../src/contract/messages.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { command, skipOutsideRig, until } from './support/rig.ts';
import { openUnit } from './support/unit.ts';
import { loadVivid } from './support/vivid.ts';

const skip = skipOutsideRig();

type Camera = HealthMessage['camera'];
const isHealth = ({ topic }: { topic: string }): boolean => topic === 'sightd/rig/health';

test('the first camera that the machine ever sees is read in the sandbox, though it came after the start', {
  skip,
}, async (t) => {
  // No driver is there, and so no group of devices to be allowed. The unit sees to that.
  command('bash', '-c', 'modprobe -r vivid uvcvideo; modprobe -r videodev; true');
  await using broker = await startMosquitto();
  await using subscriber = await broker.subscribe('sightd/rig/#');
  await using unit = openUnit();
  unit.configure({
    device: { id: 'rig' },
    camera: { source: 'v4l2', device: '/dev/video10', width: 320, height: 180 },
    mqtt: { url: broker.url },
    health: { intervalSeconds: 1, frameDeadlineSeconds: 60, stopSeconds: 30 },
  });
  unit.start();
  const untilCamera = (what: string, isIt: (camera: Camera) => boolean) =>
    unit.explained(() =>
      until(what, () => {
        const payload = subscriber.messages.findLast(isHealth)?.payload;
        if (payload === undefined) return undefined;
        return isIt(healthMessageSchema.parse(JSON.parse(payload)).camera) || undefined;
      }),
    );
  await untilCamera('no camera', ({ fault }) => fault?.code === 'camera.missing');
  await using vivid = await loadVivid();
  await untilCamera('streaming', ({ state }) => state === 'streaming');
  await subscriber.until(({ topic }) => topic === 'sightd/rig/result');

  await t.test('no other device is to be opened', () => {
    const group = unit.show('ControlGroup');
    // A shell in the unit's control group, as root and without its other walls.
    const open = (path: string): string =>
      command(
        'bash',
        '-c',
        `echo $$ >/sys/fs/cgroup${group}/cgroup.procs; { : <>${path}; } 2>&1 && echo open; true`,
      );
    assert.match(open('/dev/video10'), /^open$/m);
    assert.match(open('/dev/null'), /^open$/m);
    assert.match(open('/dev/vda'), /Operation not permitted/);
    assert.match(open('/dev/kmsg'), /Operation not permitted/);
  });
  await t.test('cameras are units of systemd', async () => {
    await until('dev-video10.device', () =>
      command('systemctl', 'show', '-P', 'ActiveState', 'dev-video10.device').trim() === 'active'
        ? true
        : undefined,
    );
  });
  unit.stop();
  assert.equal(unit.show('Result'), 'success');
  assert.equal(unit.show('NRestarts'), '0');
  assert.equal(vivid.nodes[0], '/dev/video10');
});
