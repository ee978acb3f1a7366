import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  captureFormatOf,
  fourccCode,
  fourccText,
  frameColorOf,
  strideOf,
} from '../../../src/camera/v4l2/formats.ts';
import { pixelFormats } from '../../../src/contract/frame.ts';

describe('a fourcc', () => {
  it('is its four letters, the first in the lowest byte', () => {
    assert.equal(fourccCode('YUYV'), 0x5659_5559);
    assert.equal(fourccText(0x5659_5559), 'YUYV');
    assert.equal(fourccText(0x2036_3159), 'Y16 ');
  });

  it('is the same again after both ways', () => {
    for (const text of [...pixelFormats, 'MJPG', 'JPEG', 'NM12', 'Y16 ', 'pBAA']) {
      assert.equal(fourccText(fourccCode(text)), text);
    }
  });

  it('says when it is big-endian, as v4l2-ctl does', () => {
    assert.equal(fourccText((fourccCode('Y16 ') | (1 << 31)) >>> 0), 'Y16 -BE');
  });
});

describe('the format made of a fourcc', () => {
  it('is itself where the pipeline takes it', () => {
    for (const format of [...pixelFormats, 'MJPG']) assert.equal(captureFormatOf(format), format);
  });

  it('is the one with planes in one buffer, where the planes have buffers of their own', () => {
    const formats = ['NM12', 'NM21', 'YM12', 'YM21'].map(captureFormatOf);
    assert.deepEqual(formats, ['NV12', 'NV21', 'YU12', 'YV12']);
  });

  it('is motion JPEG for single JPEGs too', () => {
    assert.equal(captureFormatOf('JPEG'), 'MJPG');
  });

  it('is none for Bayer, deep, compressed and big-endian ones', () => {
    for (const fourcc of ['pBAA', 'Y16 ', 'H264', 'NV16', 'GREY-BE', '']) {
      assert.equal(captureFormatOf(fourcc), undefined, fourcc);
    }
  });
});

/** linux/videodev2.h: enum v4l2_colorspace, v4l2_ycbcr_encoding and v4l2_quantization. */
const space = {
  default: 0,
  smpte170m: 1,
  rec709: 3,
  bt878: 4,
  system470M: 5,
  system470Bg: 6,
  jpeg: 7,
  srgb: 8,
  opRgb: 9,
  raw: 11,
  dciP3: 12,
} as const;
const encodings = { bt601: [1, 3], bt709: [2, 4] } as const;
const full = 1;
const limited = 2;

describe('the colours of a frame', () => {
  it('follow the defaults of the header where the driver tells the colour space alone', () => {
    // V4L2_MAP_YCBCR_ENC_DEFAULT and V4L2_MAP_QUANTIZATION_DEFAULT.
    const others: Partial<Record<keyof typeof space, string>> = {
      rec709: 'bt709',
      dciP3: 'bt709',
      jpeg: 'bt601-full',
    };
    for (const [name, colorspace] of Object.entries(space)) {
      const expected = others[name as keyof typeof space] ?? 'bt601';
      assert.equal(frameColorOf(colorspace, 0, 0), expected, name);
    }
  });

  it('follow the encoding that the driver tells, whatever the colour space', () => {
    for (const [color, codes] of Object.entries(encodings)) {
      for (const encoding of codes) {
        assert.equal(frameColorOf(space.srgb, encoding, limited), color);
        assert.equal(frameColorOf(space.rec709, encoding, limited), color);
        assert.equal(frameColorOf(space.smpte170m, encoding, full), `${color}-full`);
      }
    }
  });

  it('follow the range that the driver tells, whatever the colour space', () => {
    assert.equal(frameColorOf(space.jpeg, 0, limited), 'bt601');
    assert.equal(frameColorOf(space.rec709, 0, full), 'bt709-full');
    assert.equal(frameColorOf(space.default, 0, full), 'bt601-full');
  });

  it('are of the whole range in the colour space of JPEGs, whatever the encoding', () => {
    assert.equal(frameColorOf(space.jpeg, encodings.bt709[0], 0), 'bt709-full');
  });
});

describe('the stride of a frame', () => {
  it('is what the driver says, unless a row would not fit', () => {
    assert.equal(strideOf('YUYV', 640, 1344), 1344);
    assert.equal(strideOf('YUYV', 640, 1280), 1280);
    for (const wrong of [0, 640, 1279]) assert.equal(strideOf('YUYV', 640, wrong), 1280);
    assert.equal(strideOf('NV12', 640, 0), 640);
  });
});
