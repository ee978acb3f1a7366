import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentsOf, layoutOf, planStream } from '../../../src/camera/rpicam/layout.ts';
import { configSchema } from '../../../src/contract/config.ts';

const configOf = (camera: object) =>
  configSchema.parse({ camera: { source: 'rpicam', ...camera } }).camera;

for (const [need, size] of [
  [
    { width: 1, height: 1 },
    { width: 320, height: 240 },
  ],
  [
    { width: 224, height: 224 },
    { width: 320, height: 240 },
  ],
  [
    { width: 256, height: 256 },
    { width: 384, height: 288 },
  ],
  [
    { width: 640, height: 480 },
    { width: 640, height: 480 },
  ],
  [
    { width: 641, height: 480 },
    { width: 704, height: 528 },
  ],
  [
    { width: 1920, height: 1080 },
    { width: 1920, height: 1440 },
  ],
  [
    { width: 9000, height: 9000 },
    { width: 3840, height: 2160 },
  ],
] as const) {
  test(`for ${need.width}×${need.height} the least whole frame is ${size.width}×${size.height}`, () => {
    const plan = planStream(configOf({}), need);
    assert.ok(plan.ok);
    assert.deepEqual(plan.value, { size, fps: 30, camera: undefined });
  });
}

test('a size in the config is asked for as it is', () => {
  const plan = planStream(configOf({ width: 1000, height: 500, fps: 12.5, device: '1' }), {
    width: 1,
    height: 1,
  });
  assert.deepEqual(plan, {
    ok: true,
    value: { size: { width: 1000, height: 500 }, fps: 12.5, camera: 1 },
  });
});

test('a width or a height alone has the other one’s default beside it', () => {
  const sizeOf = (camera: object) => {
    const plan = planStream(configOf(camera), { width: 1, height: 1 });
    return plan.ok ? plan.value.size : assert.fail(plan.fault.message);
  };
  assert.deepEqual(sizeOf({ width: 800 }), { width: 800, height: 480 });
  assert.deepEqual(sizeOf({ height: 600 }), { width: 640, height: 600 });
});

for (const device of ['/dev/video0', '-1', '1.5', '100', 'imx219', ' 0']) {
  test(`‘${device}’ is no number of a camera`, () => {
    const plan = planStream(configOf({ device }), { width: 1, height: 1 });
    assert.ok(!plan.ok);
    assert.equal(plan.fault.code, 'camera.missing');
    assert.ok(plan.fault.message.includes(device));
  });
}

test('the command line has all that raw frames on a pipe need', () => {
  const plan = { size: { width: 320, height: 240 }, fps: 30, camera: 1 };
  assert.equal(
    argumentsOf(plan, '/dev/fd/3').join(' '),
    '--codec yuv420 --output - --flush --timeout 0 --nopreview --width 320 --height 240 --framerate 30 --verbose 2 --camera 1 --metadata /dev/fd/3 --metadata-format txt',
  );
  assert.ok(!argumentsOf({ ...plan, camera: undefined }, undefined).includes('--camera'));
});

const strideOf = (width: number, height: number, bytes: number | undefined): number => {
  const layout = layoutOf({ width, height }, 'bt601-full', bytes);
  assert.ok(layout.ok);
  return layout.value.geometry.stride;
};

for (const [name, stride] of [
  ['without padding', 2028],
  ['as on a Pi 4', 2048],
  ['as on a Pi 5', 2048],
  ['to 32', 2048],
  ['to 16', 2032],
] as const) {
  test(`the padding of rows follows from the bytes of a frame: ${name}`, () => {
    assert.equal(strideOf(2028, 1520, stride * 1520 * 1.5), stride);
  });
}

test('a Pi 5 pads 320 to 384, a Pi 4 not at all', () => {
  assert.equal(strideOf(320, 240, 384 * 240 * 1.5), 384);
  assert.equal(strideOf(320, 240, 320 * 240 * 1.5), 320);
  assert.equal(strideOf(320, 240, undefined), 320);
  assert.equal(strideOf(330, 240, undefined), 384);
});

test('what a driver allocates behind a frame is part of it on the pipe only', () => {
  const layout = layoutOf({ width: 960, height: 640 }, 'bt601-full', 960 * 640 * 1.5 + 4096);
  assert.ok(layout.ok);
  assert.equal(layout.value.geometry.stride, 960);
  assert.equal(layout.value.wireBytes, 960 * 640 * 1.5 + 4096);
});

test('fewer bytes than a frame has are a fault', () => {
  const layout = layoutOf({ width: 960, height: 640 }, 'bt601-full', 1000);
  assert.ok(!layout.ok);
  assert.equal(layout.fault.code, 'camera.unsupported');
});
