import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { type FrameSize, type FrameView, wholeFrame } from '../../../src/contract/frame.ts';
import type { ModelInput, ResizeRule } from '../../../src/contract/manifest.ts';
import { frameNeedOf } from '../../../src/daemon/frame-need.ts';
import { pixelRegionOf } from '../../../src/inference/pixel-region.ts';
import { type Axis, placementOf } from '../../../src/inference/resampling.ts';
import { anyView, inputOf, rules } from '../../support/kernel-room.ts';

const rotations = [0, 90, 180, 270] as const;
const crop = (fraction: number): ResizeRule => ({ rule: 'center-crop', fraction });
const squash: ResizeRule = { rule: 'squash' };
const letterbox: ResizeRule = { rule: 'letterbox' };

const viewOf = (part: Partial<FrameView['region']>, rotate: FrameView['rotate']): FrameView => ({
  region: { ...wholeFrame.region, ...part },
  rotate,
});

describe('the frame that a model needs', () => {
  const wide = { width: 320, height: 160 };
  const square = { width: 224, height: 224 };
  const half = { x: 0.25, width: 0.5 };
  const quarter = { y: 0.5, height: 0.25 };
  type Row = [ResizeRule, FrameSize, FrameView, width: number, height: number];
  const cases: readonly Row[] = [
    [crop(0.875), square, wholeFrame, 256, 256],
    [crop(1), square, wholeFrame, 224, 224],
    [crop(0.5), wide, wholeFrame, 640, 320],
    [crop(0.7), square, wholeFrame, 320, 320],
    [squash, wide, wholeFrame, 320, 160],
    [squash, wide, viewOf({}, 180), 320, 160],
    [squash, wide, viewOf({}, 90), 160, 320],
    [crop(0.5), wide, viewOf({}, 270), 320, 640],
    [squash, wide, viewOf(half, 0), 640, 160],
    [squash, wide, viewOf(quarter, 0), 320, 640],
    [squash, wide, viewOf({ ...half, ...quarter }, 0), 640, 640],
    [squash, wide, viewOf({ ...half, ...quarter }, 90), 320, 1280],
    [squash, wide, viewOf({ width: 0.3 }, 0), 1067, 160],
    // Bars fill what a wide picture does not.
    [letterbox, { width: 640, height: 640 }, wholeFrame, 640, 360],
    [letterbox, { width: 640, height: 320 }, wholeFrame, 640, 320],
  ];
  for (const [resize, size, view, width, height] of cases) {
    const { region, rotate } = view;
    const rule = resize.rule === 'center-crop' ? `a crop of ${resize.fraction}` : resize.rule;
    const part = region === wholeFrame.region ? '' : ` of ${region.width} × ${region.height}`;
    it(`is ${width}×${height} for ${rule} to ${size.width}×${size.height}${part}, turned by ${rotate}°`, () => {
      assert.deepEqual(frameNeedOf(inputOf({ ...size, resize }), view), { width, height });
    });
  }
});

/** What the tensor kernel makes of a frame: pixels of it along each axis, and elements made of them. */
function axesOf(input: ModelInput, frame: FrameSize, view: FrameView): readonly Axis[] {
  const geometry = { ...frame, format: 'RGB3', stride: frame.width * 3, color: 'bt601' } as const;
  const region = pixelRegionOf(geometry, view.region);
  const { columns, rows } = placementOf(input, region.width, region.height, view.rotate);
  return [columns, rows];
}

function anyInput(random: Random): ModelInput {
  const size = (): number => 8 + Math.floor(random() * 500);
  const anyCrop = crop(0.2 + 0.8 * random());
  const resize = [...rules, anyCrop][Math.floor(random() * (rules.length + 1))] ?? anyCrop;
  return inputOf({ width: size(), height: size(), resize });
}

/** The least number of pixels that an element is made of; below 1 the kernel enlarges. */
const shrinkOf = (axes: readonly Axis[]): number =>
  Math.min(...axes.map(({ length, size }) => length / size));

describe('a frame of the size that a model needs', () => {
  it('is never enlarged, nor is any larger frame, however it is turned', () => {
    for (let seed = 1; seed <= 2000; seed += 1) {
      const random = createRandom(seed);
      const input = anyInput(random);
      const rotate = rotations[seed % 4] ?? 0;
      const view = { ...wholeFrame, rotate };
      const need = frameNeedOf(input, view);
      const larger = {
        width: need.width + Math.floor(random() * 1000),
        height: need.height + Math.floor(random() * 1000),
      };
      for (const frame of [need, larger]) {
        const where = `seed ${seed}: ${JSON.stringify({ input, frame, rotate })}`;
        assert.ok(shrinkOf(axesOf(input, frame, view)) >= 1 - 1e-9, where);
      }
    }
  });

  it('is not enlarged by more than the pixel that a region loses to rounding', () => {
    for (let seed = 1; seed <= 2000; seed += 1) {
      const random = createRandom(seed);
      const input = anyInput(random);
      const view = anyView(random);
      const frame = frameNeedOf(input, view);
      const lost = 1 / Math.min(input.width, input.height);
      const where = `seed ${seed}: ${JSON.stringify({ input, view, frame })}`;
      assert.ok(shrinkOf(axesOf(input, frame, view)) >= 1 - lost - 1e-9, where);
    }
  });

  it('is the least: a tenth less along either axis is enlarged, where there are no bars', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = createRandom(seed);
      const input = anyInput(random);
      if (input.resize.rule === 'letterbox') continue;
      const view = { ...wholeFrame, rotate: rotations[seed % 4] ?? 0 };
      const { width, height } = frameNeedOf(input, view);
      for (const frame of [
        { width: Math.floor(width * 0.9), height },
        { width, height: Math.floor(height * 0.9) },
      ]) {
        assert.ok(shrinkOf(axesOf(input, frame, view)) < 1, `seed ${seed}`);
      }
    }
  });
});
