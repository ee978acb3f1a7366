import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse as parseCsv } from 'csv-parse/sync';
import { labelMessageSchema, resultMessageSchema } from '../../src/contract/messages.ts';
import { dataFolder, skipWithoutData, temporaryFolder, writeManifest } from '../support/data.ts';
import { skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { runSightd, startDaemon } from '../support/sightd.ts';

const skip = skipWithoutData() || skipWithoutMosquitto() || skipWithoutFfmpeg();
const video = join(dataFolder, 'video', 'one-by-one-person-detection.mp4');
const framesPerSecond = 10;
const threshold = 0.25;

function skipWithoutFfmpeg(): string | false {
  if (spawnSync('ffprobe', ['-version']).status === 0) return false;
  if (process.env['CI'] === 'true') throw new Error('ffmpeg is missing in CI');
  return 'needs ffmpeg';
}

type Second = { readonly second: number; readonly label: string; readonly isPartial: boolean };

test('the label follows people as they come and go in a video', { skip }, async () => {
  const truth = readTruth();
  const { labels, results } = await watchVideo();
  const settled = settledBySecond(labels, results.length);
  const judged = truth.filter((entry) => !entry.isPartial);
  const right = judged.filter((entry) => settled[entry.second] === entry.label).length;
  // Smoothing and the hold time may keep a label into the second in which it changes.
  assert.ok(right / judged.length >= 0.95, `${right} of ${judged.length} seconds are right`);
  assert.deepEqual(
    stretchesOf(settled.slice(0, truth.length)),
    stretchesOf(truth.map((entry) => entry.label)),
  );
});

test('a looping video stops at once, wherever its decoder is', { skip }, async () => {
  for (const delay of [50, 700, 1500]) {
    const sightd = startDaemon({
      camera: { source: 'replay', path: video, loop: true },
      mqtt: { url: 'mqtt://127.0.0.1:9' },
    });
    await sightd.untilLine('"msg":"running"');
    await new Promise((resolve) => setTimeout(resolve, delay));
    sightd.process.kill('SIGTERM');
    assert.deepEqual(await sightd.exited, { code: 0, signal: null }, sightd.lines.join('\n'));
  }
});

test('a file that is no video ends with 69', { skip }, async () => {
  const { code, errors } = await runSightd(['run'], {
    SIGHTD_CAMERA_SOURCE: 'replay',
    SIGHTD_CAMERA_PATH: video.replace(/\.mp4$/, '.labels.csv'),
  });
  assert.equal(code, 69, errors);
  assert.match(errors, /cannot read .* as a video/);
});

async function watchVideo() {
  const manifest = writeManifest('person', temporaryFolder());
  await using broker = await startMosquitto();
  const subscriber = await broker.subscribe('sightd/video/#');
  const sightd = startDaemon({
    device: { id: 'video' },
    camera: { source: 'replay', path: video, pace: 'fast' },
    model: { use: manifest },
    // Replayed fast, time passes fast too: the hold would outlast whole visits.
    label: { thresholds: { person: threshold }, holdSeconds: 0 },
    mqtt: { url: broker.url },
  });
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  await subscriber.until(
    ({ topic, payload }) => topic.endsWith('/status') && payload.includes('stopped'),
  );
  await subscriber.close();
  const of = (name: string) =>
    subscriber.messages
      .filter(({ topic }) => topic.endsWith(`/${name}`))
      .map(({ payload }) => JSON.parse(payload));
  return {
    labels: of('label').map((message) => labelMessageSchema.parse(message)),
    results: of('result').map((message) => resultMessageSchema.parse(message)),
  };
}

function readTruth(): Second[] {
  const text = readFileSync(video.replace(/\.mp4$/, '.labels.csv'));
  const rows: { second: string; label: string; partial: string }[] = parseCsv(text, {
    columns: true,
  });
  return rows.map((row) => ({
    second: Number(row.second),
    label: row.label,
    isPartial: row.partial === '1',
  }));
}

/** The settled label in the middle of each second of the video. */
function settledBySecond(
  changes: readonly { label: string | null; sequence: number }[],
  frames: number,
): (string | null)[] {
  const seconds = Math.ceil(frames / framesPerSecond);
  return Array.from({ length: seconds }, (_, second) => {
    const sequence = second * framesPerSecond + framesPerSecond / 2;
    return changes.filter((change) => change.sequence <= sequence).at(-1)?.label ?? null;
  });
}

/** The order of labels without their lengths. */
function stretchesOf(labels: readonly (string | null)[]): (string | null)[] {
  return labels.filter((label, at) => label !== labels[at - 1]);
}
