import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../support/data.ts';
import { type Installation, installRpicam, usual } from '../support/rpicam.ts';
import { runSightd } from '../support/sightd.ts';

/* `sightd cameras` with a CSI camera; test/rig has V4L2 ones. */

/** What makes the answer another one where the machine has a camera of its own. */
const hasCamera = readdirSync('/dev').some((name) => /^video\d/.test(name));

/** Runs `sightd cameras` with stand-ins for rpicam-apps, and nothing else but Node, on the PATH. */
async function runCameras(
  installation: Partial<Installation>,
  camera: object,
  args: readonly string[],
) {
  const folder = temporaryFolder();
  const config = join(folder, 'config.yaml');
  writeFileSync(config, JSON.stringify({ camera: { source: 'rpicam', ...camera } }));
  using _installed = installRpicam({ ...usual, ...installation });
  const node = mkdtempSync(join(folder, 'node-'));
  symlinkSync(process.execPath, join(node, 'node'));
  const PATH = `${process.env['PATH']}:${node}`;
  return runSightd(['cameras', '--config', config, ...args], { PATH });
}

test('a CSI camera is listed with its modes, and what would be asked of it', async () => {
  const { code, output, errors } = await runCameras({}, { fps: 25 }, []);
  assert.equal(code, 0, errors);
  const csi = output.slice(output.indexOf('imx219'));
  assert.equal(
    csi,
    `imx219  ← rpicam would take this one
  CSI       camera 0 (source: rpicam, device: "0")
  at        /base/soc/i2c0mux/i2c@1/imx219@10
  auto      YU12 320×240 at 25
  sensor    SRGGB10_CSI2P 640×480 at 206.65
            SRGGB10_CSI2P 3280×2464 at 21.19
`,
  );
});

test('a CSI camera is listed as JSON', async () => {
  const { code, output } = await runCameras({}, {}, ['--json']);
  assert.equal(code, 0);
  const { rpicams, pictures, obstacle } = JSON.parse(output);
  assert.deepEqual(rpicams, [
    {
      source: 'rpicam',
      index: 0,
      sensor: 'imx219',
      size: { width: 3280, height: 2464 },
      path: '/base/soc/i2c0mux/i2c@1/imx219@10',
      modes: [
        { format: 'SRGGB10_CSI2P', width: 640, height: 480, fps: 206.65 },
        { format: 'SRGGB10_CSI2P', width: 3280, height: 2464, fps: 21.19 },
      ],
      chosen: true,
      auto: { fourcc: 'YU12', width: 320, height: 240 },
    },
  ]);
  assert.deepEqual([pictures, obstacle], [[], null]);
});

test('auto takes the CSI camera where there is no other', {
  skip: hasCamera && 'this machine has a V4L2 camera',
}, async () => {
  const { code, output } = await runCameras({}, { source: 'auto' }, []);
  assert.equal(code, 0);
  assert.match(output, /^imx219 {2}← auto would take this one\n/);
});

test('--test writes a picture of the CSI camera as a JPEG', async () => {
  const folder = join(temporaryFolder(), 'pictures');
  const args = ['--test', '--output', folder];
  const text = await runCameras({}, {}, args);
  const file = join(folder, 'camera-csi0.jpg');
  assert.match(text.errors, /taking a picture with CSI camera 0$/m);
  assert.ok(text.output.endsWith(`\nCSI camera 0: wrote ${file}\n`), text.output);
  if (!hasCamera) assert.equal(text.code, 0);
  const { format, width, height } = await sharp(file).metadata();
  assert.deepEqual({ format, width, height }, { format: 'jpeg', width: 640, height: 480 });
  const json = await runCameras({}, {}, [...args, '--json']);
  const { pictures } = JSON.parse(json.output);
  assert.deepEqual(pictures.at(-1), { camera: '0', file });
});

test('a camera that gives no picture is said to, and the exit code is 69', async () => {
  const folder = temporaryFolder();
  const args = ['--test', '--output', folder];
  const busy = { behaviour: 'busy' };
  const text = await runCameras(busy, {}, args);
  assert.equal(text.code, 69);
  const words =
    'CSI camera 0: no picture: another program uses the Raspberry Pi camera\n  Stop the';
  assert.ok(text.output.includes(words), text.output);
  assert.ok(!existsSync(join(folder, 'camera-csi0.jpg')));
  const json = await runCameras(busy, {}, [...args, '--json']);
  assert.equal(json.code, 69);
  const [picture] = JSON.parse(json.output).pictures.slice(-1);
  assert.deepEqual(
    [picture.camera, picture.fault.code, picture.file],
    ['0', 'camera.busy', undefined],
  );
});

for (const [what, installation, camera, words] of [
  ['no camera', { behaviour: 'no-cameras' }, {}, /^no Raspberry Pi camera is connected\n {2}\S/m],
  ['no such camera', {}, { device: '1' }, /^there is no Raspberry Pi camera 1\n {2}\S/m],
  ['no rpicam-apps', { names: [] }, {}, /^a Raspberry Pi camera needs .*\n {2}Install it/m],
  ['the legacy camera stack', { behaviour: 'legacy' }, {}, /legacy camera stack.*\n {2}Turn the/],
  [
    'the legacy camera stack, and auto',
    { behaviour: 'legacy' },
    { source: 'auto' },
    /legacy camera stack.*\n {2}Turn the/,
  ],
] as const) {
  test(`${what}: the reason and its mend are said`, {
    skip: hasCamera && 'this machine has a V4L2 camera',
  }, async () => {
    const { code, output, errors } = await runCameras(installation, camera, []);
    assert.equal(errors, '');
    assert.match(output, words);
    assert.equal(code, 69, output);
  });
}
