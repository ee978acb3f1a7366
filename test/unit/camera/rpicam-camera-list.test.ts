import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCameraList } from '../../../src/camera/rpicam/camera-list.ts';

test('cameras, their sensors and their modes are read from a list of Bookworm', () => {
  const cameras = parseCameraList(`Available cameras
-----------------
0 : imx708_wide [4608x2592 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]

1 : imx219 [3280x2464 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@80000/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
           'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]

`);
  assert.deepEqual(cameras, [
    {
      index: 0,
      sensor: 'imx708_wide',
      size: { width: 4608, height: 2592 },
      path: '/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a',
      modes: [
        { format: 'SRGGB10_CSI2P', width: 1536, height: 864, fps: 120.13 },
        { format: 'SRGGB10_CSI2P', width: 2304, height: 1296, fps: 56.03 },
        { format: 'SRGGB10_CSI2P', width: 4608, height: 2592, fps: 14.35 },
      ],
    },
    {
      index: 1,
      sensor: 'imx219',
      size: { width: 3280, height: 2464 },
      path: '/base/axi/pcie@120000/rp1/i2c@80000/imx219@10',
      modes: [
        { format: 'SRGGB10_CSI2P', width: 640, height: 480, fps: 206.65 },
        { format: 'SRGGB10_CSI2P', width: 1640, height: 1232, fps: 41.85 },
        { format: 'SRGGB8', width: 640, height: 480, fps: 206.65 },
      ],
    },
  ]);
});

test('lists of 2022 are read, with and without rates, and modes side by side', () => {
  const [first, second] = parseCameraList(`Available cameras
-----------------
0 : imx477 [4056x3040] (/base/soc/i2c0mux/i2c@1/imx477@1a)
    Modes: 'SRGGB10_CSI2P' : 1332x990 (120.00 fps)
           'SRGGB12_CSI2P' : 2028x1080 (50.00 fps), 2028x1520 (40.00 fps), 4056x3040 (10.00 fps)
1 : ov5647 [2592x1944] (/base/soc/i2c0mux/i2c@0/ov5647@36)
    Modes: 'SGBRG10_CSI2P' : 640x480 1296x972 2592x1944
`);
  assert.deepEqual(
    first?.modes.map(({ width, fps }) => [width, fps]),
    [
      [1332, 120],
      [2028, 50],
      [2028, 40],
      [4056, 10],
    ],
  );
  assert.deepEqual(
    second?.modes.map(({ width, height, fps }) => [width, height, fps]),
    [
      [640, 480, undefined],
      [1296, 972, undefined],
      [2592, 1944, undefined],
    ],
  );
});

test('the controls of a verbose list are no modes', () => {
  const [camera, ...others] =
    parseCameraList(`0 : imx708 [4608x2592] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]

    Available controls for 4608x2592 SRGGB10_CSI2P mode:
    ----------------------------------------------------
    AfWindows : [(0, 0)/0x0..(65535, 65535)/65535x65535]
    ScalerCrop : [(0, 0)/64x64..(0, 0)/4608x2592]
`);
  assert.equal(camera?.modes.length, 1);
  assert.deepEqual(others, []);
});

test('a camera in use is listed without its modes, and a monochrome one with what it says', () => {
  const cameras =
    parseCameraList(`0 : ov9281 [1280x800 10-bit MONO] (/base/soc/i2c0mux/i2c@1/ov9281@60)
    Modes: 
1 : imx296 (/base/soc/i2c0mux/i2c@0/imx296@1a)
`);
  assert.deepEqual(
    cameras.map(({ sensor, size, modes }) => [sensor, size, modes.length]),
    [
      ['ov9281', { width: 1280, height: 800 }, 0],
      ['imx296', undefined, 0],
    ],
  );
});

test('without cameras, or with something else, the list is empty', () => {
  assert.deepEqual(parseCameraList('No cameras available!\n'), []);
  assert.deepEqual(parseCameraList(''), []);
  assert.deepEqual(parseCameraList("Modes: 'X' : 1x1\n0 : broken"), []);
});
