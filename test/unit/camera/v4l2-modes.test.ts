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
  ...script,
});

/** The sizes that could be asked for, where the model needs one. */
function sizesOf(script: Partial<DriverScript>, need: string): readonly string[] {
  const device = scriptedDevice(driverOf(script));
  const modes = listModes(device, listFormats(device), [sizeOf(need)]);
  return [...new Set(modes.map(textOf))];
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
});
