import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse as parseCsv } from 'csv-parse/sync';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import { resultMessageSchema } from '../../src/contract/messages.ts';
import {
  type DataModel,
  dataFolder,
  skipWithoutData,
  temporaryFolder,
  writeManifest,
} from '../support/data.ts';
import { type Mosquitto, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { finalLedger, runSightd, startDaemon } from '../support/sightd.ts';

const skip = skipWithoutData() || skipWithoutMosquitto();
const images = join(dataFolder, 'images');
const labels = join(images, 'imagenet-sample.csv');

/** Least share of right answers; the reference preparation reaches 88.0, 87.6 and 84.4 %. */
const cases: readonly { model: DataModel; workers: number; least: number }[] = [
  { model: 'mobilenet-uint8', workers: 1, least: 85 },
  { model: 'mobilenet-float32', workers: 1, least: 84 },
  { model: 'shufflenet', workers: 1, least: 81 },
  { model: 'mobilenet-uint8', workers: 2, least: 85 },
];

for (const { model, workers, least } of cases) {
  const name = `a lossless replay publishes every picture once, in order, and right: ${model}, ${workers} workers`;
  test(name, { skip }, async () => {
    const folder = temporaryFolder();
    const manifest = writeManifest(model, folder);
    await using broker = await startMosquitto();
    const results = await replay(broker, manifest, workers);
    assert.equal(results.length, 250);
    const sequences = results.map((result) => result.sequence);
    assert.deepEqual(
      sequences,
      Array.from({ length: 250 }, (_, index) => index + 1),
    );
    const expected = classesInNameOrder();
    const right = results.filter((result, at) => result.top[0]?.index === expected[at]).length;
    assert.ok(right / 2.5 >= least, `${model}: ${right / 2.5} % are right`);
  });
}

async function replay(broker: Mosquitto, manifest: string, workers: number) {
  const subscriber = await broker.subscribe('sightd/replay/#');
  const sightd = startDaemon({
    device: { id: 'replay' },
    camera: { source: 'replay', path: join(images, 'imagenet-sample'), pace: 'fast' },
    model: { use: manifest },
    inference: { workers },
    mqtt: { url: broker.url },
  });
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  await subscriber.until(
    ({ topic, payload }) => topic.endsWith('/status') && payload.includes('stopped'),
  );
  await subscriber.close();
  const ledger = finalLedger(sightd);
  assert.equal(imbalanceOf(ledger), 0);
  assert.deepEqual([ledger.captured, ledger.classified, ledger.inFlight], [250, 250, 0]);
  return subscriber.messages
    .filter(({ topic }) => topic.endsWith('/result'))
    .map(({ payload }) => resultMessageSchema.parse(JSON.parse(payload)));
}

function classesInNameOrder(): number[] {
  const rows: { file: string; class_index: string }[] = parseCsv(readFileSync(labels), {
    columns: true,
  });
  return rows.sort((a, b) => (a.file < b.file ? -1 : 1)).map((row) => Number(row.class_index));
}

test('model eval agrees with what the daemon publishes', { skip }, async () => {
  const folder = temporaryFolder();
  const references: [DataModel, number][] = [
    ['mobilenet-uint8', 85],
    ['mobilenet-float32', 84],
    ['shufflenet', 81],
  ];
  for (const [model, least] of references) {
    const manifest = writeManifest(model, folder);
    const { code, output } = await runSightd([
      'model',
      'eval',
      manifest,
      '--images',
      images,
      '--labels',
      labels,
      '--json',
    ]);
    assert.equal(code, 0);
    const evaluation = JSON.parse(output) as { images: number; top1: number; top5: number };
    assert.equal(evaluation.images, 250);
    assert.ok(evaluation.top1 >= least, `${model}: top-1 ${evaluation.top1} %`);
    assert.ok(evaluation.top5 >= 95, `${model}: top-5 ${evaluation.top5} %`);
  }
});
