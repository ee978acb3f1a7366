import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createToolLog, parseLogLine } from '../../../src/camera/rpicam/log.ts';

const escapeCode = String.fromCharCode(27);

test('the granted stream is read, with its colours where libcamera says them', () => {
  assert.deepEqual(
    parseLogLine(
      '[0:59:13.693486258] [2767]  INFO Camera camera.cpp:1215 configuring streams: (0) 640x480-YUV420/sYCC (1) 2028x1520-BGGR_PISP_COMP1/RAW',
    ),
    { kind: 'stream', size: { width: 640, height: 480 }, color: 'bt601-full' },
  );
  assert.deepEqual(
    parseLogLine(
      '[6:52:17.512] [7603]  INFO Camera camera.cpp:1183 configuring streams: (0) 2304x1296-YUV420 (1) 2304x1296-SBGGR10_CSI2P',
    ),
    { kind: 'stream', size: { width: 2304, height: 1296 }, color: undefined },
  );
  for (const [name, color] of [
    ['Rec709', 'bt709'],
    ['SMPTE170M', 'bt601'],
    ['Rec2020', undefined],
  ]) {
    const line = `configuring streams: (0) 64x48-YUV420/${name}`;
    assert.deepEqual(parseLogLine(line), {
      kind: 'stream',
      size: { width: 64, height: 48 },
      color,
    });
  }
});

test('the bytes of a frame are read', () => {
  assert.deepEqual(parseLogLine('FileOutput: output buffer 0x7f8c2f4000 size 460800'), {
    kind: 'frame',
    bytes: 460_800,
  });
  assert.deepEqual(parseLogLine('Viewfinder frame 12'), { kind: 'frame', bytes: undefined });
});

for (const [code, line] of [
  ['camera.none', 'ERROR: *** no cameras available ***'],
  ['camera.missing', 'ERROR: *** selected camera is not available ***'],
  [
    'camera.busy',
    '[0:19:06.41] [2746]  INFO Camera camera.cpp:839 Pipeline handler in use by another process',
  ],
  [
    'camera.busy',
    'ERROR: *** failed to acquire camera /base/axi/pcie@120000/rp1/i2c@88000/imx708@1a ***',
  ],
  ['camera.memory', 'dmaHeap allocation failure for rpicam-apps0'],
  ['camera.memory', 'ERROR: *** failed to allocate capture buffers for stream ***'],
  [
    'camera.memory',
    `[23:50:08.5] [4304] ${escapeCode}[1;31mERROR ${escapeCode}[1;37mV4L2 ${escapeCode}[1;34mv4l2_videodevice.cpp:1241 ${escapeCode}[0;32m/dev/video0[12:cap]: ${escapeCode}[0mUnable to request 1 buffers: Cannot allocate memory`,
  ],
  ['camera.forbidden', 'Could not open any dmaHeap device'],
  [
    'camera.forbidden',
    '[0:00:01.0] [99] ERROR MediaDevice media_device.cpp:835 /dev/media0[]: Failed to open media device at /dev/media0: Permission denied',
  ],
  ['camera.unsupported', 'ERROR: the system appears to be configured for the legacy camera stack'],
  ['camera.unsupported', 'ERROR: rpicam-apps currently only supports the Raspberry Pi platforms.'],
  ['camera.unsupported', "ERROR: *** unrecognised option '--metadata-format' ***"],
] as const) {
  test(`${code}: ${line.slice(-60)}`, () => {
    const parsed = parseLogLine(line);
    assert.ok(parsed.kind === 'fault');
    assert.equal(parsed.fault.code, code);
    assert.match(parsed.fault.mend, /\.$/);
    assert.ok(!parsed.fault.message.includes(escapeCode));
  });
}

test('a sensor that times out is noted, and forgotten when a frame comes', () => {
  const log = createToolLog(() => {});
  log.write(
    '[4:58:27.9] [926]  WARN V4L2 v4l2_videodevice.cpp:2095 /dev/video4[29:cap]: Dequeue timer of 1000000.00us has expired!\n',
  );
  assert.equal(log.isTimedOut, true);
  log.noteFrame();
  assert.equal(log.isTimedOut, false);
  log.write('ERROR: Device timeout detected, attempting a restart!!!\n');
  assert.equal(log.isTimedOut, true);
});

test('the first fault is the cause of the others, and harmless once a frame has come', () => {
  const log = createToolLog(() => {});
  log.write('Could not open any dmaHeap device\nERROR: *** failed to allocate capture ');
  log.write('buffers for stream ***\n');
  assert.equal(log.fault?.code, 'camera.forbidden');
  log.noteFrame();
  assert.equal(log.fault, undefined);
});

test('the last words are the last error, without its surroundings', () => {
  const log = createToolLog(() => {});
  log.write('Mode selection for 640:480:12:P(30)\n');
  assert.equal(log.lastWords, 'Mode selection for 640:480:12:P(30)');
  log.write('[0:00:01.0] [99] ERROR RPI pipeline_base.cpp:900 Could not queue a buffer\n');
  log.write('something else\n');
  assert.equal(log.lastWords, 'Could not queue a buffer');
  log.write('ERROR: *** failed to start camera ***\nViewfinder frame 3\n');
  assert.equal(log.lastWords, 'failed to start camera');
});

test('the first bytes of a frame are told once', () => {
  let told = 0;
  const log = createToolLog(() => {
    told += 1;
  });
  for (const size of [100, 200]) log.write(`FileOutput: output buffer 0x1 size ${size}\n`);
  assert.equal(told, 1);
  assert.equal(log.frameBytes, 100);
});

test('a line without an end is not kept for ever', () => {
  const log = createToolLog(() => {});
  for (let piece = 0; piece < 100; piece += 1) log.write('x'.repeat(1000));
  log.write('\n');
  assert.ok(log.lastWords.length < 10_000);
});
