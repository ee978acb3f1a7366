import type { FrameSize, FrameView } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';

/** The flattest picture that cameras usually give. */
const flattest = 9 / 16;

/**
 * The least frame from which the model's input is shrunk in both directions and never enlarged: more
 * pixels would be left out again, fewer would be missed.
 */
export function frameNeedOf(input: ModelInput, view: FrameView): FrameSize {
  const turned = least(input);
  const isSideways = view.rotate === 90 || view.rotate === 270;
  const width = isSideways ? turned.height : turned.width;
  const height = isSideways ? turned.width : turned.height;
  return {
    width: Math.ceil(width / view.region.width),
    height: Math.ceil(height / view.region.height),
  };
}

function least({ width, height, resize }: ModelInput): FrameSize {
  switch (resize.rule) {
    case 'center-crop':
      return { width: width / resize.fraction, height: height / resize.fraction };
    case 'squash':
      return { width, height };
    case 'letterbox':
      // The longer side fills the input; the shorter one leaves bars.
      return { width, height: Math.min(height, width * flattest) };
  }
}
