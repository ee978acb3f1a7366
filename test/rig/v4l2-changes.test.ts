import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMosquitto } from '../support/mosquitto.ts';
import { startCameraDaemon } from './support/camera-daemon.ts';
import { skipOutsideRig } from './support/rig.ts';
import { controlOf } from './support/video-node.ts';
import { loadVivid } from './support/vivid.ts';

const skip = skipOutsideRig();

test('one daemon takes sizes within a range from an HDMI grabber, and sets its controls anew', {
  skip,
}, async (t) => {
  await using broker = await startMosquitto();
  await using vivid = await loadVivid({ input: 'hdmi-scaled' });
  const device = vivid.nodes[0] ?? '';
  await using daemon = await startCameraDaemon(broker, { id: 'hdmi', camera: { device } });
  let reopens = 0;
  /** Reads another config, until its frames are classified. */
  const change = async (camera: object, text: string): Promise<void> => {
    const since = daemon.reconfigure({ device, ...camera });
    reopens += 1;
    await daemon.untilHealth(text, since, (health) => health.camera.reopens === reopens);
    await daemon.untilStreaming(text, since);
    await daemon.untilMoreResults(2);
  };
  const shown = () => ({
    brightness: controlOf(device, 'brightness'),
    pattern: controlOf(device, 'test_pattern'),
    flip: controlOf(device, 'horizontal_flip'),
  });

  await t.test(
    'sizes: of its proportions, the one that is named, one that is rounded',
    async () => {
      await daemon.untilStreaming('NV12 428×240 at 60 fps', 0);
      await change({ width: 800, height: 600 }, 'NV12 800×600');
      await change({ width: 334, height: 250, format: 'YUYV' }, 'YUYV 334×250');
    },
  );
  await t.test('controls: numbers, menus by name, switches, and one after the other', async () => {
    assert.deepEqual(shown(), { brightness: 128, pattern: 0, flip: 0 });
    const controls = { brightness: 77, test_pattern: 'Gray Ramp', horizontal_flip: true };
    await change({ controls }, 'NV12 428×240');
    assert.deepEqual(shown(), { brightness: 77, pattern: 20, flip: 1 });
    await change({ controls: { brightness: 200 } }, 'NV12 428×240');
    // What the config no longer names stays as it is.
    assert.deepEqual(shown(), { brightness: 200, pattern: 20, flip: 1 });
  });
  await t.test('controls: what cannot be set is said, and the others are set', async () => {
    const before = daemon.lines.length;
    await change({ controls: { brightness: 256, contrst: 1, hue: -5 } }, 'NV12 428×240');
    assert.equal(controlOf(device, 'hue'), -5);
    assert.equal(shown().brightness, 200);
    for (const text of [
      'camera.controls.brightness: 256 is not one of its values',
      'camera.controls.contrst: vivid has no such control',
      'Did you mean contrast?',
    ]) {
      await daemon.untilSaid(text, before);
    }
  });
  // One process and one session, whose frames are all accounted for.
  const ledger = await daemon.stop();
  assert.ok(ledger.classified >= 2 * reopens, JSON.stringify(ledger));
  t.diagnostic(JSON.stringify(ledger));
});
