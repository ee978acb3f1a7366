import type { CaptureDevice } from '../../src/camera/v4l2/device.ts';
import { faultOf } from '../../src/camera/v4l2/faults.ts';
import { fourccCode } from '../../src/camera/v4l2/formats.ts';
import type { StructRecord } from '../../src/camera/v4l2/record.ts';
import {
  type RequestName,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_SEL_TGT_CROP_DEFAULT,
} from '../../src/camera/v4l2/structs.ts';
import type { FrameSize } from '../../src/contract/frame.ts';

/** What a made-up driver knows. */
export type DriverScript = {
  readonly fourccs: readonly string[];
  /** Sizes that it lists: so many, or all between two; none when there is nothing. */
  readonly sizes: readonly FrameSize[] | { readonly min: FrameSize; readonly max: FrameSize };
  readonly step: FrameSize;
  /** The size it makes of one that is asked for. */
  readonly grant: (size: FrameSize) => FrameSize;
  /** The whole picture, where it tells. */
  readonly picture: FrameSize | undefined;
};

const EINVAL = 22;
const ENOTTY = 25;
const stepwise = 3;

/** A V4L2 device that answers what is asked of one before it streams. */
export function scriptedDevice(script: DriverScript): CaptureDevice {
  const answers: Partial<Record<RequestName, (entry: StructRecord<string>) => boolean>> = {
    VIDIOC_ENUM_FMT: (entry) => {
      const fourcc = script.fourccs[entry.get('index')];
      if (fourcc !== undefined) entry.set('pixelformat', fourccCode(fourcc));
      return fourcc !== undefined;
    },
    VIDIOC_ENUM_FRAMESIZES: (entry) => {
      const { sizes, step } = script;
      const index = entry.get('index');
      if ('min' in sizes) {
        entry.set('type', stepwise);
        for (const [name, size] of Object.entries({ ...sizes, step })) {
          entry.set(`${name}_width`, size.width);
          entry.set(`${name}_height`, size.height);
        }
        return index === 0;
      }
      const size = sizes[index];
      if (size === undefined) return false;
      entry.set('type', 1);
      entry.set('min_width', size.width);
      entry.set('max_width', size.height);
      return true;
    },
    VIDIOC_TRY_FMT: (entry) => {
      const size = script.grant({ width: entry.get('width'), height: entry.get('height') });
      entry.set('width', size.width);
      entry.set('height', size.height);
      return true;
    },
    VIDIOC_G_SELECTION: (entry) => {
      const { picture } = script;
      if (picture === undefined || entry.get('target') !== V4L2_SEL_TGT_CROP_DEFAULT) return false;
      entry.set('width', picture.width);
      entry.set('height', picture.height);
      return true;
    },
  };
  return {
    path: '/dev/video0',
    descriptor: -1,
    identity: { driver: 'scripted', card: 'Scripted', bus: 'none' },
    isMultiplanar: false,
    isPart: false,
    bufferType: V4L2_BUF_TYPE_VIDEO_CAPTURE,
    request: (name, argument) => {
      const answer = answers[name];
      if (answer === undefined || argument instanceof Uint8Array) return ENOTTY;
      return answer(argument) ? 0 : EINVAL;
    },
    faultOf: (errno, name) => faultOf(errno, '/dev/video0', name),
    [Symbol.dispose]: () => {},
  };
}
