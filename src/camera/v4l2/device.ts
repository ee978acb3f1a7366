import { constants } from 'node:os';
import { type Fault, failure, fault, type Outcome, success } from '../../base/fault.ts';
import { openDevice, requestDevice } from '../../base/libc.ts';
import { faultOf } from './faults.ts';
import { createRecord, type StructRecord } from './record.ts';
import * as v4l2 from './structs.ts';

const { EBUSY, ENODEV } = constants.errno;

/** An open V4L2 capture device. */
export interface CaptureDevice extends Disposable {
  readonly path: string;
  readonly descriptor: number;
  readonly identity: DeviceIdentity;
  /** Whether it has the multi-planar interface, and so the buffer type to say in every request. */
  readonly isMultiplanar: boolean;
  readonly bufferType: number;
  /**
   * Whether it is one end of a chain of sensors, converters and processors that a program must put
   * together before anything comes out of it.
   */
  readonly isPart: boolean;
  /** Makes a request; 0, or the errno. */
  request(name: v4l2.RequestName, argument: StructRecord<string> | Uint8Array): number;
  /** The fault that an errno of a request is. */
  faultOf(errno: number, name: v4l2.RequestName): Fault;
}

export type DeviceIdentity = {
  readonly driver: string;
  /** The camera's name. */
  readonly card: string;
  /** Where it is attached, as `usb-0000:01:00.0-1.2`. */
  readonly bus: string;
};

/** Opens a device node and makes sure that it is a camera that streams. */
export function openCaptureDevice(path: string): Outcome<CaptureDevice> {
  const opened = openDevice(path);
  if (!opened.ok) return failure(faultOf(opened.errno, path, 'open'));
  const held = opened.value;
  const descriptor = held.number;
  const capability = createRecord(v4l2.v4l2Capability);
  const errno = requestDevice(descriptor, v4l2.requests.VIDIOC_QUERYCAP, capability.bytes);
  const problem = errno === 0 ? problemOf(path, capability) : notACamera(path, errno);
  if (problem !== undefined) {
    held[Symbol.dispose]();
    return failure(problem);
  }
  const isMultiplanar = (capabilitiesOf(capability) & v4l2.V4L2_CAP_VIDEO_CAPTURE) === 0;
  return success({
    path,
    descriptor,
    identity: {
      driver: capability.text('driver'),
      card: nameOf(capability.text('card')),
      bus: capability.text('bus_info'),
    },
    isMultiplanar,
    bufferType: isMultiplanar
      ? v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
      : v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE,
    isPart: (capabilitiesOf(capability) & v4l2.V4L2_CAP_IO_MC) !== 0,
    request: (name, argument) =>
      requestDevice(
        descriptor,
        v4l2.requests[name],
        argument instanceof Uint8Array ? argument : argument.bytes,
      ),
    faultOf: (code, name) => faultOf(code, path, name),
    [Symbol.dispose]: () => held[Symbol.dispose](),
  });
}

/** USB cameras are named `Vendor: Product` by their driver, and often vendor and product are the same. */
function nameOf(card: string): string {
  const [vendor, product] = card.split(': ');
  return vendor === product && vendor !== undefined ? vendor : card;
}

/** What this node can do, not what the whole device with all its nodes can. */
function capabilitiesOf(capability: StructRecord<keyof typeof v4l2.v4l2Capability.fields>): number {
  const all = capability.get('capabilities');
  return (all & v4l2.V4L2_CAP_DEVICE_CAPS) === 0 ? all : capability.get('device_caps');
}

function problemOf(
  path: string,
  capability: StructRecord<keyof typeof v4l2.v4l2Capability.fields>,
): Fault | undefined {
  const can = capabilitiesOf(capability);
  const captures = v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_VIDEO_CAPTURE_MPLANE;
  const converts = v4l2.V4L2_CAP_VIDEO_M2M | v4l2.V4L2_CAP_VIDEO_M2M_MPLANE;
  const isCamera = (can & captures) !== 0 && (can & converts) === 0;
  if (!isCamera) return notACamera(path, undefined);
  if ((can & v4l2.V4L2_CAP_STREAMING) !== 0) return undefined;
  return fault(
    'camera.unsupported',
    `${path}: its driver ${capability.text('driver')} cannot stream into memory`,
    'Use another camera.',
  );
}

function notACamera(path: string, errno: number | undefined): Fault {
  if (errno === ENODEV || errno === EBUSY) return faultOf(errno, path, 'VIDIOC_QUERYCAP');
  return fault(
    'camera.unsupported',
    `${path} is not a camera`,
    'Name a camera in camera.device; `sightd cameras` shows what is there.',
  );
}
