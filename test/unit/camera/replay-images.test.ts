import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { type Clock, type Micros, micros } from '../../../src/base/time.ts';
import { openImageReplay } from '../../../src/camera/replay-images.ts';
import type { FrameSource, Reading } from '../../../src/camera/source.ts';
import type { CameraConfig } from '../../../src/contract/camera-config.ts';
import { configSchema } from '../../../src/contract/config.ts';
import { frameBytesOf } from '../../../src/contract/frame.ts';

const root = mkdtempSync(join(tmpdir(), 'sightd-replay-'));
after(() => rmSync(root, { recursive: true }));

const { signal } = new AbortController();
let folders = 0;

type Rgb = readonly [number, number, number];

const png = (width: number, height: number, [r, g, b]: Rgb): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();

/** A folder with these files; a colour is an 8×6 picture of it. */
async function folderOf(files: Readonly<Record<string, Rgb | Buffer | string>>): Promise<string> {
  folders += 1;
  const folder = join(root, `${folders}`);
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    const isColour = Array.isArray(content);
    writeFileSync(
      join(folder, name),
      isColour ? await png(8, 6, content as unknown as Rgb) : (content as Buffer | string),
    );
  }
  return folder;
}

/** Time that passes only by sleeping. */
function createClock() {
  let now = 5_000_000;
  const clock: Clock = {
    now: (): Micros => micros(now),
    sleep: async (duration) => {
      now += duration * 1000;
    },
  };
  return clock;
}

function configOf(changes: Partial<CameraConfig> = {}): CameraConfig {
  const camera = { source: 'replay', path: '/x', width: 64, height: 48, pace: 'fast', ...changes };
  return configSchema.parse({ camera }).camera;
}

function open(folder: string, config = configOf(), clock: Clock = createClock()): FrameSource {
  const opened = openImageReplay(folder, config, clock);
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}

type Read = { readonly reading: Reading; readonly pixels: Uint8Array };

async function readFrom(source: FrameSource): Promise<Read> {
  const pixels = new Uint8Array(frameBytesOf(source.description.geometryMax));
  await source.due(signal);
  return { reading: await source.read(pixels, signal), pixels };
}

/** The first bytes of the next frames, until the end or so many. */
async function redsOf(source: FrameSource, framesMax: number): Promise<(number | string)[]> {
  const reds: (number | string)[] = [];
  for (let frame = 0; frame < framesMax; frame += 1) {
    const { reading, pixels } = await readFrom(source);
    if (reading.kind === 'ended') break;
    reds.push(reading.kind === 'frame' ? (pixels[0] ?? -1) : 'failed');
  }
  return reds;
}

test('pictures come in the order of their names, and then the end, for ever', async () => {
  const folder = await folderOf({ 'b.png': [2, 0, 0], 'a.PNG': [1, 0, 0], 'c.png': [3, 0, 0] });
  await using source = open(folder);
  assert.deepEqual(await redsOf(source, 10), [1, 2, 3]);
  assert.equal((await readFrom(source)).reading.kind, 'ended');
  assert.equal((await readFrom(source)).reading.kind, 'ended');
});

test('what is no picture by its name is left out', async () => {
  const folder = await folderOf({ 'a.png': [1, 0, 0], 'a.txt': 'no', png: 'no', 'b.png.part': '' });
  await using source = open(folder);
  assert.match(source.description.name, /^replay of 1 images in /);
  assert.deepEqual(await redsOf(source, 10), [1]);
});

test('a frame is the picture: its size, its pixels and its place in the replay', async () => {
  const folder = await folderOf({ 'a.png': [0, 0, 0], 'b.png': [10, 20, 30] });
  await using source = open(folder);
  await readFrom(source);
  const { reading, pixels } = await readFrom(source);
  assert.ok(reading.kind === 'frame');
  assert.deepEqual(reading.geometry, {
    format: 'RGB3',
    width: 8,
    height: 6,
    stride: 24,
    color: 'bt601',
  });
  assert.equal(reading.bytesUsed, 8 * 6 * 3);
  assert.equal(reading.driverSequence, 1);
  for (let at = 0; at < reading.bytesUsed; at += 3) {
    assert.deepEqual([...pixels.subarray(at, at + 3)], [10, 20, 30]);
  }
  assert.ok(pixels.subarray(reading.bytesUsed).every((byte) => byte === 0));
});

test('a larger picture is shrunk to fit, with its proportions; a smaller one is left as it is', async () => {
  const rows: readonly [width: number, height: number, into: readonly [number, number]][] = [
    [64, 48, [64, 48]],
    [640, 480, [64, 48]],
    [640, 64, [64, 6]],
    [64, 480, [6, 48]],
    [128, 128, [48, 48]],
    [65, 49, [64, 48]],
    [3, 2, [3, 2]],
  ];
  for (const [width, height, [fitWidth, fitHeight]] of rows) {
    const folder = await folderOf({ 'a.png': await png(width, height, [9, 9, 9]) });
    await using source = open(folder);
    const { reading } = await readFrom(source);
    assert.ok(reading.kind === 'frame');
    const { geometry } = reading;
    assert.ok(Math.abs(geometry.width - fitWidth) <= 1, `${width}×${height}: ${geometry.width}`);
    assert.ok(Math.abs(geometry.height - fitHeight) <= 1, `${width}×${height}: ${geometry.height}`);
    assert.ok(geometry.width <= 64 && geometry.height <= 48);
    assert.equal(reading.bytesUsed, geometry.width * geometry.height * 3);
  }
});

test('grey pictures and pictures with transparency become RGB', async () => {
  const colour = { r: 200, g: 200, b: 200, alpha: 0.5 };
  const clear = { create: { width: 4, height: 4, channels: 4, background: colour } } as const;
  const grey = sharp(await png(4, 4, [77, 77, 77])).grayscale();
  const folder = await folderOf({
    'a.png': await grey.toColourspace('b-w').png().toBuffer(),
    'b.png': await sharp(clear).png().toBuffer(),
  });
  await using source = open(folder);
  for (const value of [77, 100]) {
    const { reading, pixels } = await readFrom(source);
    assert.ok(reading.kind === 'frame');
    assert.equal(reading.bytesUsed, 4 * 4 * 3);
    const [r, g, b] = pixels;
    assert.ok(r === g && g === b && Math.abs((r ?? 0) - value) <= 1, `${r} ${g} ${b}`);
  }
});

test('a picture that lies on its side is put upright', async () => {
  const lying = await sharp(await png(8, 6, [1, 1, 1]))
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toBuffer();
  await using source = open(await folderOf({ 'a.jpg': lying }));
  const { reading } = await readFrom(source);
  assert.ok(reading.kind === 'frame');
  assert.deepEqual([reading.geometry.width, reading.geometry.height], [6, 8]);
});

test('a broken picture is one failed reading, and the next one is whole', async () => {
  const whole = await png(40, 40, [5, 6, 7]);
  const folder = await folderOf({
    'a.png': [1, 0, 0],
    'b.png': 'this is no picture',
    'c.png': whole.subarray(0, whole.length / 2),
    'd.png': '',
    'e.png': [2, 0, 0],
  });
  await using source = open(folder);
  assert.deepEqual(await redsOf(source, 10), [1, 'failed', 'failed', 'failed', 2]);
});

test('a failed reading names its file and may be followed by another', async () => {
  const folder = await folderOf({ 'a.png': 'this is no picture' });
  await using source = open(folder);
  const { reading } = await readFrom(source);
  assert.ok(reading.kind === 'failed');
  assert.equal(reading.fault.code, 'camera.frame-unreadable');
  assert.ok(reading.fault.message.includes(join(folder, 'a.png')));
  assert.equal(reading.fault.retryable, true);
  assert.equal((await readFrom(source)).reading.kind, 'ended');
});

test('a picture that vanishes after the replay began is a failed reading', async () => {
  const folder = await folderOf({ 'a.png': [1, 0, 0], 'b.png': [2, 0, 0], 'c.png': [3, 0, 0] });
  await using source = open(folder);
  rmSync(join(folder, 'b.png'));
  assert.deepEqual(await redsOf(source, 10), [1, 'failed', 3]);
});

test('a folder without a picture is a fault that names it', async () => {
  for (const folder of [await folderOf({}), await folderOf({ 'a.txt': 'no' })]) {
    const opened = openImageReplay(folder, configOf(), createClock());
    assert.ok(!opened.ok);
    assert.equal(opened.fault.code, 'camera.replay-empty');
    assert.ok(opened.fault.message.includes(folder));
  }
});

test('a folder that cannot be listed is a fault that names it', () => {
  const folder = join(root, 'none');
  const opened = openImageReplay(folder, configOf(), createClock());
  assert.ok(!opened.ok);
  assert.equal(opened.fault.code, 'camera.replay-unreadable');
  assert.ok(opened.fault.message.includes(folder));
});

test('a replay that loops begins again after its last picture, however often', async () => {
  const folder = await folderOf({ 'a.png': [1, 0, 0], 'b.png': [2, 0, 0] });
  await using source = open(folder, configOf({ loop: true }));
  assert.deepEqual(await redsOf(source, 7), [1, 2, 1, 2, 1, 2, 1]);
});

test('a single picture loops too', async () => {
  await using source = open(await folderOf({ 'a.png': [4, 0, 0] }), configOf({ loop: true }));
  assert.deepEqual(await redsOf(source, 3), [4, 4, 4]);
});

test("the driver's count goes on where the replay begins again", async () => {
  const folder = await folderOf({ 'a.png': [1, 0, 0], 'b.png': [2, 0, 0] });
  await using source = open(folder, configOf({ loop: true }));
  const counts: number[] = [];
  for (let frame = 0; frame < 5; frame += 1) {
    const { reading } = await readFrom(source);
    if (reading.kind === 'frame') counts.push(reading.driverSequence);
  }
  assert.deepEqual(counts, [0, 1, 2, 3, 4]);
});

test('a skipped picture is left out, and counted by the driver', async () => {
  const folder = await folderOf({
    'a.png': [1, 0, 0],
    'b.png': [2, 0, 0],
    'c.png': [3, 0, 0],
    'd.png': [4, 0, 0],
  });
  await using source = open(folder);
  await source.skip(new AbortController().signal);
  assert.deepEqual(await redsOf(source, 1), [2]);
  await source.skip(new AbortController().signal);
  const { reading, pixels } = await readFrom(source);
  assert.ok(reading.kind === 'frame');
  assert.equal(reading.driverSequence, 3);
  assert.equal(pixels[0], 4);
  await source.skip(new AbortController().signal);
  assert.equal((await readFrom(source)).reading.kind, 'ended');
});

test('skipping past the end of a loop begins it again', async () => {
  const folder = await folderOf({ 'a.png': [1, 0, 0], 'b.png': [2, 0, 0] });
  await using source = open(folder, configOf({ loop: true }));
  await source.skip(new AbortController().signal);
  await source.skip(new AbortController().signal);
  assert.deepEqual(await redsOf(source, 2), [1, 2]);
});

test('a fast replay loses nothing and never waits; one in real time keeps its rate', async () => {
  const files: Record<string, Rgb> = { 'a.png': [1, 0, 0], 'b.png': [2, 0, 0], 'c.png': [3, 0, 0] };
  const folder = await folderOf(files);
  for (const [pace, period] of [
    ['fast', 0],
    ['realtime', 100_000],
  ] as const) {
    const clock = createClock();
    await using source = open(folder, configOf({ pace, fps: 10 }), clock);
    assert.equal(source.description.lossless, pace === 'fast');
    for (let frame = 0; frame < 3; frame += 1) {
      const { reading } = await readFrom(source);
      assert.ok(reading.kind === 'frame');
      assert.equal(reading.capturedAt, 5_000_000 + frame * period);
    }
  }
});

test('a slot for the largest frame holds every picture', async () => {
  const folder = await folderOf({ 'a.png': await png(500, 400, [1, 2, 3]) });
  await using source = open(folder);
  const { geometryMax } = source.description;
  assert.deepEqual(geometryMax, {
    format: 'RGB3',
    width: 64,
    height: 48,
    stride: 192,
    color: 'bt601',
  });
  const { reading } = await readFrom(source);
  assert.ok(reading.kind === 'frame' && reading.bytesUsed <= frameBytesOf(geometryMax));
});

test('a replay may be closed before its first picture, in its middle and after its end', async () => {
  const folder = await folderOf({ 'a.png': [1, 0, 0], 'b.png': [2, 0, 0] });
  for (const frames of [0, 1, 5]) {
    const source = open(folder);
    await redsOf(source, frames);
    await source[Symbol.asyncDispose]();
  }
});
