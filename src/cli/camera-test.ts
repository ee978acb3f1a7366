import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import { encodeJpeg } from '../camera/image.ts';
import { createSourceOpener } from '../camera/open.ts';
import type { FrameSource } from '../camera/source.ts';
import type { FrameGeometry } from '../contract/frame.ts';
import type { SourceRequest } from '../contract/threads.ts';
import { createPictureMaker } from '../inference/picture.ts';
import { noPulse } from '../ring/pulse.ts';

/** Cameras set their exposure on the first frames. */
const framesBefore = 10;
/** Broken frames at which to give up. */
const failuresMax = 30;
const jpegQuality = 90;
/** Enough to see whether the camera is sharp and its colours are right. */
const shape = { sideMax: 1024, rotate: 0 } as const;

/** Takes one picture with a camera and writes it as a JPEG. */
export async function takePicture(
  request: SourceRequest,
  file: string,
  clock: Clock,
  stop: AbortSignal,
): Promise<Outcome<void>> {
  const opened = await createSourceOpener(clock, noPulse).open(request, stop);
  if (!opened.ok) return opened;
  await using source = opened.value;
  const maker = createPictureMaker(source.description.geometryMax, shape);
  const frame = await readFrame(source, maker.target, framesBefore, stop);
  if (!frame.ok) return frame;
  const { pixels, width, height } = maker.make(frame.value);
  const jpeg = await encodeJpeg(pixels, width, height, jpegQuality);
  if (!jpeg.ok) return jpeg;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, jpeg.value);
    return success(undefined);
  } catch (error) {
    const sentence = `cannot write ${file}: ${messageOf(error)}`;
    return failure(fault('usage.argument', sentence, 'Name another folder with --output.'));
  }
}

/** Reads a frame that comes after so many others. */
export async function readFrame(
  source: FrameSource,
  target: Uint8Array,
  before: number,
  stop: AbortSignal,
): Promise<Outcome<FrameGeometry>> {
  let failures = 0;
  for (let frames = 0; !stop.aborted; ) {
    await source.due(stop);
    const reading = await source.read(target, stop);
    if (reading.kind === 'frame') {
      frames += 1;
      if (frames > before) return success(reading.geometry);
    } else if (reading.kind === 'ended') {
      break;
    } else {
      failures += 1;
      if (reading.kind === 'broken' || failures > failuresMax) return failure(reading.fault);
    }
  }
  return failure(fault('camera.broken', 'there was no frame', 'Try again.'));
}
