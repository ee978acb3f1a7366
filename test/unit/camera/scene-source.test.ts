import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../../../src/base/time.ts';
import { openSceneSource } from '../../../src/camera/scene-source.ts';
import { cameraSchema } from '../../../src/contract/camera-config.ts';
import { frameBytesOf } from '../../../src/contract/frame.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const config = cameraSchema.parse({ source: 'scene', width: 160, height: 120 });
const never = new AbortController().signal;

/** Opens the scene, looks at it at these seconds, and closes it. */
async function look(at: readonly number[], seed = 1): Promise<Buffer[]> {
  const clock = createManualClock();
  const opened = openSceneSource({ ...config, seed }, clock);
  assert.ok(opened.ok);
  await using source = opened.value;
  const pictures: Buffer[] = [];
  let now = 0;
  for (const second of at) {
    clock.advance(seconds(second - now));
    now = second;
    const target = new Uint8Array(frameBytesOf(source.description.geometryMax));
    await source.read(target, never);
    pictures.push(Buffer.from(target));
  }
  return pictures;
}

test('a scene that is opened again begins anew, and takes no more memory', async () => {
  const times = [0, 4, 7.5, 61];
  const fresh = await look(times);
  await look([0], 2);
  const other = await look([0, 100, 200], 2);
  assert.notDeepEqual(other[0], fresh[0]);
  await look([33, 95]);
  assert.deepEqual(await look(times), fresh);
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 100; count += 1) await look([0]);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 8e6, `${grown} bytes`);
});

test('two that are open at once do not disturb each other', async () => {
  const clock = createManualClock();
  const open = () => {
    const opened = openSceneSource(config, clock);
    assert.ok(opened.ok);
    return opened.value;
  };
  await using one = open();
  await using two = open();
  const target = () => new Uint8Array(frameBytesOf(one.description.geometryMax));
  const [first, second] = [target(), target()];
  await one.read(first, never);
  await two.read(second, never);
  assert.deepEqual(first, second);
});
