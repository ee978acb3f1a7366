import { unreachable } from '../base/assert.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { MIX_ALL, MIX_LUMA, MIX_NONE } from './plan-layout.ts';

/** `yuv601`: BT.601, limited range (luma 16 to 235, chroma 16 to 240), as cameras send YUYV. */
export type SourceColor = 'yuv601' | 'rgb';

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

/** ITU-R BT.601: the parts of red, green and blue in luma. */
const luma = { red: 0.299, green: 0.587, blue: 0.114 };

const mixesOf: Readonly<Record<SourceColor, Mixes>> = {
  yuv601: yuvMixes(255 / 219, 255 / 224, 16),
  rgb: {
    red: { factors: [1, 0, 0], bias: 0 },
    green: { factors: [0, 1, 0], bias: 0 },
    blue: { factors: [0, 0, 1], bias: 0 },
    gray: { factors: [luma.red, luma.green, luma.blue], bias: 0 },
  },
};

/** Full range would be `yuvMixes(1, 1, 0)`. */
function yuvMixes(lumaGain: number, chromaGain: number, black: number): Mixes {
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
