import type { Fault, Outcome } from '../base/fault.ts';
import type { Micros } from '../base/time.ts';
import type { FrameGeometry } from '../contract/frame.ts';
import type { SourceDescription } from '../contract/threads.ts';

/** What became of one attempt to read a frame. */
export type Reading =
  | {
      readonly kind: 'frame';
      readonly capturedAt: Micros;
      /** The driver's own count of frames, from 0. */
      readonly driverSequence: number;
      readonly geometry: FrameGeometry;
      readonly bytesUsed: number;
      /** Frames that the driver lost since the reading before. */
      readonly lost: number;
    }
  /** This frame is broken; the next one may be whole. */
  | { readonly kind: 'failed'; readonly fault: Fault }
  /** The camera gives nothing more until its stream begins anew, or it is opened again. */
  | { readonly kind: 'broken'; readonly fault: Fault }
  /** There are no more frames. */
  | { readonly kind: 'ended' };

/**
 * Where frames come from, at its own pace: the owner waits until a frame is due, finds room for it,
 * and has it written there; or lets it go when there is no room.
 */
export interface FrameSource extends AsyncDisposable {
  readonly description: SourceDescription;
  /** What was asked for and could not be had, such as a control that the camera does not have. */
  readonly notices: readonly Fault[];
  /** Lets go of live frames that came since the source was opened: nobody could take them. */
  discard(signal: AbortSignal): Promise<void>;
  /** Resolves once a frame is due, or when `signal` aborts. */
  due(signal: AbortSignal): Promise<void>;
  /** Writes the due frame to the start of `target`, which may be shared memory. */
  read(target: Uint8Array, signal: AbortSignal): Promise<Reading>;
  /** Lets the due frame go; false when there is none: the source has ended, as `read` will say. */
  skip(signal: AbortSignal): Promise<boolean>;
  /**
   * Begins the stream of the camera anew, which stays open: the same frames, from now on. After a failure
   * it must be opened again. Undefined for sources that have no such thing.
   */
  readonly restart: (() => Promise<Outcome<void>>) | undefined;
}
