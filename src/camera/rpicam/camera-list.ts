import type { FrameSize } from '../../contract/frame.ts';

/** A way to read the sensor out. */
export type SensorMode = FrameSize & {
  /** The raw format, as `SRGGB10_CSI2P`. */
  readonly format: string;
  /** The highest rate; undefined when the tool does not say. */
  readonly fps: number | undefined;
};

/** A camera at the CSI connector. */
export type RpicamCamera = {
  /** What `camera.device` takes. */
  readonly index: number;
  readonly sensor: string;
  /** Of the whole sensor; undefined when the tool does not say. */
  readonly size: FrameSize | undefined;
  /** Its place in the device tree. */
  readonly path: string;
  readonly modes: readonly SensorMode[];
};

/** More cameras than a Pi has connectors for, with a multiplexer on each. */
const camerasMax = 32;

/**
 * Reads what `--list-cameras` writes:
 *
 *     0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
 *         Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
 *                                  1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
 *                'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
 *
 * Versions of 2022 write all sizes of a format on one line, with or without `(120.00 fps)`.
 */
export function parseCameraList(text: string): readonly RpicamCamera[] {
  const cameras: (RpicamCamera & { modes: SensorMode[] })[] = [];
  let format = '';
  for (const line of text.split('\n')) {
    const camera = parseCamera(line);
    if (camera !== undefined) {
      if (cameras.length === camerasMax) break;
      cameras.push({ ...camera, modes: [] });
      format = '';
      continue;
    }
    const current = cameras.at(-1);
    // Behind an empty line come the camera's controls, if anything.
    format = line.trim() === '' ? '' : (/'([^']+)'\s*:/.exec(line)?.[1] ?? format);
    if (format !== '') current?.modes.push(...parseModes(line, format));
  }
  return cameras;
}

function parseCamera(line: string): Omit<RpicamCamera, 'modes'> | undefined {
  const found = /^(\d{1,2}) : (\S+) (?:\[([^\]]*)\] )?\((.+)\)\s*$/.exec(line);
  if (found === null) return undefined;
  const [, index, sensor = '', properties = '', path = ''] = found;
  const size = /(\d+)x(\d+)/.exec(properties);
  return {
    index: Number(index),
    sensor,
    size: size === null ? undefined : { width: Number(size[1]), height: Number(size[2]) },
    path,
  };
}

function parseModes(line: string, format: string): SensorMode[] {
  // A size at the line's start, behind a colon, a comma or another size; a crop's lies behind a slash.
  const modes = /(?<![\d/])(\d+)x(\d+)(?: [[(]([\d.]+) fps)?/g;
  return [...line.matchAll(modes)].map(([, width, height, fps]) => ({
    format,
    width: Number(width),
    height: Number(height),
    fps: fps === undefined ? undefined : Number(fps),
  }));
}
