import { unreachable } from '../base/assert.ts';
import type { FrameColor } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { MIX_ALL, MIX_LUMA, MIX_NONE } from './plan-layout.ts';

/** What a frame's planes hold: luma and chroma in one of the ways to send them, or colours. */
export type SourceColor = FrameColor | 'rgb';

/** One tensor channel from the three planes: each times its factor, and a bias, in 8-bit levels. */
export type ColorMix = {
  readonly factors: readonly [number, number, number];
  readonly bias: number;
};

/** One mix for each tensor channel. */
export function colorMatrixOf(
  source: SourceColor,
  color: ModelInput['color'],
): readonly ColorMix[] {
  const { red, green, blue, gray } = mixesOf[source];
  switch (color) {
    case 'rgb':
      return [red, green, blue];
    case 'bgr':
      return [blue, green, red];
    case 'gray':
      return [gray];
    default:
      return unreachable(color);
  }
}

type Mixes = Readonly<Record<'red' | 'green' | 'blue' | 'gray', ColorMix>>;

/** The parts of red, green and blue in luma. */
type Luma = { readonly red: number; readonly green: number; readonly blue: number };
const luma601: Luma = { red: 0.299, green: 0.587, blue: 0.114 }; // ITU-R BT.601-7, 2.5.1
const luma709: Luma = { red: 0.2126, green: 0.7152, blue: 0.0722 }; // ITU-R BT.709-6, 3.2

/** What the levels 0 to 255 of luma and chroma mean. */
type Range = { readonly black: number; readonly lumaGain: number; readonly chromaGain: number };
const limited: Range = { black: 16, lumaGain: 255 / 219, chromaGain: 255 / 224 };
const full: Range = { black: 0, lumaGain: 1, chromaGain: 1 };

/** Gray is the luma that a frame has, and BT.601's of a frame that has none. */
const mixesOf: Readonly<Record<SourceColor, Mixes>> = {
  bt601: yuvMixes(luma601, limited),
  'bt601-full': yuvMixes(luma601, full),
  bt709: yuvMixes(luma709, limited),
  'bt709-full': yuvMixes(luma709, full),
  rgb: {
    red: { factors: [1, 0, 0], bias: 0 },
    green: { factors: [0, 1, 0], bias: 0 },
    blue: { factors: [0, 0, 1], bias: 0 },
    gray: { factors: [luma601.red, luma601.green, luma601.blue], bias: 0 },
  },
};

function yuvMixes(luma: Luma, { black, lumaGain, chromaGain }: Range): Mixes {
  const red = 2 * (1 - luma.red) * chromaGain;
  const blue = 2 * (1 - luma.blue) * chromaGain;
  const greenOfBlue = (-blue * luma.blue) / luma.green;
  const greenOfRed = (-red * luma.red) / luma.green;
  const bias = -black * lumaGain;
  const mix = (ofBlue: number, ofRed: number): ColorMix => ({
    factors: [lumaGain, ofBlue, ofRed],
    bias: bias - 128 * (ofBlue + ofRed),
  });
  return {
    red: mix(0, red),
    green: mix(greenOfBlue, greenOfRed),
    blue: mix(blue, 0),
    gray: mix(0, 0),
  };
}

type Mixing = { readonly mixing: number; readonly planes: readonly (0 | 1 | 2)[] };

/** The cheapest step of the kernel that does this matrix, and the order it wants the planes in. */
export function mixingOf(mixes: readonly ColorMix[]): Mixing {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [2, 1, 0],
  ] as const;
  for (const planes of orders) {
    const rows = mixes.map(({ factors }) => planes.map((plane) => factors[plane]));
    const flat = rows.flat();
    if (rows.length < 3) break;
    const isBare = mixes.every(({ bias }) => bias === 0);
    if (isBare && flat.every((factor, i) => factor === (i % 4 === 0 ? 1 : 0))) {
      return { mixing: MIX_NONE, planes };
    }
    const [gain, , firstRest, secondGain, , , thirdGain, thirdRest] = flat;
    const isAlike = gain === secondGain && gain === thirdGain;
    if (isAlike && firstRest === 0 && thirdRest === 0) {
      return { mixing: MIX_LUMA, planes };
    }
  }
  return { mixing: MIX_ALL, planes: orders[0] };
}

/** What each plane holds where the tensor shall be `level` in all channels. */
export function neutralOf(source: SourceColor, level: number): readonly [number, number, number] {
  if (source === 'rgb') return [level, level, level];
  const { factors, bias } = mixesOf[source].gray;
  return [(level - bias) / factors[0], 128, 128];
}
