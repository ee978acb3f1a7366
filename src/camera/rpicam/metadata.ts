import { type Micros, micros } from '../../base/time.ts';
import { createLineSplitter } from './lines.ts';

/** What the camera says about one frame. */
export type FrameMetadata = {
  /** Of the kernel's monotonic clock, when the sensor's frame began. */
  readonly sensorTime: Micros | undefined;
  /** The sensor's period at that frame. */
  readonly period: Micros | undefined;
};

/** Frames that may wait for their reading: more than the program has buffers for. */
const waitingMax = 64;

/** Takes the metadata apart, frame by frame, in the order of the frames. */
export interface MetadataReader {
  /** More of the text, in pieces of any size. */
  write(text: string): void;
  /** The metadata of this frame, counted from 0; what belongs to frames before it is dropped. */
  take(frame: number): FrameMetadata | undefined;
}

/**
 * For rpicam-apps' format `txt`: a line `Name=value` for each value, and an empty line behind each
 * frame. Unlike `json` it is flushed whole with its frame; there the last brace waits for the next one.
 */
export function createMetadataReader(): MetadataReader {
  let sensorTime: Micros | undefined;
  let period: Micros | undefined;
  let isEmpty = true;
  /** Frames whose metadata has been dropped or taken. */
  let first = 0;
  const waiting: FrameMetadata[] = [];

  const takeLine = (line: string): void => {
    if (line === '') {
      if (isEmpty) return;
      waiting.push({ sensorTime, period });
      [sensorTime, period, isEmpty] = [undefined, undefined, true];
      if (waiting.length > waitingMax) {
        waiting.shift();
        first += 1;
      }
      return;
    }
    isEmpty = false;
    // Nanoseconds: a double is exact to less than a microsecond for centuries.
    const nanoseconds = numberAfter(line, 'SensorTimestamp=');
    if (nanoseconds !== undefined) sensorTime = micros(Math.round(nanoseconds / 1000));
    const duration = numberAfter(line, 'FrameDuration=');
    if (duration !== undefined && duration > 0) period = micros(duration);
  };

  return {
    write: createLineSplitter((line) => takeLine(line.trim())),
    take: (frame) => {
      while (first < frame && waiting.length > 0) {
        waiting.shift();
        first += 1;
      }
      if (first !== frame) return undefined;
      const found = waiting.shift();
      if (found !== undefined) first += 1;
      return found;
    },
  };
}

function numberAfter(line: string, prefix: string): number | undefined {
  if (!line.startsWith(prefix)) return undefined;
  const digits = line.slice(prefix.length);
  return /^\d{1,19}$/.test(digits) ? Number(digits) : undefined;
}

/** A frame older than this was not stamped by our clock. */
const ageMax = 2_000_000;

/** When the frame was captured: what the sensor says, unless it cannot be true. */
export function captureTimeOf(
  metadata: FrameMetadata | undefined,
  arrived: Micros,
  now: Micros,
): Micros {
  const stamped = metadata?.sensorTime;
  if (stamped === undefined || stamped > now || now - stamped > ageMax) return arrived;
  return stamped;
}

/** A camera that was restarted has lost nothing that it could have given. */
const interruption = 1_000_000;

/** How many frames the sensor captured between two that arrived; 0 where it cannot be told. */
export function lostBetween(
  before: FrameMetadata | undefined,
  after: FrameMetadata | undefined,
): number {
  if (before?.sensorTime === undefined || after?.sensorTime === undefined) return 0;
  if (after.period === undefined) return 0;
  const gap = after.sensorTime - before.sensorTime;
  if (gap <= 0 || gap > interruption) return 0;
  return Math.max(0, Math.round(gap / after.period) - 1);
}

/** Counts a camera's frames: those that came, and those that it captured in vain. */
export interface FrameTally {
  /** Frames that came, read or not. */
  readonly came: number;
  /** The metadata of the frame that came last. */
  readonly last: FrameMetadata | undefined;
  note(metadata: FrameMetadata | undefined): void;
  /** The number of the last frame, counted from 0, and how many were lost since the last call. */
  take(): { readonly driverSequence: number; readonly lost: number };
}

export function createFrameTally(): FrameTally {
  let came = 0;
  let lost = 0;
  let lostBefore = 0;
  let last: FrameMetadata | undefined;
  return {
    get came() {
      return came;
    },
    get last() {
      return last;
    },
    note: (metadata) => {
      lost += lostBetween(last, metadata);
      came += 1;
      last = metadata;
    },
    take: () => {
      const since = lost - lostBefore;
      lostBefore = lost;
      return { driverSequence: came - 1 + lost, lost: since };
    },
  };
}
