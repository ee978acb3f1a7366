import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { millis, systemClock } from '../../src/base/time.ts';
import { copyPlane, planCopy } from '../../src/camera/v4l2/copy-plan.ts';
import { type CaptureDevice, openCaptureDevice } from '../../src/camera/v4l2/device.ts';
import type { CaptureFormat } from '../../src/camera/v4l2/formats.ts';
import { listFormats, listModes } from '../../src/camera/v4l2/modes.ts';
import { negotiate } from '../../src/camera/v4l2/negotiate.ts';
import { createRecord } from '../../src/camera/v4l2/record.ts';
import { openV4l2Source } from '../../src/camera/v4l2/source.ts';
import { type DriverFrame, startStream } from '../../src/camera/v4l2/stream.ts';
import { v4l2FormatMplane, v4l2PlanePixFormat } from '../../src/camera/v4l2/structs.ts';
import { cameraSchema } from '../../src/contract/camera-config.ts';
import {
  type FrameGeometry,
  type FrameSize,
  type PixelFormat,
  pixelFormats,
  wholeFrame,
} from '../../src/contract/frame.ts';
import { noPulse } from '../../src/ring/pulse.ts';
import { temporaryFolder } from '../support/data.ts';
import { inputOf, type Room, roomOf } from '../support/kernel-room.ts';
import { skipOutsideRig, until } from './support/rig.ts';
import { plugUvcCamera } from './support/uvc.ts';
import { setControl } from './support/video-node.ts';
import { loadVivid } from './support/vivid.ts';

/* What vivid draws, from its driver through our source and the tensor kernel, in every format. */

const skip = skipOutsideRig();
const size = { width: 640, height: 480 };
/** Eight pixels a bar. */
const input = inputOf({ width: 64, height: 48, resize: { rule: 'squash' } });
const levelErrorMax = 3;
const never = new AbortController().signal;

type Rgb = readonly [red: number, green: number, blue: number];
/** Which of red, green and blue each bar has, from the left. */
const bars: readonly Rgb[] = [
  [1, 1, 1],
  [1, 1, 0],
  [0, 1, 1],
  [0, 1, 0],
  [1, 0, 1],
  [1, 0, 0],
  [0, 0, 1],
  [0, 0, 0],
];

/** Values of vivid's menus. The pale bars stay within what every encoding can carry: no clamping. */
const pictures = { bars75: { menu: 0, off: 0 }, paleBars: { menu: 2, off: 50 } };
const on = 191;
const colorspaces = { rec709: 1, srgb: 2 };
const encodings = { default: 0, bt601: 1, bt709: 2 };
const ranges = { default: 0, full: 1, limited: 2 };

type Drawing = {
  readonly picture: keyof typeof pictures;
  readonly colorspace: keyof typeof colorspaces;
  readonly encoding: keyof typeof encodings;
  readonly range: keyof typeof ranges;
};
const drawings: readonly Drawing[] = [
  { picture: 'paleBars', colorspace: 'srgb', encoding: 'bt601', range: 'limited' },
  { picture: 'paleBars', colorspace: 'srgb', encoding: 'bt601', range: 'full' },
  { picture: 'paleBars', colorspace: 'srgb', encoding: 'bt709', range: 'limited' },
  { picture: 'paleBars', colorspace: 'srgb', encoding: 'bt709', range: 'full' },
  // What the encoding and the range are is then for the client to know.
  { picture: 'bars75', colorspace: 'rec709', encoding: 'default', range: 'default' },
  { picture: 'bars75', colorspace: 'srgb', encoding: 'default', range: 'default' },
];

function draw(node: string, { picture, colorspace, encoding, range }: Drawing): void {
  const noText = 2;
  setControl(node, 'osd_text_mode', noText);
  setControl(node, 'test_pattern', pictures[picture].menu);
  setControl(node, 'colorspace', colorspaces[colorspace]);
  setControl(node, 'y_cbcr_encoding', encodings[encoding]);
  setControl(node, 'quantization', ranges[range]);
}

/** What the middle of each bar must be; grey formats carry luma by BT.709's parts. */
function expectedOf(format: PixelFormat, { picture }: Drawing): readonly Rgb[] {
  const { off } = pictures[picture];
  return bars.map(([r, g, b]) => {
    const [red, green, blue] = [r, g, b].map((has) => (has === 1 ? on : off)) as [
      number,
      number,
      number,
    ];
    const luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    return format === 'GREY' ? [luma, luma, luma] : [red, green, blue];
  });
}

function assertBars(
  room: Room,
  expected: readonly Rgb[],
  context: string,
  rows = input.height,
): void {
  const { tensor } = room.kernel;
  const barWidth = input.width / bars.length;
  expected.forEach((levels, bar) => {
    for (let row = 0; row < rows; row += 1) {
      const at = (row * input.width + bar * barWidth + barWidth / 2) * 3;
      const seen = tensor.subarray(at, at + 3);
      const isRight = levels.every(
        (level, channel) => Math.abs(level - (seen[channel] ?? Number.NaN)) <= levelErrorMax,
      );
      if (!isRight) assert.fail(`${context}: bar ${bar}, row ${row} is ${seen} and not ${levels}`);
    }
  });
}

/** One frame through the source that the daemon has, prepared. */
async function prepareFrame(
  node: string,
  format: CaptureFormat,
  frame: FrameSize,
): Promise<{ readonly room: Room; readonly geometry: FrameGeometry }> {
  const config = cameraSchema.parse({ source: 'v4l2', format, ...frame, fps: 25 });
  const request = { config, need: frame, frameDeadline: millis(10_000), frozenAfter: undefined };
  const opened = await openV4l2Source(node, request, { clock: systemClock, pulse: noPulse });
  assert.ok(opened.ok, `${format}: ${JSON.stringify(opened)}`);
  await using source = opened.value;
  const geometry = source.description.geometryMax;
  const room = roomOf([geometry], input, wholeFrame);
  await source.due(never);
  const reading = await source.read(room.frame, never);
  assert.equal(reading.kind, 'frame', `${format}: ${JSON.stringify(reading)}`);
  room.kernel.prepare(geometry, room.frameOffset);
  return { room, geometry };
}

for (const isMultiplanar of [false, true]) {
  const planes = isMultiplanar ? 'multi' : 'single';
  test(`colour bars keep their colours in every format, encoding and range, ${planes}-planar`, {
    skip,
  }, async () => {
    await using vivid = await loadVivid({ isMultiplanar });
    const node = vivid.nodes[0] ?? '';
    for (const drawing of drawings) {
      draw(node, drawing);
      for (const format of pixelFormats) {
        // The pipeline takes RGB as it is: full range.
        if (drawing.range === 'limited' && ['RGB3', 'BGR3'].includes(format)) continue;
        const { room, geometry } = await prepareFrame(node, format, size);
        assert.deepEqual([geometry.format, geometry.width, geometry.height], [format, 640, 480]);
        assertBars(room, expectedOf(format, drawing), `${format} ${JSON.stringify(drawing)}`);
      }
    }
  });
}

/** One frame in a format that cannot be asked for by the config, or with rows further apart. */
async function checkPlanes(device: CaptureDevice, fourcc: string): Promise<number> {
  const mode = listModes(device, listFormats(device), { size, need: size }).find(
    (one) => one.fourcc === fourcc && one.width === size.width && one.height === size.height,
  );
  assert.ok(mode !== undefined && mode.format !== 'MJPG', `${fourcc} is offered`);
  const granted = negotiate(device, mode, 25);
  assert.ok(granted.ok, `${fourcc}: ${JSON.stringify(granted)}`);
  const plan = planCopy(mode.format, granted.value, device.path);
  assert.ok(plan.ok);
  const { geometry, planes } = plan.value;
  const started = startStream(device, granted.value);
  assert.ok(started.ok, `${fourcc}: ${JSON.stringify(started)}`);
  using stream = started.value;
  const room = roomOf([geometry], input, wholeFrame);
  const frame = await until(`a frame of ${fourcc}`, (): DriverFrame | undefined => {
    const dequeued = stream.dequeue();
    return dequeued.kind === 'frame' ? dequeued.frame : undefined;
  });
  assert.equal(frame.planes.length, planes.length);
  planes.forEach((plane, index) => {
    const source = frame.planes[index] ?? new Uint8Array(0);
    assert.ok(source.length >= plane.bytesLeast, `${fourcc}: plane ${index} is whole`);
    copyPlane(room.frame, source, plane);
  });
  stream.giveBack(frame);
  room.kernel.prepare(geometry, room.frameOffset);
  const drawing = drawings[0];
  assert.ok(drawing !== undefined);
  assertBars(room, expectedOf(mode.format, drawing), `${fourcc} ${geometry.stride}`);
  return geometry.stride;
}

/** The device, but asked for rows with so many bytes behind them. */
function padded(device: CaptureDevice, bytesPerLine: readonly number[]): CaptureDevice {
  return {
    ...device,
    request: (name, argument) => {
      if (name === 'VIDIOC_S_FMT' && !(argument instanceof Uint8Array)) {
        bytesPerLine.forEach((bytes, index) => {
          const at = v4l2FormatMplane.fields.plane_fmt.offset + index * v4l2PlanePixFormat.bytes;
          const plane = createRecord(v4l2PlanePixFormat, argument.bytes.subarray(at));
          (device.isMultiplanar ? plane : argument).set('bytesperline', bytes);
        });
      }
      return device.request(name, argument);
    },
  };
}

test('colour bars keep their colours with planes in buffers of their own and padded rows', {
  skip,
}, async () => {
  for (const isMultiplanar of [false, true]) {
    await using vivid = await loadVivid({ isMultiplanar });
    const node = vivid.nodes[0] ?? '';
    draw(node, drawings[0] as Drawing);
    const opened = openCaptureDevice(node);
    assert.ok(opened.ok);
    using device = opened.value;
    for (const fourcc of ['YUYV', 'NV12', 'NV21', 'YU12', 'YV12', 'GREY']) {
      const bytes = fourcc === 'YUYV' ? 1280 : 640;
      assert.equal(await checkPlanes(padded(device, [bytes + 64]), fourcc), bytes + 64, fourcc);
    }
    if (!isMultiplanar) continue;
    for (const fourcc of ['NM12', 'NM21', 'YM12', 'YM21']) {
      assert.equal(await checkPlanes(device, fourcc), 640, fourcc);
      const hasPairs = fourcc.startsWith('N');
      const chroma = hasPairs ? [704] : [352, 352];
      assert.equal(await checkPlanes(padded(device, [704, ...chroma]), fourcc), 704, fourcc);
      // Rows of chroma further apart than those of luma would have it.
      const apart = hasPairs ? [768] : [384, 400];
      assert.equal(await checkPlanes(padded(device, [704, ...apart]), fourcc), 704, fourcc);
    }
  }
});

test('colour bars keep their colours from a USB camera, in YUYV and in MJPG', {
  skip,
}, async () => {
  const file = join(temporaryFolder(), 'bars.jpg');
  const rgb = Buffer.from(
    Array.from({ length: size.width * size.height }, (_, pixel) => {
      const bar = Math.floor(((pixel % size.width) * bars.length) / size.width);
      return (bars[bar] ?? []).map((has) => has * on);
    }).flat(),
  );
  await sharp(rgb, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toFile(file);
  await using camera = await plugUvcCamera({ files: [file] });
  const expected = bars.map((levels) => levels.map((has) => has * on) as [number, number, number]);
  const mjpg = await prepareFrame(camera.node(), 'MJPG', size);
  assertBars(mjpg.room, expected, 'MJPG');
  const yuyv = await prepareFrame(camera.node(), 'YUYV', { width: 320, height: 240 });
  // The last eight rows of its picture are not bars.
  assertBars(yuyv.room, expected, 'YUYV', input.height - 3);
});
