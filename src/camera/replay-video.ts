import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { z } from 'zod';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import { type FrameGeometry, frameBytesOf, frameSizeOf } from '../contract/frame.ts';
import { createPace } from './pace.ts';
import type { FrameSource, Reading } from './source.ts';

const probeSchema = z.object({
  streams: z
    .array(
      z.object({
        width: z.int().positive(),
        /** How far players turn it, in degrees; ffmpeg does so too. */
        side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
        height: z.int().positive(),
        avg_frame_rate: z.string().regex(/^\d+\/\d+$/),
      }),
    )
    .min(1),
});

/** Looking into a video takes milliseconds; a file on a dead network share must not hold the start up. */
const probeTimeoutMs = 10_000;
/** Lines of ffmpeg's complaints kept for the fault. */
const complaintBytesMax = 2000;

type Stream = z.infer<typeof probeSchema>['streams'][number];
type Video = { readonly geometry: FrameGeometry; readonly fps: number };

/**
 * A video file as a camera: the system's ffmpeg decodes it to raw YUYV (BT.601, limited range) at its
 * own frame rate, shrunk to fit width × height. Frames are read from the pipe straight into `target`;
 * a reader that is slow slows ffmpeg down.
 */
export async function openVideoReplay(
  path: string,
  config: CameraConfig,
  clock: Clock,
  stop: AbortSignal,
): Promise<Outcome<FrameSource>> {
  const video = await probe(path, config, stop);
  if (!video.ok) return video;
  const { geometry, fps } = video.value;
  const lossless = config.pace === 'fast';
  const pace = createPace(clock, fps);
  const frameBytes = frameBytesOf(geometry);
  let decoder = startDecoder(path, geometry);
  let capturedAt = clock.now();
  let frames = 0;
  let scratch: Uint8Array | undefined;

  const readOne = async (target: Uint8Array, signal: AbortSignal): Promise<boolean> => {
    if (await decoder.pipe.readInto(target, frameBytes)) return true;
    if (!config.loop || signal.aborted || decoder.isBarren()) return false;
    await decoder.close();
    decoder = startDecoder(path, geometry);
    return decoder.pipe.readInto(target, frameBytes);
  };

  // A decoder that stalls must not hold up a stop: once it is gone, its pipe ends.
  stop.addEventListener('abort', () => void decoder.close(), { once: true });

  const read = async (target: Uint8Array, signal: AbortSignal): Promise<Reading> => {
    if (!(await readOne(target, signal))) return endOf(decoder, path, signal);
    frames += 1;
    return {
      kind: 'frame',
      capturedAt,
      driverSequence: frames - 1,
      geometry,
      bytesUsed: frameBytes,
      lost: 0,
    };
  };

  return success({
    notices: [],
    description: {
      name: `replay of ${path} (${geometry.width}×${geometry.height}, ${fps.toFixed(2)} fps)`,
      geometryMax: geometry,
      lossless,
    },
    discard: async () => {},
    due: async (signal) => {
      if (!lossless) await pace.next(signal);
      capturedAt = clock.now();
    },
    read,
    skip: async (signal) => {
      // A frame that is let go still has to be read off the pipe.
      scratch ??= new Uint8Array(frameBytes);
      const isThere = await readOne(scratch, signal);
      if (isThere) frames += 1;
      return isThere;
    },
    restart: undefined,
    [Symbol.asyncDispose]: () => decoder.close(),
  });
}

async function probe(
  path: string,
  config: CameraConfig,
  stop: AbortSignal,
): Promise<Outcome<Video>> {
  const entries = 'stream=width,height,avg_frame_rate:stream_side_data=rotation';
  const selection = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    entries,
    '-of',
    'json',
  ];
  try {
    const { stdout } = await promisify(execFile)('ffprobe', [...selection, path], {
      timeout: probeTimeoutMs,
      signal: stop,
    });
    const parsed = probeSchema.safeParse(JSON.parse(stdout));
    const stream = parsed.data?.streams[0];
    if (stream === undefined) return failure(unreadable(path, 'it has no video'));
    const [frames = 0, perSeconds = 1] = stream.avg_frame_rate.split('/').map(Number);
    const fps = perSeconds > 0 && frames > 0 ? frames / perSeconds : config.fps;
    return success({ geometry: fitWithin(stream, config), fps });
  } catch (error) {
    return failure(isMissing(error) ? ffmpegMissing : unreadable(path, messageOf(error)));
  }
}

/** The largest even size with the video's proportions within width × height, never enlarged. */
function fitWithin(stream: Stream, config: CameraConfig): FrameGeometry {
  const size = frameSizeOf(config);
  const rotation =
    stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const isTurned = Math.abs(rotation) % 180 === 90;
  const [width, height] = isTurned ? [stream.height, stream.width] : [stream.width, stream.height];
  const scale = Math.min(1, size.width / width, size.height / height);
  const fitted = Math.max(2, 2 * Math.floor((width * scale) / 2));
  const rows = Math.max(2, 2 * Math.floor((height * scale) / 2));
  return { format: 'YUYV', width: fitted, height: rows, stride: fitted * 2, color: 'bt601' };
}

interface Decoder {
  readonly pipe: PipeReader;
  /** True when it ended without having given a single frame. */
  isBarren(): boolean;
  complaint(): string;
  /** Resolves once it is gone: true when it had finished its work. */
  endedWell(): Promise<boolean>;
  close(): Promise<void>;
}

function startDecoder(path: string, geometry: FrameGeometry): Decoder {
  const scale = `scale=${geometry.width}:${geometry.height}:flags=bicubic:out_color_matrix=bt601:out_range=tv`;
  // Every frame of the stream that was probed, once: by default ffmpeg makes the rate constant.
  const format = [
    '-map',
    '0:v:0',
    '-vsync',
    'passthrough',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuyv422',
  ];
  const child = spawn(
    'ffmpeg',
    ['-v', 'error', '-nostdin', '-threads', '1', '-i', path, '-vf', scale, ...format, 'pipe:1'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintBytesMax);
  });
  const exited = exitOf(child);
  const pipe = createPipeReader(child.stdout);
  return {
    pipe,
    isBarren: () => pipe.bytesRead() === 0,
    complaint: () => complaint.trim(),
    endedWell: async () => (await exited) === 0,
    close: async () => {
      child.kill('SIGKILL');
      // What it wrote and nobody reads would keep the pipe open.
      child.stdout.destroy();
      child.stderr.destroy();
      await exited;
    },
  };
}

/** Resolves with the exit code once the process is gone, whatever it left in its pipes. */
function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
}

interface PipeReader {
  /** Fills the first `bytes` of `target`; false when the pipe ends first. */
  readInto(target: Uint8Array, bytes: number): Promise<boolean>;
  bytesRead(): number;
}

/** Reads exact numbers of bytes from a stream, a chunk at a time, so that the stream holds back. */
function createPipeReader(stream: Readable): PipeReader {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let rest: Uint8Array = new Uint8Array(0);
  let total = 0;
  return {
    readInto: async (target, bytes) => {
      let filled = 0;
      while (filled < bytes) {
        if (rest.length === 0) {
          const { value, done } = await nextOf(chunks);
          if (done === true) return false;
          rest = new Uint8Array(value.buffer, value.byteOffset, value.length);
        }
        const taken = Math.min(rest.length, bytes - filled);
        target.set(rest.subarray(0, taken), filled);
        rest = rest.subarray(taken);
        filled += taken;
        total += taken;
      }
      return true;
    },
    bytesRead: () => total,
  };
}

/** The next chunk; a stream that was destroyed has none. */
async function nextOf(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next();
  } catch {
    return { done: true, value: undefined };
  }
}

/** What the end of the pipe means: the end of the video, a stop, or a decoder that failed. */
async function endOf(decoder: Decoder, path: string, signal: AbortSignal): Promise<Reading> {
  const isOrderly = await decoder.endedWell();
  if (signal.aborted || (isOrderly && !decoder.isBarren())) return { kind: 'ended' };
  const reason = decoder.complaint() || 'ffmpeg ended before the video did';
  return { kind: 'failed', fault: unreadable(path, reason) };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

const ffmpegMissing = fault(
  'camera.tool-missing',
  'replaying a video needs ffmpeg and ffprobe, which are not installed',
  'Install them: sudo apt install ffmpeg.',
);

const unreadable = (path: string, reason: string) =>
  fault(
    'camera.replay-unreadable',
    `cannot read ${path} as a video: ${reason.trim().split('\n').pop()}`,
    'Name a folder of images, or a video that ffmpeg can play, in camera.path.',
  );
