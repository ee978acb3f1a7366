import { type Fault, failure, fault, type Outcome, success } from '../../base/fault.ts';
import { openReadiness, type Readiness } from '../../base/ffi.ts';
import { copyBytes } from '../../base/libc.ts';
import { type Clock, type Micros, micros, millis } from '../../base/time.ts';
import { askedSizeOf, type FrameGeometry, frameBytesOf } from '../../contract/frame.ts';
import type { SourceRequest } from '../../contract/threads.ts';
import type { Pulse } from '../../ring/pulse.ts';
import { decodeJpeg } from '../image.ts';
import type { FrameSource, Reading } from '../source.ts';
import { chooseMode, type Wish } from './choose.ts';
import { setControls } from './controls.ts';
import { type CopyPlan, copyPlane, type PlaneCopy, planCopy } from './copy-plan.ts';
import { type CaptureDevice, openCaptureDevice } from './device.ts';
import { type CaptureFormat, motionJpeg } from './formats.ts';
import { createGapCounter } from './gap-counter.ts';
import { listFormats, listModes, type Mode } from './modes.ts';
import { type Granted, negotiate } from './negotiate.ts';
import { buffersMax, type CaptureStream, type DriverFrame, startStream } from './stream.ts';

/** What a source needs of the thread that it is read in. */
type Surroundings = { readonly clock: Clock; readonly pulse: Pulse };

/** Opens a V4L2 camera, chooses its mode, sets its controls and starts it. */
export async function openV4l2Source(
  path: string,
  request: SourceRequest,
  { clock, pulse }: Surroundings,
): Promise<Outcome<FrameSource>> {
  // A driver whose camera does not answer may keep its caller for seconds, and some for ever.
  pulse.begin();
  const started = openCamera(path, request);
  pulse.end();
  return started.ok
    ? success(createSource(started.value, request, { clock, pulse }))
    : failure(started.fault);
}

function openCamera(path: string, request: SourceRequest): Outcome<Camera> {
  const opened = openCaptureDevice(path);
  if (!opened.ok) return opened;
  const started = startCamera(opened.value, request);
  if (!started.ok) opened.value[Symbol.dispose]();
  return started;
}

/** A camera that runs, and how its frames are read. */
type Camera = {
  readonly device: CaptureDevice;
  readonly mode: Mode;
  readonly granted: Granted;
  readonly stream: CaptureStream;
  readonly notices: readonly Fault[];
  readonly geometry: FrameGeometry;
  /** Undefined for JPEGs. */
  readonly plan: CopyPlan | undefined;
};

function startCamera(device: CaptureDevice, request: SourceRequest): Outcome<Camera> {
  const { config } = request;
  const wish = wishOf(request);
  const offers = listFormats(device);
  const modes = listModes(device, offers, wish);
  const choice = chooseMode(modes, wish);
  if (choice === undefined) {
    const offered = offers.map((offer) => offer.fourcc).join(', ') || 'nothing';
    const wanted = wish.format === undefined ? 'a format that sightd takes' : wish.format;
    const sentence = `${device.path}: ${device.identity.card} does not offer ${wanted}, only ${offered}`;
    return failure(
      fault(
        'camera.format-unavailable',
        sentence,
        'Set camera.format to auto, or use another camera.',
      ),
    );
  }
  const granted = negotiate(device, choice.mode, config.fps);
  if (!granted.ok) return granted;
  const described = describe(choice.mode.format, granted.value, wish, device.path);
  if (!described.ok) return described;
  const notices = setControls(device, config.controls);
  const stream = startStream(device, granted.value);
  if (!stream.ok) return stream;
  return success({
    device,
    mode: choice.mode,
    granted: granted.value,
    stream: stream.value,
    notices,
    ...described.value,
  });
}

export function wishOf({ config, need }: SourceRequest): Wish {
  const { format, fps } = config;
  return {
    fps,
    need,
    size: askedSizeOf(config),
    format: format === 'auto' ? undefined : format,
  };
}

function describe(
  format: CaptureFormat,
  granted: Granted,
  wish: Wish,
  path: string,
): Outcome<Pick<Camera, 'geometry' | 'plan'>> {
  if (format === motionJpeg) {
    const { width, height } = decodedSizeOf(granted, wish);
    return success({
      geometry: { format: 'RGB3', width, height, stride: width * 3, color: 'bt601' },
      plan: undefined,
    });
  }
  const plan = planCopy(format, granted, path);
  return plan.ok ? success({ geometry: plan.value.geometry, plan: plan.value }) : plan;
}

/** The smallest size that the decoder gives for less work and that the model still needs. */
function decodedSizeOf(granted: Granted, wish: Wish): { width: number; height: number } {
  const least = wish.size ?? wish.need;
  const sizes = [8, 4, 2].map((by) => ({
    width: Math.ceil(granted.width / by),
    height: Math.ceil(granted.height / by),
  }));
  return (
    sizes.find(({ width, height }) => width >= least.width && height >= least.height) ?? {
      width: granted.width,
      height: granted.height,
    }
  );
}

const nothing = new Uint8Array(0);

/** A timestamp further from now than this is not one of this stream. */
const stampAgeMax = micros(10_000_000);

function createSource(
  camera: Camera,
  request: SourceRequest,
  { clock, pulse }: Surroundings,
): FrameSource {
  const { device, stream, granted, mode, geometry, plan } = camera;
  const bytesUsed = frameBytesOf(geometry);
  const readiness = openReadiness(device.descriptor);
  const counter = createGapCounter();
  const deadline = Math.max(
    request.frameDeadline,
    3 * (1000 / Math.min(granted.fps ?? request.config.fps, request.config.fps)),
  );
  let due: DriverFrame | Reading | undefined;
  // A camera takes its time for the first frame: exposure, and filling its own buffers.
  let patience = 2 * deadline;

  const wait = async (signal: AbortSignal): Promise<void> => {
    const waitingSince = clock.now();
    while (due === undefined && !signal.aborted) {
      const dequeued = stream.dequeue();
      switch (dequeued.kind) {
        case 'frame':
          counter.see(dequeued.frame.sequence);
          due = dequeued.frame;
          patience = deadline;
          break;
        case 'broken':
          due = dequeued;
          break;
        case 'nothing': {
          const left = patience - (clock.now() - waitingSince) / 1000;
          if (left <= 0) due = { kind: 'broken', fault: stalled(device.path, patience) };
          else await untilReadable(readiness, clock, left, signal);
        }
      }
    }
  };

  const capturedAtOf = ({ stampedAt }: DriverFrame): Micros => {
    const now = clock.now();
    // Some drivers' clocks wrap or stand still.
    const isPlausible =
      stampedAt !== undefined && stampedAt <= now && now - stampedAt < stampAgeMax;
    return isPlausible ? stampedAt : now;
  };

  const write = async (frame: DriverFrame, target: Uint8Array): Promise<Fault | undefined> => {
    if (frame.isDamaged) return damaged(device.path, 'the driver marks it as damaged');
    if (plan === undefined) {
      const jpeg = frame.planes[0] ?? nothing;
      pulse.begin();
      const pixels = await decodeJpeg(jpeg, geometry.width, geometry.height);
      pulse.end();
      if (!pixels.ok) return pixels.fault;
      copyBytes(target, pixels.value);
      return undefined;
    }
    for (let index = 0; index < plan.planes.length; index += 1) {
      const plane = plan.planes[index] as PlaneCopy;
      const source = frame.planes[index] ?? nothing;
      if (source.length < plane.bytesLeast) {
        return damaged(device.path, `it has ${source.length} of ${plane.bytesLeast} bytes`);
      }
      copyPlane(target, source, plane);
    }
    return undefined;
  };

  const read = async (target: Uint8Array): Promise<Reading> => {
    const current = due;
    due = undefined;
    if (current === undefined) return { kind: 'ended' }; // Stopped while waiting.
    if ('kind' in current) return current;
    const problem = await write(current, target);
    stream.giveBack(current);
    if (problem !== undefined) return { kind: 'failed', fault: problem };
    return {
      kind: 'frame',
      capturedAt: capturedAtOf(current),
      driverSequence: current.sequence,
      geometry,
      bytesUsed,
      lost: counter.take(),
    };
  };

  const rate = granted.fps === undefined ? '' : ` at ${Math.round(granted.fps * 100) / 100} fps`;
  return {
    description: {
      name: `${device.identity.card} (${device.path}) ${mode.fourcc} ${granted.width}×${granted.height}${rate}`,
      geometryMax: geometry,
      lossless: false,
    },
    notices: camera.notices,
    discard: async () => {
      // As many as there are buffers; what comes while these are given back is fresh.
      for (let count = 0; count < buffersMax; count += 1) {
        const dequeued = stream.dequeue();
        if (dequeued.kind !== 'frame') break;
        counter.see(dequeued.frame.sequence);
        stream.giveBack(dequeued.frame);
      }
      counter.take();
    },
    due: wait,
    read,
    skip: async () => {
      if (due === undefined || 'kind' in due) return false;
      stream.giveBack(due);
      due = undefined;
      return true;
    },
    restart: async () => {
      due = undefined;
      patience = 2 * deadline;
      counter.restart();
      pulse.begin();
      const restarted = stream.restart();
      pulse.end();
      return restarted;
    },
    [Symbol.asyncDispose]: async () => {
      pulse.begin();
      readiness[Symbol.dispose]();
      stream[Symbol.dispose]();
      device[Symbol.dispose]();
      pulse.end();
    },
  };
}

/** Resolves once the driver has something to say, after `left` milliseconds, or when aborted. */
async function untilReadable(
  readiness: Readiness,
  clock: Clock,
  left: number,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const finish = (): void => done.abort();
  readiness.once(finish);
  signal.addEventListener('abort', finish, { once: true });
  await clock.sleep(millis(left), done.signal);
  signal.removeEventListener('abort', finish);
  readiness.cancel();
}

const stalled = (path: string, deadline: number): Fault =>
  fault(
    'camera.stalled',
    `${path}: no frame for ${Math.round(deadline / 100) / 10} s`,
    'It is started again by itself; if it stays so, check its cable and power supply.',
  );

const damaged = (path: string, why: string): Fault =>
  fault(
    'camera.frame-broken',
    `${path}: a frame cannot be used: ${why}`,
    'Single ones are skipped; if there are many, check the cable, or ask for a lower rate.',
  );
