import { failure, fault, type Outcome, success } from '../../base/fault.ts';
import type { CameraConfig } from '../../contract/camera-config.ts';
import {
  askedSizeOf,
  type FrameColor,
  type FrameGeometry,
  type FrameSize,
  frameBytesOf,
} from '../../contract/frame.ts';

/** What the program is asked for. */
export type StreamPlan = {
  readonly size: FrameSize;
  readonly fps: number;
  /** The number of the camera; the program takes its first one when absent. */
  readonly camera: number | undefined;
};

/** What the program writes for each frame. */
export type FrameLayout = {
  readonly geometry: FrameGeometry;
  /** Bytes of one frame on the pipe: the geometry's, and what the driver added behind them. */
  readonly wireBytes: number;
};

/** Smaller frames save nothing that matters, and ISPs have a least size. */
const leastSize: FrameSize = { width: 320, height: 240 };
/** The Pi 4's ISP pads rows of luma to multiples of 64 bytes; the Pi 5's to 128, or 64 of chroma. */
const widthStep = 64;
/** The ISPs of all Pis end here. */
const largestSize: FrameSize = { width: 3840, height: 2160 };

/** Reads the wish of the config: the size it names, or the least that has what the model needs. */
export function planStream(config: CameraConfig, need: FrameSize): Outcome<StreamPlan> {
  const { device, fps } = config;
  if (device !== undefined && !/^\d{1,2}$/.test(device)) {
    return failure(
      fault(
        'camera.missing',
        `camera.device is ‘${device}’, which is not the number of a Raspberry Pi camera`,
        'Set camera.device to a number that `sightd cameras` shows, or leave it out.',
      ),
    );
  }
  const size = askedSizeOf(config) ?? leastFrameOf(need);
  return success({ size, fps, camera: device === undefined ? undefined : Number(device) });
}

/**
 * The least 4:3 frame that covers the need. The ISP cuts the picture to the proportions it is asked
 * for, and most sensors are 4:3: any other frame would look at less of the scene.
 */
function leastFrameOf(need: FrameSize): FrameSize {
  const wanted = Math.max(leastSize.width, need.width, (need.height * 4) / 3);
  const width = Math.min(largestSize.width, widthStep * Math.ceil(wanted / widthStep));
  return { width, height: Math.min(largestSize.height, (width * 3) / 4) };
}

/** Paddings of luma rows that are known of drivers: none, Pi 4 (bcm2835-isp), Pi 5 (PiSP), older ones. */
const rowSteps = [1, 64, 128, 32, 16];

/**
 * How a frame of so many bytes lies in memory. The program says the bytes of a frame, not its stride,
 * which follows from them. Where it says nothing, rows are padded as the Pi 4 does it.
 */
export function layoutOf(
  size: FrameSize,
  color: FrameColor,
  wireBytes: number | undefined,
): Outcome<FrameLayout> {
  const geometryOf = (stride: number): FrameGeometry => ({
    format: 'YU12',
    ...size,
    stride,
    color,
  });
  const strides = rowSteps.map((step) => step * Math.ceil(size.width / step));
  const padded = geometryOf(widthStep * Math.ceil(size.width / widthStep));
  if (wireBytes === undefined) {
    return success({ geometry: padded, wireBytes: frameBytesOf(padded) });
  }
  const exact = strides.map(geometryOf).find((geometry) => frameBytesOf(geometry) === wireBytes);
  if (exact !== undefined) return success({ geometry: exact, wireBytes });
  // Kernels from 6.6.31 may allocate more than a frame: the rest at the end is nothing.
  if (wireBytes > frameBytesOf(padded)) return success({ geometry: padded, wireBytes });
  return failure(
    fault(
      'camera.unsupported',
      `rpicam-vid writes ${wireBytes} bytes for a frame of ${size.width}×${size.height}, which is no padding that sightd knows`,
      'Set camera.width to a multiple of 128, such as 640 (with camera.height 480).',
    ),
  );
}

/** The program's command line; `metadata` is where it writes what it knows of each frame. */
export function argumentsOf(plan: StreamPlan, metadata: string | undefined): string[] {
  const { size, fps, camera } = plan;
  return [
    ...['--codec', 'yuv420', '--output', '-', '--flush', '--timeout', '0', '--nopreview'],
    ...['--width', String(size.width), '--height', String(size.height)],
    ...['--framerate', String(fps)],
    // Level 2 has it say the bytes of each frame.
    ...['--verbose', '2'],
    ...(camera === undefined ? [] : ['--camera', String(camera)]),
    ...(metadata === undefined ? [] : ['--metadata', metadata, '--metadata-format', 'txt']),
  ];
}
