import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listFormats, listModes } from '../../../src/camera/v4l2/modes.ts';
import type { FrameSize } from '../../../src/contract/frame.ts';
import { type DriverScript, scriptedDevice } from '../../support/capture-device.ts';

const sizeOf = (text: string): FrameSize => {
  const [width = 0, height = 0] = text.split('×').map(Number);
  return { width, height };
};
const textOf = ({ width, height }: FrameSize): string => `${width}×${height}`;

/** A driver of YUYV alone. */
const driverOf = (script: Partial<DriverScript>): DriverScript => ({
  fourccs: ['YUYV'],
  sizes: [],
  step: sizeOf('1×1'),
  grant: (size) => size,
  picture: undefined,
  ...script,
});

/** The sizes that could be asked for, where the model needs one and the config may name one. */
function sizesOf(script: Partial<DriverScript>, need: string, size?: string): readonly string[] {
  const device = scriptedDevice(driverOf(script));
  const wish = { need: sizeOf(need), size: size === undefined ? undefined : sizeOf(size) };
  return [...new Set(listModes(device, listFormats(device), wish).map(textOf))];
}

describe('the sizes of a camera', () => {
  it('are those it lists', () => {
    const sizes = ['320×240', '640×480', '333×250'].map(sizeOf);
    assert.deepEqual(sizesOf({ sizes }, '96×96'), ['320×240', '640×480']);
  });

  it('are those it makes of others, where it lists none', () => {
    assert.deepEqual(sizesOf({ grant: () => sizeOf('720×576') }, '96×96'), ['720×576']);
    const grant = ({ width }: FrameSize): FrameSize => sizeOf(width < 500 ? '360×240' : '720×480');
    assert.deepEqual(sizesOf({ grant }, '96×96'), ['360×240', '720×480']);
  });

  const range = { sizes: { min: sizeOf('16×16'), max: sizeOf('4096×2304') } };

  it('are within its range, in the proportions of its picture', () => {
    const wide = { ...range, picture: sizeOf('1280×720') };
    assert.deepEqual(sizesOf(wide, '96×96'), [
      ...['428×240', '640×360', '854×480', '1280×720', '1920×1080'],
    ]);
    // As wide as the model needs, and as high.
    assert.deepEqual(sizesOf(wide, '512×96').slice(0, 2), ['512×288', '640×360']);
    assert.deepEqual(sizesOf(wide, '300×300').slice(0, 2), ['534×300', '640×360']);
    assert.deepEqual(sizesOf({ ...range, picture: sizeOf('720×576') }, '96×96')[0], '300×240');
  });

  it('are in the proportions of the largest, where the driver does not tell its picture', () => {
    assert.equal(sizesOf(range, '96×96')[1], '640×360');
    assert.equal(sizesOf({ ...range, picture: sizeOf('0×0') }, '96×96')[1], '640×360');
  });

  it('are the one that the config names, rounded up to a step of the range', () => {
    const picture = sizeOf('1280×720');
    assert.deepEqual(sizesOf({ ...range, picture }, '96×96', '800×600'), ['800×600']);
    const step = sizeOf('32×4');
    assert.deepEqual(sizesOf({ ...range, picture, step }, '96×96', '800×600'), ['816×600']);
    assert.deepEqual(sizesOf({ ...range, picture }, '96×96', '9000×9000'), ['4096×2304']);
  });
});
