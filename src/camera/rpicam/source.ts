import { failure, type Outcome, success } from '../../base/fault.ts';
import { type Clock, millis } from '../../base/time.ts';
import type { SourceRequest } from '../../contract/threads.ts';
import type { FrameSource } from '../source.ts';
import { createFrameReader } from './frames.ts';
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
 * neither the size of its frames is certain nor that it works.
 */
export async function openRpicamSource(
  request: SourceRequest,
  clock: Clock,
  stop: AbortSignal,
): Promise<Outcome<FrameSource>> {
  const tool = findTool(videoTools, process.env['PATH']);
  if (tool === undefined) return failure(rpicamMissing);
  const planned = planStream(request.config, request.need);
  if (!planned.ok) return planned;
  const plan = planned.value;
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
    startPatience: millis(Math.max(startPatience, request.frameDeadline)),
    framePatience: request.frameDeadline,
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
  return success({
    notices: program.notices,
    description: {
      name: nameOf(plan, begun.value),
      geometryMax: begun.value.geometry,
      lossless: false,
    },
    due: reader.due,
    read: reader.read,
    skip: reader.skip,
    discard: reader.discard,
    [Symbol.asyncDispose]: close,
  });
}

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
