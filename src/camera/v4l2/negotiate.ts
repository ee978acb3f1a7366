import { failure, fault, type Outcome, success } from '../../base/fault.ts';
import type { FrameColor, FrameSize } from '../../contract/frame.ts';
import type { CaptureDevice } from './device.ts';
import { fourccCode, fourccText, frameColorOf } from './formats.ts';
import type { Mode } from './modes.ts';
import { createRecord, type StructRecord } from './record.ts';
import * as v4l2 from './structs.ts';

/** What the driver granted, which may be other than what was asked. */
export type Granted = {
  readonly fourcc: string;
  readonly width: number;
  readonly height: number;
  readonly color: FrameColor;
  /** Frames per second; undefined when the driver does not say. */
  readonly fps: number | undefined;
  readonly planes: readonly GrantedPlane[];
};
/** One memory area of a frame: one in the single-planar interface, up to three in the other. */
export type GrantedPlane = { readonly bytesPerLine: number; readonly bytes: number };

/** Sets format, size and rate, and says what came of it. */
export function negotiate(device: CaptureDevice, mode: Mode, fps: number): Outcome<Granted> {
  const format = setFormat(device, mode);
  if (!format.ok) return format;
  if (format.value.fourcc !== mode.fourcc) {
    const sentence = `${device.path}: asked for ${mode.fourcc}, the driver gives ${format.value.fourcc}`;
    return failure(fault('camera.refused', sentence, 'Set another camera.format.'));
  }
  return success({ ...format.value, fps: setRate(device, fps) });
}

type GrantedFormat = Omit<Granted, 'fps'>;

/** What both interfaces' formats have, though at other places. */
type FormatRecord = {
  readonly record: StructRecord<
    keyof typeof v4l2.v4l2Format.fields & keyof typeof v4l2.v4l2FormatMplane.fields
  >;
  readonly planes: () => readonly GrantedPlane[];
};

function createFormat(device: CaptureDevice, fourcc: string, size: FrameSize): FormatRecord {
  const format = device.isMultiplanar ? createMultiplanar() : createSingleplanar();
  const { record } = format;
  record.set('type', device.bufferType);
  record.set('width', size.width);
  record.set('height', size.height);
  record.set('pixelformat', fourccCode(fourcc));
  record.set('field', v4l2.V4L2_FIELD_NONE);
  return format;
}

function createSingleplanar(): FormatRecord {
  const record = createRecord(v4l2.v4l2Format);
  return {
    record,
    planes: () => [{ bytesPerLine: record.get('bytesperline'), bytes: record.get('sizeimage') }],
  };
}

function createMultiplanar(): FormatRecord {
  const record = createRecord(v4l2.v4l2FormatMplane);
  const { offset } = v4l2.v4l2FormatMplane.fields.plane_fmt;
  return {
    record,
    planes: () =>
      Array.from({ length: Math.min(record.get('num_planes'), v4l2.planesMax) }, (_, index) => {
        const at = offset + index * v4l2.v4l2PlanePixFormat.bytes;
        const plane = createRecord(v4l2.v4l2PlanePixFormat, record.bytes.subarray(at));
        return { bytesPerLine: plane.get('bytesperline'), bytes: plane.get('sizeimage') };
      }),
  };
}

/** Asks for a format and reads what came of it. */
function setFormat(device: CaptureDevice, mode: Mode): Outcome<GrantedFormat> {
  const { record, planes } = createFormat(device, mode.fourcc, mode);
  const errno = device.request('VIDIOC_S_FMT', record);
  if (errno !== 0) return failure(device.faultOf(errno, 'VIDIOC_S_FMT'));
  return success({
    fourcc: fourccText(record.get('pixelformat')),
    width: record.get('width'),
    height: record.get('height'),
    color: frameColorOf(
      record.get('colorspace'),
      record.get('ycbcr_enc'),
      record.get('quantization'),
    ),
    planes: planes(),
  });
}

/** The size that the driver would grant, without asking for it; undefined when it does not take the format. */
export function trySize(
  device: CaptureDevice,
  fourcc: string,
  size: FrameSize,
): FrameSize | undefined {
  const { record } = createFormat(device, fourcc, size);
  if (device.request('VIDIOC_TRY_FMT', record) !== 0) return undefined;
  if (record.get('pixelformat') !== fourccCode(fourcc)) return undefined;
  return { width: record.get('width'), height: record.get('height') };
}

/** Asks for a rate; many drivers round it, some (HDMI grabbers) have none to set. */
function setRate(device: CaptureDevice, fps: number): number | undefined {
  const record = createRecord(v4l2.v4l2Streamparm);
  record.set('type', device.bufferType);
  if (device.request('VIDIOC_G_PARM', record) !== 0) return undefined;
  if ((record.get('capability') & v4l2.V4L2_CAP_TIMEPERFRAME) !== 0) {
    // Thousandths, so that 29.97 can be said.
    record.set('numerator', 1000);
    record.set('denominator', Math.round(fps * 1000));
    device.request('VIDIOC_S_PARM', record);
  }
  const granted = record.get('denominator') / record.get('numerator');
  return Number.isFinite(granted) && granted > 0 ? granted : undefined;
}
