import { crc32 } from 'node:zlib';
import { type Fault, fault } from '../base/fault.ts';
import { type Clock, type Micros, type Millis, millisOf } from '../base/time.ts';
import {
  chromaStepOf,
  type FrameGeometry,
  frameBytesOf,
  hasChromaPlanes,
  rowBytesOf,
} from '../contract/frame.ts';
import type { ChangeMeter } from './change.ts';

/*
 * A sensor's noise makes every frame a little different. A camera whose frames come on time but are
 * all the same, byte for byte, shows what was there a while ago: its stream hangs somewhere on the way.
 */

/** Notices a picture that stands still. */
export interface FreezeMeter {
  /**
   * To be asked of each frame, after the change meter gave it this score. The fault, once the picture
   * has been the same for long enough.
   */
  see(pixels: Uint8Array, geometry: FrameGeometry, changeScore: number): Fault | undefined;
}

export type FreezeOptions = {
  /** The camera's name, for the fault. */
  readonly name: string;
  readonly after: Millis;
  /** What measured the frame. */
  readonly change: ChangeMeter;
  readonly clock: Clock;
};

export function createFreezeMeter({ name, after, change, clock }: FreezeOptions): FreezeMeter {
  let digest: number | undefined;
  let since: Micros | undefined;
  return {
    see: (pixels, geometry, changeScore) => {
      // This is where it ends for nearly every frame of a camera that works.
      if (changeScore !== 0) {
        digest = undefined;
        return undefined;
      }
      const now = clock.now();
      const current = digestOf(pixels, geometry);
      // The time does not run while there is nothing to be judged: in the dark.
      if (digest !== current || since === undefined || isPlain(change.grid)) {
        digest = current;
        since = now;
        return undefined;
      }
      return millisOf((now - since) as Micros) < after ? undefined : frozen(name, after);
    },
  };
}

/** Of the picture itself: what lies between its rows may be anything. */
function digestOf(pixels: Uint8Array, geometry: FrameGeometry): number {
  const { format, width, height, stride } = geometry;
  const rowBytes = rowBytesOf(format, width);
  if (rowBytes === stride) return crc32(pixels.subarray(0, frameBytesOf(geometry)));
  let digest = 0;
  const take = (from: number, bytes: number, step: number, rows: number): void => {
    for (let row = 0; row < rows; row += 1) {
      const begin = from + row * step;
      digest = crc32(pixels.subarray(begin, begin + bytes), digest);
    }
  };
  take(0, rowBytes, stride, height);
  if (chromaStepOf(format).y === 1) return digest;
  // Two planes of rows half as long, or one of pairs; they lie one after the other.
  if (hasChromaPlanes(format)) take(stride * height, width / 2, stride / 2, height);
  else take(stride * height, width, stride, height / 2);
  return digest;
}

/** At and below, and at and above, a picture has no noise: it is cut off there. */
const darkMax = 20;
const brightMin = 235;
/** So much of a picture in between is enough to be judged by; a hot pixel or two is not. */
const shareLeast = 0.02;
/** A picture of one grey may have no noise either; in brightness, on average, from the mean. */
const deviationLeast = 1;

/** Whether a picture may well stay the same: at night, against the sun, under a cap. */
function isPlain(grid: Uint8Array): boolean {
  let middle = 0;
  let sum = 0;
  for (const level of grid) {
    if (level > darkMax && level < brightMin) middle += 1;
    sum += level;
  }
  if (middle < shareLeast * grid.length) return true;
  const mean = sum / grid.length;
  let deviation = 0;
  for (const level of grid) deviation += Math.abs(level - mean);
  return deviation / grid.length < deviationLeast;
}

const frozen = (name: string, after: Millis): Fault =>
  fault(
    'camera.frozen',
    `${name}: the picture has been the same, byte for byte, for ${after / 1000} s`,
    'It is started again by itself; where a picture may stand still, set health.frozenSeconds to 0.',
  );
