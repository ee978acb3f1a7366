import { type Fault, type FaultCode, fault } from '../../base/fault.ts';
import type { FrameColor, FrameSize } from '../../contract/frame.ts';
import { createLineSplitter } from './lines.ts';

/*
 * What rpicam-vid and libcamera write on stderr, line by line. The sentences are those of rpicam-apps
 * 1.4 to 1.9 and libcamera 0.1 to 0.5; one that is not known stays a line of text.
 */

export type LogLine =
  /** The streams as libcamera granted them; the first one is ours. */
  | { readonly kind: 'stream'; readonly size: FrameSize; readonly color: FrameColor | undefined }
  | { readonly kind: 'frame'; readonly bytes: number | undefined }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** The sensor gave nothing for a while; the program restarts it by itself, and may succeed. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'text'; readonly text: string; readonly isError: boolean };

const video = 'Stop the other program that uses the camera, or wait until it is done.';
const ribbon =
  'Power off, then check the ribbon cable at both ends; `rpicam-hello --list-cameras` must show the camera.';
const memory =
  'Ask for smaller frames (camera.width and camera.height), or set a larger CMA area in /boot/firmware/config.txt: dtoverlay=vc4-kms-v3d,cma-256.';
const group = 'Add the user to the group video and log in again: sudo usermod -aG video $USER.';
const update = 'Bring the camera software up to date: sudo apt update && sudo apt full-upgrade.';

type Pattern = readonly [
  pattern: RegExp,
  code: FaultCode,
  message: (what: string) => string,
  mend: string,
];

const patterns: readonly Pattern[] = [
  [/no cameras available/i, 'camera.none', () => 'no Raspberry Pi camera is connected', ribbon],
  [
    /selected camera is not available/,
    'camera.missing',
    () => 'there is no Raspberry Pi camera with the number in camera.device',
    'Set camera.device to a number that `sightd cameras` shows, or leave it out.',
  ],
  [
    /Permission denied|Could not open any dma/i,
    'camera.forbidden',
    (line) => `the camera's devices may not be opened: ${line}`,
    group,
  ],
  [
    /Pipeline handler in use by another process|failed to acquire camera|Device or resource busy/i,
    'camera.busy',
    () => 'another program uses the Raspberry Pi camera',
    video,
  ],
  [
    /dmaHeap allocation failure|failed to allocate capture buffers|Cannot allocate memory/i,
    'camera.memory',
    (line) => `there is not enough contiguous memory (CMA) for the camera's buffers: ${line}`,
    memory,
  ],
  [
    /legacy camera stack/,
    'camera.unsupported',
    () => 'the system is set up for the legacy camera stack, which rpicam-vid cannot use',
    'Turn the legacy camera off in raspi-config (Interface Options), and restart the Pi.',
  ],
  [
    /only supports the Raspberry Pi platforms/,
    'camera.unsupported',
    () => 'rpicam-vid works on a Raspberry Pi only',
    'Use a V4L2 camera on this machine: camera.source: v4l2.',
  ],
  [
    /unrecogni[sz]ed option|unknown option|unrecogni[sz]ed metadata format/i,
    'camera.unsupported',
    (line) => `rpicam-vid is too old: ${line}`,
    update,
  ],
];

const timeouts =
  /frontend has timed out|Device timeout detected|Dequeue timer of [\d.]+us has expired/;

/** libcamera's names of colour spaces (`ColorSpace::toString`). */
const colors: Readonly<Record<string, FrameColor>> = {
  sYCC: 'bt601-full',
  SMPTE170M: 'bt601',
  Rec709: 'bt709',
};

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** Reads one line of the log. */
export function parseLogLine(line: string): LogLine {
  const text = line.replace(escapes, '').trim();
  const bytes = /^FileOutput: output buffer \S+ size (\d+)$/.exec(text)?.[1];
  if (bytes !== undefined) return { kind: 'frame', bytes: Number(bytes) };
  if (/^Viewfinder frame \d+$/.test(text)) return { kind: 'frame', bytes: undefined };
  const stream = /configuring streams: \(0\) (\d+)x(\d+)-YUV420(?:\/(\w+))?/.exec(text);
  if (stream !== null) {
    const [, width, height, color] = stream;
    return {
      kind: 'stream',
      size: { width: Number(width), height: Number(height) },
      color: color === undefined ? undefined : colors[color],
    };
  }
  if (timeouts.test(text)) return { kind: 'timeout' };
  const found = patterns.find(([pattern]) => pattern.test(text));
  if (found === undefined) return { kind: 'text', text, isError: isError(text) };
  const [, code, message, mend] = found;
  return { kind: 'fault', fault: fault(code, message(plain(text)), mend) };
}

const isError = (text: string): boolean =>
  /\bERROR\b|\bFATAL\b|terminate called|what\(\)/.test(text);

/** What a line says, without libcamera's clock, thread and place, and without rpicam's stars. */
export const plain = (text: string): string =>
  text
    .replace(/^\[[\d:.]+\] \[\d+\]\s+/, '')
    .replace(/^(?:ERROR|WARN|FATAL|INFO)\s+\w+ \w+\.cpp:\d+\s+/, '')
    .replace(/^ERROR: /, '')
    .replace(/^\*{3} | \*{3}$/g, '');

/** What the log has said so far. */
export interface ToolLog {
  /** More of stderr, in pieces of any size. */
  write(text: string): void;
  readonly granted:
    | { readonly size: FrameSize; readonly color: FrameColor | undefined }
    | undefined;
  readonly frameBytes: number | undefined;
  /** The first thing that went wrong since the last whole frame. */
  readonly fault: Fault | undefined;
  /** Whether the sensor has timed out since the last whole frame. */
  readonly isTimedOut: boolean;
  /** The last error since the last whole frame, or else the last line, in the tool's words. */
  readonly lastWords: string;
  /** A whole frame arrived: what was wrong before did no harm. */
  noteFrame(): void;
}

/** `onFrameBytes` is called once, when the log first says the bytes of a frame. */
export function createToolLog(onFrameBytes: () => void): ToolLog {
  let granted: ToolLog['granted'];
  let frameBytes: number | undefined;
  let reason: Fault | undefined;
  let isTimedOut = false;
  let lastError: string | undefined;
  let lastText = '';

  const take = (line: string): void => {
    const parsed = parseLogLine(line);
    if (parsed.kind === 'stream') granted = parsed;
    if (parsed.kind === 'timeout') isTimedOut = true;
    if (parsed.kind === 'fault') reason ??= parsed.fault;
    if (parsed.kind === 'frame' && parsed.bytes !== undefined && frameBytes === undefined) {
      frameBytes = parsed.bytes;
      onFrameBytes();
    }
    if (parsed.kind !== 'text' || parsed.text === '') return;
    lastText = plain(parsed.text);
    if (parsed.isError) lastError = lastText;
  };

  return {
    write: createLineSplitter(take),
    get granted() {
      return granted;
    },
    get frameBytes() {
      return frameBytes;
    },
    get fault() {
      return reason;
    },
    get isTimedOut() {
      return isTimedOut;
    },
    get lastWords() {
      return lastError ?? lastText;
    },
    noteFrame: () => {
      reason = undefined;
      lastError = undefined;
      isTimedOut = false;
    },
  };
}
