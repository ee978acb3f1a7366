import { createWriteStream, type WriteStream, writeFileSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { movingPicture } from './rpicam-picture.ts';

/*
 * Stands in for rpicam-vid: the same command line, the same lines on stderr, the same bytes on stdout.
 * RPICAM_BEHAVIOUR is a list of `name` or `name:number`, joined by commas:
 *
 *   pad:N               rows of luma padded to multiples of N bytes (64, as on a Pi 4)
 *   tail:N              N bytes of nothing behind each frame
 *   grant:WxH           another size than the one that was asked for
 *   quiet               does not say how many bytes a frame has
 *   no-metadata         opens the file for metadata, and writes nothing there
 *   lose-after:N        the sensor captures two frames in vain after N
 *   backlog:N           the first N frames at once, as when nobody has read for a while
 *   strange-clock       sensor times of another clock
 *   stall-after:N       N frames, then nothing; `timeouts` has libcamera complain about it
 *   end-after:N         N frames, then the end; exit-after:N with an error
 *   half-frame-after:N  N frames, half a one, then the end
 *   never-start         writes nothing at all
 *   stubborn            heeds neither SIGINT nor SIGTERM
 *   no-cameras busy cma forbidden legacy old   fails at the start, as rpicam-vid does
 */

// What it is called among the processes.
process.title = 'rpicam-vid';

const { values } = parseArgs({
  options: {
    codec: { type: 'string', default: 'h264' },
    output: { type: 'string', short: 'o' },
    timeout: { type: 'string', short: 't', default: '5sec' },
    nopreview: { type: 'boolean', short: 'n' },
    width: { type: 'string', default: '0' },
    height: { type: 'string', default: '0' },
    framerate: { type: 'string', default: '-1' },
    camera: { type: 'string', default: '0' },
    flush: { type: 'boolean' },
    verbose: { type: 'string', short: 'v', default: '1' },
    metadata: { type: 'string' },
    'metadata-format': { type: 'string', default: 'json' },
    'list-cameras': { type: 'boolean' },
  },
});

const behaviour = new Map(
  (process.env['RPICAM_BEHAVIOUR'] ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => [part.split(':')[0] ?? '', part.split(':')[1] ?? '']),
);
const numberOf = (name: string): number =>
  behaviour.has(name) ? Number(behaviour.get(name)) : Number.POSITIVE_INFINITY;

const { RPICAM_PID_FILE: pidFile, RPICAM_STOPPED_FILE: stoppedFile } = process.env;
if (pidFile !== undefined) writeFileSync(pidFile, String(process.pid));

const say = (line: string): void => void writeSync(2, `${line}\n`);
const clock = (): string => {
  const nanoseconds = process.hrtime.bigint();
  const minutes = Number(nanoseconds / 60_000_000_000n) % 60;
  const seconds = Number(nanoseconds % 60_000_000_000n) / 1e9;
  return `[0:${String(minutes).padStart(2, '0')}:${seconds.toFixed(9)}] [${process.pid}]`;
};
/** As libcamera writes its log. */
const log = (level: string, category: string, place: string, text: string): void =>
  say(`${clock()} ${level.padStart(5)} ${category} ${place} ${text}`);
function fail(reason: string): never {
  say(`ERROR: *** ${reason} ***`);
  process.exit(255);
}

/** When the sensor took its first frame. */
let started: bigint | undefined;

const id = '/base/soc/i2c0mux/i2c@1/imx219@10';

if (values['list-cameras'] === true) listCameras();
else await record();

function listCameras(): void {
  if (behaviour.has('no-cameras')) {
    process.stdout.write('No cameras available!\n');
    return;
  }
  if (behaviour.has('legacy')) {
    say('ERROR: the system appears to be configured for the legacy camera stack');
    process.exit(255);
  }
  process.stdout.write(
    `Available cameras
-----------------
0 : imx219 [3280x2464 10-bit RGGB] (${id})
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             3280x2464 [21.19 fps - (0, 0)/3280x2464 crop]

`,
  );
}

function failAtStart(): void {
  if (behaviour.has('legacy')) {
    say('ERROR: the system appears to be configured for the legacy camera stack');
    process.exit(255);
  }
  if (behaviour.has('old')) fail("unrecognised option '--metadata-format'");
  if (behaviour.has('forbidden')) say('Could not open any dmaHeap device');
  log('INFO', 'Camera', 'camera_manager.cpp:326', 'libcamera v0.5.1+100-e53bdf1f');
  if (behaviour.has('no-cameras')) fail('no cameras available');
  if (Number(values.camera) > 0) fail('selected camera is not available');
  if (behaviour.has('busy')) {
    log('INFO', 'Camera', 'camera.cpp:1033', 'Pipeline handler in use by another process');
    fail(`failed to acquire camera ${id}`);
  }
  if (behaviour.has('forbidden')) fail('failed to allocate capture buffers for stream');
}

async function record(): Promise<void> {
  failAtStart();
  if (values.codec !== 'yuv420' || values.output !== '-') fail('this stand-in writes yuv420 to -');
  if (values.timeout !== '0' || values.nopreview !== true)
    fail('this stand-in never stops by itself');
  const [width, height] = (behaviour.get('grant') ?? `${values.width}x${values.height}`)
    .split('x')
    .map(Number) as [number, number];
  const mode = '(1) 1640x1232-SBGGR10_CSI2P/RAW';
  say('Mode selection for 640:480:12:P(30)');
  say('    SRGGB10_CSI2P,1640x1232/41.8515 - Score: 1000');
  log(
    'INFO',
    'Camera',
    'camera.cpp:1215',
    `configuring streams: (0) ${width}x${height}-YUV420/sYCC ${mode}`,
  );
  if (behaviour.has('cma')) {
    say('dmaHeap allocation failure for rpicam-apps0');
    fail('failed to allocate capture buffers for stream');
  }
  const step = behaviour.has('pad') ? numberOf('pad') : 64;
  const picture = movingPicture({ width, height }, step * Math.ceil(width / step));
  const tail = behaviour.has('tail') ? numberOf('tail') : 0;
  const metadata =
    values.metadata === undefined ? undefined : createWriteStream(values.metadata, { flags: 'w' });
  if (metadata !== undefined && values['metadata-format'] !== 'txt')
    fail('this stand-in writes txt');
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
  };
  process.on('SIGINT', behaviour.has('stubborn') ? () => {} : interrupt);
  if (behaviour.has('stubborn')) process.on('SIGTERM', () => {});
  // Whoever reads has gone: rpicam-vid's output thread throws, which ends the program.
  process.stdout.on('error', () => process.exit(134));

  const period = 1000 / Number(values.framerate);
  const last = Math.min(
    numberOf('stall-after'),
    numberOf('end-after'),
    numberOf('exit-after'),
    numberOf('half-frame-after'),
    behaviour.has('never-start') ? 0 : Number.POSITIVE_INFINITY,
  );
  let captured = 0;
  for (let frame = 0; frame < last; frame += 1) {
    const periods = frame === numberOf('lose-after') ? 3 : 1;
    const isQueued = behaviour.has('backlog') && frame < numberOf('backlog');
    await new Promise((resolve) => setTimeout(resolve, isQueued ? 0 : periods * period));
    // As there, a signal is noticed at the next frame only.
    if (isInterrupted) return farewell(metadata);
    captured += periods;
    await writeFrame(picture(frame), tail, metadata, captured, period);
  }
  await end(picture(last));
}

/** In the order in which rpicam-vid writes them: the log, the frame, its metadata. */
async function writeFrame(
  pixels: Uint8Array,
  tail: number,
  metadata: WriteStream | undefined,
  captured: number,
  period: number,
): Promise<void> {
  if (values.verbose === '2') {
    say(`Viewfinder frame ${captured}`);
    if (!behaviour.has('quiet')) {
      say(`FileOutput: output buffer 0x7f8c2f4000 size ${pixels.length + tail}`);
    }
  }
  await write(pixels);
  if (tail > 0) await write(new Uint8Array(tail).fill(0xee));
  if (metadata === undefined || behaviour.has('no-metadata')) return;
  started ??= behaviour.has('strange-clock') ? 5_000_000_000n : process.hrtime.bigint();
  const sensorTime = started + BigInt(Math.round((captured - 1) * period * 1e6));
  metadata.write(
    `ExposureTime=29984\nFrameDuration=${Math.round(period * 1000)}\nColourGains=[ 1.965870, 1.733057 ]\nScalerCrop=(1152, 432)/2304x1728\nSensorTimestamp=${sensorTime}\n\n`,
  );
}

async function end(next: Uint8Array): Promise<void> {
  if (behaviour.has('half-frame-after')) {
    await write(next.subarray(0, next.length / 2));
    process.exit(0);
  }
  if (behaviour.has('end-after')) process.exit(0);
  if (behaviour.has('exit-after')) fail('failed to queue request');
  for (;;) {
    if (behaviour.has('timeouts')) {
      log(
        'WARN',
        'V4L2',
        'v4l2_videodevice.cpp:2095',
        '/dev/video4[29:cap]: Dequeue timer of 1000000.00us has expired!',
      );
      log('ERROR', 'RPI', 'pipeline_base.cpp:1364', 'Camera frontend has timed out!');
      log(
        'ERROR',
        'RPI',
        'pipeline_base.cpp:1365',
        'Please check that your camera sensor connector is attached securely.',
      );
      say('ERROR: Device timeout detected, attempting a restart!!!');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function write(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

function farewell(metadata: WriteStream | undefined): void {
  if (stoppedFile !== undefined) writeFileSync(stoppedFile, 'camera stopped');
  metadata?.destroy();
  process.exit(0);
}
