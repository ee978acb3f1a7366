import type { FramePicture, PictureRequest } from '../contract/threads.ts';
import type { Reader } from './readers.ts';

/** Sees to it that a picture that is wanted is made by one of the inference workers. */
export interface PictureDesk {
  /** Only the newest request is kept. */
  ask(request: PictureRequest): void;
  /** A worker is ready; whoever had been asked may be gone. */
  remind(reader: Reader): void;
  take(picture: FramePicture): void;
}

export function createPictureDesk(
  readers: readonly Reader[],
  onPicture: (picture: FramePicture) => void,
): PictureDesk {
  let wanted: PictureRequest | undefined;
  const remind = (reader: Reader | undefined): void => {
    if (wanted !== undefined) reader?.seat.send({ kind: 'photograph', request: wanted });
  };
  return {
    ask: (request) => {
      wanted = request;
      remind(readers.find(({ isLoaded }) => isLoaded));
    },
    remind,
    take: (picture) => {
      if (picture.id === wanted?.id) wanted = undefined;
      onPicture(picture);
    },
  };
}
