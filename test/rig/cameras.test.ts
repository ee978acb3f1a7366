import assert from 'node:assert/strict';
import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../support/data.ts';
import { runSightd } from '../support/sightd.ts';
import { command, settleDevices, skipOutsideRig } from './support/rig.ts';
import { plugUvcCamera } from './support/uvc.ts';
import { setControl } from './support/video-node.ts';
import { loadVivid } from './support/vivid.ts';

/* What `sightd cameras` says of real drivers, to people and to programs. */

const skip = skipOutsideRig();

type Listed = {
  readonly path: string;
  readonly links: readonly string[];
  readonly driver: string;
  readonly card: string;
  readonly bus: string;
  readonly usable: boolean;
  readonly chosen: boolean;
  readonly formats: readonly { readonly fourcc: string; readonly sizes: readonly object[] }[];
  readonly controls: readonly { readonly name: string }[];
  readonly auto: object | null;
};
type Listing = {
  readonly cameras: readonly Listed[];
  readonly pictures: readonly { readonly camera: string; readonly file?: string }[];
  readonly obstacle: { readonly code: string } | null;
};

/** A camera's part of the text: from its name to the next empty line. */
const blockOf = (text: string, device: string): string =>
  text.split('\n\n').find((block) => block.includes(`device    ${device}\n`)) ?? '';

async function grey(): Promise<string> {
  const file = join(temporaryFolder(), 'grey.jpg');
  const create = { width: 640, height: 480, channels: 3, background: '#808080' } as const;
  await sharp({ create }).jpeg().toFile(file);
  return file;
}

test('no camera, and nodes that are only parts of one, are said to be none', { skip }, async () => {
  const none = await runSightd(['cameras', '--json']);
  assert.equal(none.code, 69);
  const { cameras, obstacle }: Listing = JSON.parse(none.output);
  assert.deepEqual([cameras, obstacle?.code], [[], 'camera.none']);
  command('modprobe', 'vimc');
  settleDevices();
  try {
    const { code, output } = await runSightd(['cameras', '--test']);
    assert.equal(code, 69);
    assert.match(output, /^vimc\n {2}device {4}\/dev\/video0\n/);
    assert.match(output, /^ {2}unusable {2}a part of a camera, to be set up with media-ctl first/m);
    assert.match(output, /^there is no camera\n {2}Plug one in/m);
    assert.doesNotMatch(output, /would take|no picture/);
  } finally {
    command('modprobe', '-r', 'vimc');
    settleDevices();
  }
});

test('a webcam and a USB camera are listed, and a picture is taken with each', {
  skip,
}, async (t) => {
  await using vivid = await loadVivid();
  const node = vivid.nodes[0] ?? '';
  await using usb = await plugUvcCamera({ files: [await grey()] });
  setControl(node, 'brightness', 100);
  setControl(node, 'osd_text_mode', 1);
  setControl(node, 'integer_32_bits', -3);
  setControl(node, 'integer_64_bits', 3_000_000_000);

  await t.test('as text', async () => {
    const { code, output } = await runSightd(['cameras']);
    assert.equal(code, 0);
    const byPath = '/dev/v4l/by-path/platform-vhci_hcd.0-usb-0:1:1.0-video-index0';
    assert.equal(
      blockOf(output, usb.node()),
      `Rig UVC Camera  ← auto would take this one
  device    ${usb.node()}
  by-id     ${usb.link}
  by-path   ${byPath}
  driver    uvcvideo at usb-vhci_hcd.0-1
  auto      YUYV 320×240: just above the 96×96 that the model looks at, reaches 30 frames per second
  formats   MJPG  640×480 at 30/15
            YUYV  320×240 at 30`,
    );
    const webcam = blockOf(output, node);
    assert.match(webcam, /^vivid\n/);
    assert.match(webcam, /^ {2}driver {4}vivid at platform:vivid-000$/m);
    assert.match(webcam, /^ {2}auto {6}NV12 320×180: just above the 96×96/m);
    assert.match(webcam, /^ {2}formats {3}YUYV UYVY YVYU YU12 YV12 NV12 NV21 GREY RGB3 BGR3$/m);
    assert.match(webcam, /^ {18}640×480 {3}at 25\/15\/12\.5\/10\/5\/4\/2\/1$/m);
    assert.match(webcam, /^ {12}not taken by sightd: VYUY 422P .* Y444$/m);
    assert.match(webcam, /^ {2}controls {2}brightness +100 +0 to 255, default 128$/m);
    assert.match(webcam, /^ {12}integer_32_bits +-3 +-2147483648 to 2147483647,$/m);
    assert.match(webcam, /^ {12}integer_64_bits +3000000000 -9223/m);
    assert.match(webcam, /^ {12}gain_automatic +true +default true$/m);
    assert.match(webcam, /^ {12}osd_text_mode +1 +0: All, 1: Counters Only,( 2: None,)?/m);
    assert.match(webcam, /^ {12}bitmask +0x80002000 bits of 0x80402010,$/m);
    const long = output.split('\n').filter((line) => line.length > 110);
    assert.deepEqual(long, []);
  });

  await t.test('as JSON, with pictures', async () => {
    const folder = join(temporaryFolder(), 'pictures');
    const args = ['cameras', '--json', '--test', '--output', folder];
    const { code, output, errors } = await runSightd(args);
    assert.equal(code, 0, `${output}\n${errors}`);
    const { cameras, pictures, obstacle }: Listing = JSON.parse(output);
    assert.equal(obstacle, null);
    const [first, second] = cameras;
    assert.ok(first !== undefined && second !== undefined && cameras.length === 2);
    assert.deepEqual(
      [first.path, first.card, first.driver, first.chosen, first.usable],
      [...[usb.node(), 'Rig UVC Camera', 'uvcvideo', true, true]],
    );
    assert.ok(first.links.every((link) => realpathSync(link) === first.path));
    assert.ok(first.links.includes(usb.link));
    assert.deepEqual([second.path, second.bus, second.chosen], [node, 'platform:vivid-000', false]);
    assert.deepEqual(first.formats[1]?.sizes, [
      { kind: 'discrete', width: 320, height: 240, rates: { fps: [30], isRange: false } },
    ]);
    const { value, minimum, maximum, step, defaultValue } = brightnessOf(second);
    assert.deepEqual([value, minimum, maximum, step, defaultValue], [100, 0, 255, 1, 128]);
    assert.deepEqual(
      pictures.map(({ camera }) => camera),
      [first.path, second.path],
    );
    for (const { file = '' } of pictures) {
      const { format, width, height } = await sharp(file).metadata();
      assert.deepEqual([format, width, height], ['jpeg', 640, 480]);
    }
    // The USB camera's own picture, and vivid's first bar.
    assert.deepEqual(await colourAt(pictures[0]?.file, 320, 240), [128, 128, 128]);
    const [red = 0, green = 0, blue = 0] = await colourAt(pictures[1]?.file, 40, 240);
    assert.ok(
      [red, green, blue].every((level) => level > 150),
      `${red} ${green} ${blue}`,
    );
  });
});

const brightnessOf = ({ controls }: Listed): Record<string, unknown> =>
  controls.find(({ name }) => name === 'brightness') ?? assert.fail();

async function colourAt(file: string | undefined, x: number, y: number): Promise<number[]> {
  assert.ok(file !== undefined && existsSync(file));
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const at = (y * info.width + x) * info.channels;
  return [...data.subarray(at, at + 3)];
}

test('HDMI grabbers, with sizes within a range and with none listed, are listed and take a picture', {
  skip,
}, async () => {
  const config = join(temporaryFolder(), 'config.yaml');
  writeFileSync(config, 'camera: { source: v4l2 }\n');
  for (const [input, formats, auto, size] of [
    ['hdmi-scaled', '16×16 to 16384×8640 by 2×2', '428×240', '854×480'],
    ['hdmi', '1280×720', '1280×720', '1024×576'],
  ] as const) {
    await using _vivid = await loadVivid({ input });
    const folder = temporaryFolder();
    const args = ['cameras', '--config', config, '--test', '--output', folder];
    const { code, output } = await runSightd(args);
    assert.equal(code, 0, output);
    assert.match(output, /^vivid {2}← v4l2 would take this one\n/);
    assert.ok(output.includes(`\n                  ${formats} at 60\n`), output);
    assert.match(
      output,
      new RegExp(`^ {2}auto {6}NV12 ${auto}: .*, reaches 30 frames per second$`, 'm'),
    );
    const { width, height } = await sharp(join(folder, 'camera-video10.jpg')).metadata();
    assert.equal(`${width}×${height}`, size);
  }
});
