import { type Layout, layoutOf } from './record.ts';

/** The structures and numbers of linux/videodev2.h that are used here, by their names there. */

export const v4l2Capability = layoutOf('v4l2_capability', {
  driver: 16,
  card: 32,
  bus_info: 32,
  version: 'u32',
  capabilities: 'u32',
  device_caps: 'u32',
  reserved: 12,
});

export const v4l2Fmtdesc = layoutOf('v4l2_fmtdesc', {
  index: 'u32',
  type: 'u32',
  flags: 'u32',
  description: 32,
  pixelformat: 'u32',
  mbus_code: 'u32',
  reserved: 12,
});

/** A discrete size lies where the stepwise one has its least and its greatest width. */
export const v4l2Frmsizeenum = layoutOf('v4l2_frmsizeenum', {
  index: 'u32',
  pixel_format: 'u32',
  type: 'u32',
  min_width: 'u32',
  max_width: 'u32',
  step_width: 'u32',
  min_height: 'u32',
  max_height: 'u32',
  step_height: 'u32',
  reserved: 8,
});

/** A discrete interval lies where the stepwise one has its least. Intervals are in seconds. */
export const v4l2Frmivalenum = layoutOf('v4l2_frmivalenum', {
  index: 'u32',
  pixel_format: 'u32',
  width: 'u32',
  height: 'u32',
  type: 'u32',
  min_numerator: 'u32',
  min_denominator: 'u32',
  max_numerator: 'u32',
  max_denominator: 'u32',
  step: 8,
  reserved: 8,
});

/** The union in v4l2_format holds pointers for other buffer types, and so begins at 8. */
const formatOptions = { packed: false, bytes: 208 };

export const v4l2Format = layoutOf(
  'v4l2_format',
  {
    type: 'u32',
    alignment: 4,
    width: 'u32',
    height: 'u32',
    pixelformat: 'u32',
    field: 'u32',
    bytesperline: 'u32',
    sizeimage: 'u32',
    colorspace: 'u32',
    priv: 'u32',
    flags: 'u32',
    ycbcr_enc: 'u32',
    quantization: 'u32',
    xfer_func: 'u32',
  },
  formatOptions,
);

export const planesMax = 8;
/** v4l2_plane_pix_format: sizeimage, bytesperline, six reserved 16-bit words. */
const planeFormatBytes = 20;

export const v4l2FormatMplane = layoutOf(
  'v4l2_format',
  {
    type: 'u32',
    alignment: 4,
    width: 'u32',
    height: 'u32',
    pixelformat: 'u32',
    field: 'u32',
    colorspace: 'u32',
    plane_fmt: planesMax * planeFormatBytes,
    num_planes: 'u8',
    flags: 'u8',
    ycbcr_enc: 'u8',
    quantization: 'u8',
    xfer_func: 'u8',
  },
  formatOptions,
);

export const v4l2PlanePixFormat = layoutOf('v4l2_plane_pix_format', {
  sizeimage: 'u32',
  bytesperline: 'u32',
  reserved: 12,
});

/** `r` is where the rectangle lies and how large it is. */
export const v4l2Selection = layoutOf('v4l2_selection', {
  type: 'u32',
  target: 'u32',
  flags: 'u32',
  left: 's32',
  top: 's32',
  width: 'u32',
  height: 'u32',
  reserved: 36,
});

export const v4l2Streamparm = layoutOf(
  'v4l2_streamparm',
  {
    type: 'u32',
    capability: 'u32',
    capturemode: 'u32',
    numerator: 'u32',
    denominator: 'u32',
    extendedmode: 'u32',
    readbuffers: 'u32',
  },
  { packed: false, bytes: 204 },
);

export const v4l2Requestbuffers = layoutOf('v4l2_requestbuffers', {
  count: 'u32',
  type: 'u32',
  memory: 'u32',
  capabilities: 'u32',
  flags: 'u8',
  reserved: 3,
});

/** `m` is an offset to map, a user's address, or the address of the planes. */
export const v4l2Buffer = layoutOf('v4l2_buffer', {
  index: 'u32',
  type: 'u32',
  bytesused: 'u32',
  flags: 'u32',
  field: 'u32',
  tv_sec: 's64',
  tv_usec: 's64',
  timecode: 16,
  sequence: 'u32',
  memory: 'u32',
  m: 'u64',
  length: 'u32',
  reserved2: 'u32',
  request_fd: 's32',
});

export const v4l2Plane = layoutOf('v4l2_plane', {
  bytesused: 'u32',
  length: 'u32',
  m: 'u64',
  data_offset: 'u32',
  reserved: 44,
});

export const v4l2QueryExtCtrl = layoutOf('v4l2_query_ext_ctrl', {
  id: 'u32',
  type: 'u32',
  name: 32,
  minimum: 's64',
  maximum: 's64',
  step: 'u64',
  default_value: 's64',
  flags: 'u32',
  elem_size: 'u32',
  elems: 'u32',
  nr_of_dims: 'u32',
  dims: 16,
  reserved: 128,
});

export const v4l2Querymenu = layoutOf(
  'v4l2_querymenu',
  { id: 'u32', index: 'u32', name: 32, reserved: 'u32' },
  { packed: true, bytes: undefined },
);

/** The value of an integer menu's item lies where the name of another menu's is. */
export const v4l2QuerymenuValue = layoutOf(
  'v4l2_querymenu',
  { id: 'u32', index: 'u32', value: 's64', rest: 24, reserved: 'u32' },
  { packed: true, bytes: undefined },
);

export const v4l2ExtControl = layoutOf(
  'v4l2_ext_control',
  { id: 'u32', size: 'u32', reserved2: 'u32', value64: 's64' },
  { packed: true, bytes: undefined },
);

export const v4l2ExtControls = layoutOf('v4l2_ext_controls', {
  which: 'u32',
  count: 'u32',
  error_idx: 'u32',
  request_fd: 's32',
  reserved: 'u32',
  controls: 'u64',
});

/** Every structure here, for the test that holds them against the kernel's own header. */
export const layouts: readonly Layout<string>[] = [
  v4l2Capability,
  v4l2Fmtdesc,
  v4l2Frmsizeenum,
  v4l2Frmivalenum,
  v4l2Format,
  v4l2FormatMplane,
  v4l2PlanePixFormat,
  v4l2Selection,
  v4l2Streamparm,
  v4l2Requestbuffers,
  v4l2Buffer,
  v4l2Plane,
  v4l2QueryExtCtrl,
  v4l2Querymenu,
  v4l2QuerymenuValue,
  v4l2ExtControl,
  v4l2ExtControls,
];

/** Which way a request's structure goes, as the caller sees it (asm-generic/ioctl.h). */
const directions = { write: 1, read: 2, both: 3 } as const;

/** A request's number: direction, the structure's size, 'V', and its own number. */
function requestOf(direction: keyof typeof directions, number: number, bytes: number): number {
  return ((directions[direction] << 30) | (bytes << 16) | (0x56 << 8) | number) >>> 0;
}

export const requests = {
  VIDIOC_QUERYCAP: requestOf('read', 0, v4l2Capability.bytes),
  VIDIOC_ENUM_FMT: requestOf('both', 2, v4l2Fmtdesc.bytes),
  VIDIOC_S_FMT: requestOf('both', 5, v4l2Format.bytes),
  VIDIOC_REQBUFS: requestOf('both', 8, v4l2Requestbuffers.bytes),
  VIDIOC_QUERYBUF: requestOf('both', 9, v4l2Buffer.bytes),
  VIDIOC_QBUF: requestOf('both', 15, v4l2Buffer.bytes),
  VIDIOC_DQBUF: requestOf('both', 17, v4l2Buffer.bytes),
  VIDIOC_STREAMON: requestOf('write', 18, 4),
  VIDIOC_STREAMOFF: requestOf('write', 19, 4),
  VIDIOC_G_PARM: requestOf('both', 21, v4l2Streamparm.bytes),
  VIDIOC_S_PARM: requestOf('both', 22, v4l2Streamparm.bytes),
  VIDIOC_QUERYMENU: requestOf('both', 37, v4l2Querymenu.bytes),
  VIDIOC_TRY_FMT: requestOf('both', 64, v4l2Format.bytes),
  VIDIOC_G_EXT_CTRLS: requestOf('both', 71, v4l2ExtControls.bytes),
  VIDIOC_S_EXT_CTRLS: requestOf('both', 72, v4l2ExtControls.bytes),
  VIDIOC_ENUM_FRAMESIZES: requestOf('both', 74, v4l2Frmsizeenum.bytes),
  VIDIOC_ENUM_FRAMEINTERVALS: requestOf('both', 75, v4l2Frmivalenum.bytes),
  VIDIOC_G_SELECTION: requestOf('both', 94, v4l2Selection.bytes),
  VIDIOC_QUERY_EXT_CTRL: requestOf('both', 103, v4l2QueryExtCtrl.bytes),
} as const;
export type RequestName = keyof typeof requests;

export const V4L2_CAP_VIDEO_CAPTURE = 0x1;
export const V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x1000;
export const V4L2_CAP_VIDEO_M2M_MPLANE = 0x4000;
export const V4L2_CAP_VIDEO_M2M = 0x8000;
export const V4L2_CAP_STREAMING = 0x4000000;
export const V4L2_CAP_IO_MC = 0x20000000;
export const V4L2_CAP_DEVICE_CAPS = 0x80000000;
export const V4L2_CAP_TIMEPERFRAME = 0x1000;

export const V4L2_BUF_TYPE_VIDEO_CAPTURE = 1;
export const V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE = 9;
export const V4L2_MEMORY_MMAP = 1;
export const V4L2_FIELD_NONE = 1;

export const V4L2_BUF_FLAG_ERROR = 0x40;
export const V4L2_BUF_FLAG_TIMESTAMP_MASK = 0xe000;
export const V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = 0x2000;

export const V4L2_FRMSIZE_TYPE_DISCRETE = 1;
export const V4L2_FRMIVAL_TYPE_DISCRETE = 1;

export const V4L2_SEL_TGT_CROP_DEFAULT = 0x1;

export const V4L2_COLORSPACE_REC709 = 3;
export const V4L2_COLORSPACE_JPEG = 7;
export const V4L2_COLORSPACE_DCI_P3 = 12;
export const V4L2_YCBCR_ENC_709 = 2;
export const V4L2_YCBCR_ENC_XV709 = 4;
export const V4L2_QUANTIZATION_FULL_RANGE = 1;

export const V4L2_CTRL_FLAG_NEXT_CTRL = 0x80000000;
export const V4L2_CTRL_FLAG_DISABLED = 0x1;
export const V4L2_CTRL_FLAG_READ_ONLY = 0x4;
export const V4L2_CTRL_FLAG_INACTIVE = 0x10;
export const V4L2_CTRL_FLAG_WRITE_ONLY = 0x40;
export const V4L2_CTRL_FLAG_HAS_PAYLOAD = 0x100;
export const V4L2_CTRL_TYPE_INTEGER = 1;
export const V4L2_CTRL_TYPE_BOOLEAN = 2;
export const V4L2_CTRL_TYPE_MENU = 3;
export const V4L2_CTRL_TYPE_BUTTON = 4;
export const V4L2_CTRL_TYPE_INTEGER64 = 5;
export const V4L2_CTRL_TYPE_BITMASK = 8;
export const V4L2_CTRL_TYPE_INTEGER_MENU = 9;
