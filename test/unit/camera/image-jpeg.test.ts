import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { decodeJpeg, encodeJpeg } from '../../../src/camera/image.ts';

const channels = 3;

/** A picture that becomes brighter to the right in red and downwards in green. */
const levelAt = (x: number, y: number, channel: number, width: number, height: number): number =>
  channel === 0 ? (200 * x) / width + 20 : channel === 1 ? (200 * y) / height + 20 : 128;

function pictureOf(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return levelAt(
      (pixel % width) + 0.5,
      Math.floor(pixel / width) + 0.5,
      i % channels,
      width,
      height,
    );
  });
}

/** How far a decoded picture is at most from the one that was encoded, in red, green and blue. */
function errorsOf(pixels: Uint8Array, width: number, height: number): readonly number[] {
  const exact = pictureOf(width, height);
  const errors = pixels.map((level, i) => Math.abs(level - (exact[i] ?? 0)));
  return [0, 1, 2].map((channel) =>
    errors.reduce((most, error, i) => (i % channels === channel ? Math.max(most, error) : most), 0),
  );
}

async function encoded(width: number, height: number, quality: number): Promise<Uint8Array> {
  const outcome = await encodeJpeg(pictureOf(width, height), width, height, quality);
  return outcome.ok ? outcome.value : assert.fail(outcome.fault.message);
}

const jpegOf = (width: number, height: number): Promise<Uint8Array> => encoded(width, height, 95);

async function decoded(jpeg: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const outcome = await decodeJpeg(jpeg, width, height);
  return outcome.ok ? outcome.value : assert.fail(outcome.fault.message);
}

async function assertBroken(jpeg: Uint8Array, what: string): Promise<void> {
  const outcome = await decodeJpeg(jpeg, 64, 48);
  assert.ok(!outcome.ok, `${what} cannot be decoded`);
  assert.equal(outcome.fault.code, 'camera.frame-broken', what);
  assert.ok(outcome.fault.retryable, what);
  assert.doesNotMatch(outcome.fault.message, /\n/, what);
}

/** A JPEG cut into its segments, the last one with all of the picture. */
function segmentsOf(jpeg: Uint8Array): readonly { marker: number; bytes: Uint8Array }[] {
  const segments = [{ marker: 0xd8, bytes: jpeg.subarray(0, 2) }];
  for (let at = 2; at < jpeg.length; ) {
    const marker = jpeg[at + 1] ?? assert.fail('a marker');
    const length = 2 + (jpeg[at + 2] ?? 0) * 256 + (jpeg[at + 3] ?? 0);
    const end = marker === 0xda ? jpeg.length : at + length;
    segments.push({ marker, bytes: jpeg.subarray(at, end) });
    at = end;
  }
  return segments;
}

describe("a camera's JPEG", () => {
  for (const [width, height] of [
    [640, 480],
    [101, 67],
    [33, 8],
    [9, 250],
    [1, 1],
  ] as const) {
    for (const by of [1, 2, 4, 8]) {
      const [wide, high] = [Math.ceil(width / by), Math.ceil(height / by)];
      it(`of ${width}×${height} becomes ${wide}×${high}: the whole picture, and its colours`, async () => {
        const pixels = await decoded(await jpegOf(width, height), wide, high);
        assert.equal(pixels.length, wide * high * channels);
        // One pixel of the smallest pictures spans many levels, at the edges not all of them;
        // blue stays the same but for what pixels that share their chroma take from each other.
        const limits = [6 + 100 / wide, 6 + 100 / high, 12];
        for (const [channel, error] of errorsOf(pixels, wide, high).entries()) {
          assert.ok(error <= (limits[channel] ?? 0), `${error} levels in channel ${channel}`);
        }
      });
    }
  }

  it('is the same bytes whether its memory is shared or not', async () => {
    const jpeg = await jpegOf(64, 48);
    const shared = new Uint8Array(new SharedArrayBuffer(jpeg.length));
    shared.set(jpeg);
    assert.deepEqual(await decoded(shared, 64, 48), await decoded(jpeg, 64, 48));
  });

  it('becomes R G B when it has no colour', async () => {
    const gray = Uint8Array.from({ length: 64 * 48 }, (_, i) => 3 * (i % 64));
    const jpeg = await sharp(gray, { raw: { width: 64, height: 48, channels: 1 } })
      .toColourspace('b-w')
      .jpeg({ quality: 95 })
      .toBuffer();
    assert.equal((await sharp(jpeg).metadata()).channels, 1);
    const pixels = await decoded(jpeg, 64, 48);
    assert.equal(pixels.length, 64 * 48 * channels);
    for (let i = 0; i < pixels.length; i += channels) {
      const [red = -1, green = -1, blue = -1] = pixels.subarray(i, i + channels);
      assert.ok(red === green && green === blue, `pixel ${i / channels} is gray`);
      assert.ok(Math.abs(red - (gray[i / channels] ?? 0)) <= 4, `pixel ${i / channels}`);
    }
  });

  it('may leave out the usual Huffman tables, as motion JPEG of USB cameras does', async () => {
    const jpeg = await sharp(pictureOf(64, 48), { raw: { width: 64, height: 48, channels } })
      .jpeg({ optimiseCoding: false })
      .toBuffer();
    const parts = segmentsOf(jpeg);
    const without = parts.filter(({ marker }) => marker !== 0xc4);
    assert.ok(without.length < parts.length);
    const bare = Buffer.concat(without.map(({ bytes }) => bytes));
    assert.deepEqual(await decoded(bare, 64, 48), await decoded(jpeg, 64, 48));
  });

  it('may have zeros behind its end, to fill a buffer', async () => {
    const jpeg = await jpegOf(64, 48);
    const filled = Buffer.concat([jpeg, new Uint8Array(3000)]);
    assert.deepEqual(await decoded(filled, 64, 48), await decoded(jpeg, 64, 48));
  });
});

describe('a JPEG that cannot be used', () => {
  it('is one that is not all there, wherever it ends', async () => {
    const jpeg = await jpegOf(64, 48);
    const step = Math.ceil(jpeg.length / 40);
    for (let length = 0; length < jpeg.length; length += step) {
      await assertBroken(jpeg.subarray(0, length), `the first ${length} bytes`);
    }
    await assertBroken(jpeg.subarray(0, jpeg.length - 1), 'all but the last byte');
  });

  it('is one whose headers are damaged', async () => {
    const jpeg = await jpegOf(64, 48);
    let at = 0;
    for (const { marker, bytes } of segmentsOf(jpeg)) {
      const isTable = marker === 0xdb || marker === 0xc4 || marker === 0xc0;
      const damaged = Uint8Array.from(jpeg);
      // Its length says nothing.
      if (isTable) damaged.fill(0, at + 2, at + 4);
      if (isTable) await assertBroken(damaged, `segment ${marker.toString(16)}`);
      at += bytes.length;
    }
    assert.equal(at, jpeg.length);
  });

  it('is one that is something else altogether', async () => {
    await assertBroken(new Uint8Array(0), 'an empty buffer');
    await assertBroken(new Uint8Array(5000), 'zeros');
    await assertBroken(new TextEncoder().encode('not a picture'), 'text');
  });
});

describe('an encoded picture', () => {
  it('is a JPEG of its size', async () => {
    const jpeg = await encoded(37, 21, 80);
    const { format, width, height } = await sharp(jpeg).metadata();
    assert.deepEqual([format, width, height], ['jpeg', 37, 21]);
  });

  it('is a fault where the pixels are not as many as said', async () => {
    const outcome = await encodeJpeg(pictureOf(8, 8), 64, 48, 80);
    assert.ok(!outcome.ok);
    assert.equal(outcome.fault.code, 'camera.picture');
  });

  it('comes back as it was, the nearer the higher the quality', async () => {
    const reencoded = async (quality: number): Promise<Uint8Array> =>
      decoded(await encoded(64, 48, quality), 64, 48);
    const errorAt = async (quality: number): Promise<number> =>
      Math.max(...errorsOf(await reencoded(quality), 64, 48));
    const [coarse, fine] = [await errorAt(20), await errorAt(98)];
    assert.ok(fine <= 4, `${fine} levels at the highest quality`);
    assert.ok(fine < coarse, `${fine} and ${coarse} levels`);
  });
});
