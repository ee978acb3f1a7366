import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import {
  type HealthMessage,
  healthMessageSchema,
  type ResultMessage,
  resultMessageSchema,
} from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import { type Message, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { finalLedger, startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();

/** A picture that looks different whichever way it is turned. */
async function writePicture(folder: string): Promise<void> {
  const [width, height] = [1280, 960];
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 3;
      const isSky = y < height * 0.6;
      pixels[at] = isSky ? 120 : (x * 255) / width;
      pixels[at + 1] = isSky ? 170 : 120;
      pixels[at + 2] = isSky ? 230 : 40;
    }
  }
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  await image.png().toFile(join(folder, 'picture.png'));
}

test('SIGHUP applies another size, region and rotation, and a wrong config changes nothing', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const folder = temporaryFolder();
  await writePicture(folder);
  const path = join(temporaryFolder(), 'config.yaml');
  const configure = (camera: object): void =>
    writeFileSync(
      path,
      JSON.stringify({
        device: { id: 'porch' },
        camera: { source: 'replay', path: folder, loop: true, fps: 30, ...camera },
        publish: { resultsPerSecondMax: 0 },
        mqtt: { url: broker.url },
        health: { intervalSeconds: 1 },
      }),
    );
  configure({ width: 320, height: 240 });
  const subscriber = await broker.subscribe('sightd/porch/#');
  const sightd = startSightd(['run', '--config', path]);
  const isResult = ({ topic }: Message): boolean => topic.endsWith('/result');
  const resultOf = ({ payload }: Message): ResultMessage =>
    resultMessageSchema.parse(JSON.parse(payload));
  const scoresOf = ({ top }: ResultMessage): string =>
    [...top]
      .sort((a, b) => a.index - b.index)
      .map(({ score }) => score)
      .join();
  let reloads = 0;
  /** Reloads, and the first result whose scores satisfy the condition. */
  const reload = async (condition: (scores: string) => boolean): Promise<ResultMessage> => {
    const from = subscriber.messages.length;
    sightd.process.kill('SIGHUP');
    const found = await subscriber.until(
      (message) =>
        subscriber.messages.indexOf(message) >= from &&
        isResult(message) &&
        condition(scoresOf(resultOf(message))),
    );
    reloads += 1;
    return resultOf(found);
  };

  const upright = resultOf(await subscriber.until(isResult));
  const isOther = (scores: string): boolean => scores !== scoresOf(upright);
  configure({ width: 320, height: 240, rotate: 180 });
  const turned = await reload(isOther);
  configure({ width: 320, height: 240 });
  await reload((scores) => scores === scoresOf(upright));
  configure({ width: 320, height: 240, region: { x: 0, y: 0.6, width: 0.5, height: 0.4 } });
  const lower = await reload(isOther);
  assert.notEqual(scoresOf(lower), scoresOf(turned));
  // Sixteen times the bytes: the ring is made anew.
  configure({ width: 1280, height: 960 });
  const large = await reload((scores) => scores !== scoresOf(lower));
  configure({ width: 1280, height: 960, rotate: 45 });
  sightd.process.kill('SIGHUP');
  await sightd.untilLine('the config was not reloaded');
  const after = await subscriber.until(
    (message) => isResult(message) && resultOf(message).sequence > large.sequence + 20,
  );

  assert.equal(reloads, 4);
  assert.equal(resultOf(after).session, upright.session);
  const sequences = subscriber.messages
    .filter(isResult)
    .map((message) => resultOf(message).sequence);
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
  );
  const healths = subscriber.messages
    .filter(({ topic }) => topic.endsWith('/health'))
    .map(({ payload }) => healthMessageSchema.parse(JSON.parse(payload)));
  for (const { ledger } of healths) assert.equal(imbalanceOf(ledger), 0);
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  const ledger = finalLedger(sightd);
  assert.equal(ledger.inFlight, 0);
  assert.equal(imbalanceOf(ledger), 0);
  await subscriber.close();
});

test('another queue costs neither a thread nor a frame: the camera gets another ring', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const path = join(temporaryFolder(), 'config.yaml');
  const configure = (queue: object): void =>
    writeFileSync(
      path,
      JSON.stringify({
        device: { id: 'porch' },
        camera: { source: 'scene', width: 320, height: 240, fps: 30 },
        queue,
        publish: { resultsPerSecondMax: 0 },
        mqtt: { url: broker.url },
        health: { intervalSeconds: 1 },
      }),
    );
  configure({ slots: 6 });
  const subscriber = await broker.subscribe('sightd/porch/health');
  const sightd = startSightd(['run', '--config', path]);
  const threads = (): string[] => readdirSync(`/proc/${sightd.process.pid}/task`);
  /** The first health that tells of so many openings of the camera, and of frames classified after that. */
  const untilReopened = async (reopens: number): Promise<HealthMessage> => {
    let opened: HealthMessage | undefined;
    for (;;) {
      const from = subscriber.messages.length;
      const { payload } = await subscriber.until(
        (message) => subscriber.messages.indexOf(message) >= from,
      );
      const health = healthMessageSchema.parse(JSON.parse(payload));
      assert.equal(imbalanceOf(health.ledger), 0);
      if (health.camera.reopens < reopens) continue;
      opened ??= health;
      if (health.ledger.classified > opened.ledger.classified + 10) return health;
    }
  };

  await untilReopened(0);
  const before = threads();
  for (const [index, queue] of [
    { slots: 2 },
    { slots: 2, order: 'fifo' },
    { slots: 6 },
  ].entries()) {
    configure(queue);
    sightd.process.kill('SIGHUP');
    const { ledger } = await untilReopened(index + 1);
    assert.equal(ledger.failed, 0);
  }
  const after = threads();
  assert.deepEqual(
    before.filter((thread) => !after.includes(thread)),
    [],
  );
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  assert.equal(imbalanceOf(finalLedger(sightd)), 0);
  await subscriber.close();
});
