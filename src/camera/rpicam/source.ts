import { failure, fault, type Outcome, success } from '../../base/fault.ts';
import { type Clock, type Millis, millis } from '../../base/time.ts';
import { frameDeadlineOf, isSameGeometry } from '../../contract/frame.ts';
import type { SourceRequest } from '../../contract/threads.ts';
import type { FrameSource } from '../source.ts';
import { createFrameReader, type FrameReader } from './frames.ts';
import { argumentsOf, type FrameLayout, layoutOf, planStream, type StreamPlan } from './layout.ts';
import { type Program, startProgram } from './program.ts';
import { findTool, rpicamMissing, videoTools } from './tool.ts';

/** A CSI camera gives its first frame after one or two seconds; a Pi Zero under load needs longer. */
const startPatience = millis(10_000);
/** The log tells the bytes of a frame before they are written; it comes through another pipe. */
const sizePatience = millis(500);

/**
 * A Raspberry Pi camera: rpicam-vid writes raw frames (planar YUV 4:2:0) into a pipe, from which they
 * are read straight into the slots. It is open once its first frame begins to arrive, for until then
 * neither the size of its frames is certain nor that it works. Its stream begins anew in another run
 * of the program.
 */
export async function openRpicamSource(
  request: SourceRequest,
  clock: Clock,
  stop: AbortSignal,
): Promise<Outcome<FrameSource>> {
  const planned = planStream(request.config, request.need);
  if (!planned.ok) return planned;
  const plan = planned.value;
  const framePatience = frameDeadlineOf(request.frameDeadline, plan.fps);
  const run = (): Promise<Outcome<Run>> => startRun(plan, { clock, framePatience }, stop);
  const opened = await run();
  if (!opened.ok) return opened;
  let current = opened.value;
  const { layout } = current;
  return success({
    notices: current.program.notices,
    description: {
      name: nameOf(plan, layout),
      geometryMax: layout.geometry,
      lossless: false,
    },
    due: (signal) => current.reader.due(signal),
    read: (target, signal) => current.reader.read(target, signal),
    skip: (signal) => current.reader.skip(signal),
    discard: (signal) => current.reader.discard(signal),
    restart: async () => {
      await current.close();
      const begun = await run();
      if (!begun.ok) return begun;
      if (!isSameGeometry(begun.value.layout.geometry, layout.geometry)) {
        await begun.value.close();
        return failure(otherFrames);
      }
      current = begun.value;
      return success(undefined);
    },
    [Symbol.asyncDispose]: () => current.close(),
  });
}

/** The program from its start to its end. */
type Run = {
  readonly program: Program;
  readonly reader: FrameReader;
  readonly layout: FrameLayout;
  close(): Promise<void>;
};

/** Starts the program, and waits for its first frame. */
async function startRun(
  plan: StreamPlan,
  { clock, framePatience }: { readonly clock: Clock; readonly framePatience: Millis },
  stop: AbortSignal,
): Promise<Outcome<Run>> {
  const tool = findTool(videoTools, process.env['PATH']);
  if (tool === undefined) return failure(rpicamMissing);
  const sized = new AbortController();
  const started = startProgram({
    tool,
    argumentsOf: (metadata) => argumentsOf(plan, metadata),
    clock,
    onFrameBytes: () => sized.abort(),
  });
  if (!started.ok) return started;
  const program = started.value;
  const reader = createFrameReader({
    program,
    clock,
    startPatience: millis(Math.max(startPatience, framePatience)),
    framePatience,
    period: millis(1000 / plan.fps),
    decideLayout: async () => {
      await clock.sleep(sizePatience, sized.signal);
      return grantedLayout(program, plan);
    },
  });
  const close = async (): Promise<void> => {
    stop.removeEventListener('abort', close);
    reader.close();
    await program.close();
  };
  const begun = await reader.begin(stop);
  if (!begun.ok) {
    await close();
    return begun;
  }
  // A camera that stalls must not hold up a stop.
  stop.addEventListener('abort', close);
  return success({ program, reader, layout: begun.value, close });
}

const otherFrames = fault(
  'camera.refused',
  'libcamera now gives frames of another size or kind than before',
  'Nothing: the camera is opened again.',
);

/**
 * The layout of the frames that libcamera granted. Of the codec yuv420 rpicam-vid asks the colours of
 * JPEG (sYCC: BT.601, full range), whatever the size; newer versions of libcamera say so in the log.
 */
function grantedLayout({ log }: Program, plan: StreamPlan): Outcome<FrameLayout> {
  const size = log.granted?.size ?? plan.size;
  return layoutOf(size, log.granted?.color ?? 'bt601-full', log.frameBytes);
}

function nameOf({ camera, fps }: StreamPlan, { geometry }: FrameLayout): string {
  const number = camera === undefined ? '' : ` ${camera}`;
  return `Raspberry Pi camera${number} (${geometry.width}×${geometry.height}, ${fps} fps)`;
}
