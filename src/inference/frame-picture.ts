import { copyBytes } from '../base/libc.ts';
import { type Clock, type Micros, micros } from '../base/time.ts';
import { frameBytesOf } from '../contract/frame.ts';
import type { Classification, FramePicture, PictureRequest } from '../contract/threads.ts';
import type { ReadableFrame } from '../ring/consumer.ts';
import { createPictureMaker, type PictureMaker } from './picture.ts';

/**
 * A picture of a frame, when one is asked for. Its slot is held for no longer than a copy takes; what
 * is made of the copy delays the next frame's classification, and never the camera.
 */
export interface Photographer {
  /** For the next frame; what was asked before and not done yet is forgotten. */
  ask(request: PictureRequest): void;
  /** Copies a frame that is still held, if a picture is wanted. */
  copy(frame: ReadableFrame): void;
  /** Makes a picture of the copy, if there is one; the frame may have been given back. */
  develop(classification: Classification): FramePicture | undefined;
}

/** Room for a picture, up to 30 MB of it, is given up when none was wanted for so long. */
const roomKept = micros(60_000_000);

export function createPhotographer(clock: Pick<Clock, 'now'>): Photographer {
  let asked: PictureRequest | undefined;
  let copied: { readonly request: PictureRequest; readonly frame: ReadableFrame } | undefined;
  let maker: PictureMaker | undefined;
  let usedAt = micros(0);

  const roomFor = ({ geometry }: ReadableFrame, request: PictureRequest): PictureMaker => {
    if (maker?.isFit(geometry, request) !== true) maker = createPictureMaker(geometry, request);
    usedAt = clock.now();
    return maker;
  };

  const giveUpRoom = (now: Micros): void => {
    if (now - usedAt > roomKept) maker = undefined;
  };

  return {
    ask: (request) => {
      asked = request;
    },
    copy: (frame) => {
      if (asked === undefined) {
        if (maker !== undefined) giveUpRoom(clock.now());
        return;
      }
      const pixels = frame.pixels.subarray(0, frameBytesOf(frame.geometry));
      copyBytes(roomFor(frame, asked).target, pixels);
      copied = { request: asked, frame };
      asked = undefined;
    },
    develop: ({ sequence, capturedAt, top }) => {
      if (copied === undefined || maker === undefined) return undefined;
      const { request, frame } = copied;
      copied = undefined;
      const { width, height, pixels } = maker.make(frame.geometry);
      return { id: request.id, width, height, pixels, sequence, capturedAt, top };
    },
  };
}
