import { createRandom } from '../../src/base/random.ts';

/**
 * A small convolutional classifier with its forward and backward pass, one picture at a time.
 *
 * Pictures and activations are NHWC: side × side × channels. Each stage is a 3×3 convolution with
 * stride 2 and one pixel of zeros around, then ReLU; after the last one the largest value of each
 * channel is taken over all places, because a visitor may be anywhere, and a linear layer makes the
 * scores of it.
 */
export type Stage = {
  readonly side: number;
  readonly channels: number;
  readonly outSide: number;
  readonly outChannels: number;
  /** outChannels rows of 9 × channels: tap by tap, row of taps by row of taps. */
  readonly weights: Float64Array;
  readonly bias: Float64Array;
};

export type Network = {
  readonly stages: readonly Stage[];
  /** labels rows of the last stage's channels. */
  readonly headWeights: Float64Array;
  readonly headBias: Float64Array;
  readonly labels: number;
};

export function createNetwork(
  inputSide: number,
  widths: readonly number[],
  labels: number,
  seed: number,
): Network {
  const random = createRandom(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const spread = (length: number, deviation: number): Float64Array =>
    Float64Array.from({ length }, () => normal() * deviation);
  const stages: Stage[] = [];
  let side = inputSide;
  let channels = 3;
  for (const outChannels of widths) {
    const outSide = side >> 1;
    const fan = 9 * channels;
    const weights = spread(outChannels * fan, Math.sqrt(2 / fan));
    stages.push({
      side,
      channels,
      outSide,
      outChannels,
      weights,
      bias: new Float64Array(outChannels),
    });
    side = outSide;
    channels = outChannels;
  }
  return {
    stages,
    headWeights: spread(labels * channels, Math.sqrt(1 / channels)),
    headBias: new Float64Array(labels),
    labels,
  };
}

/** Everything that is learned, in a fixed order. */
export function parametersOf(network: Network): readonly Float64Array[] {
  const learned = network.stages.flatMap((stage) => [stage.weights, stage.bias]);
  return [...learned, network.headWeights, network.headBias];
}

/** The buffers of one pass, made once. `gradients` are parallel to `parametersOf`, and add up. */
export type Pass = {
  readonly network: Network;
  /** Per stage: one row of 9 × channels per place. */
  readonly patches: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
  readonly outputGradients: readonly Float64Array[];
  /** Per channel: its largest value and where that is. */
  readonly peaks: Float64Array;
  readonly peakPlaces: Int32Array;
  readonly scores: Float64Array;
  readonly gradients: readonly Float64Array[];
};

export function createPass(network: Network): Pass {
  const { stages } = network;
  const places = (stage: Stage): number => stage.outSide * stage.outSide;
  const last = stages.at(-1)?.outChannels ?? 0;
  return {
    network,
    patches: stages.map((stage) => new Float64Array(places(stage) * 9 * stage.channels)),
    outputs: stages.map((stage) => new Float64Array(places(stage) * stage.outChannels)),
    outputGradients: stages.map((stage) => new Float64Array(places(stage) * stage.outChannels)),
    peaks: new Float64Array(last),
    peakPlaces: new Int32Array(last),
    scores: new Float64Array(network.labels),
    gradients: parametersOf(network).map((values) => new Float64Array(values.length)),
  };
}

/** Fills `scores` (and all in between) for a picture of side × side × 3 normalised values. */
export function forward(pass: Pass, picture: Float64Array): void {
  const { network, patches, outputs, peaks, peakPlaces, scores } = pass;
  let input = picture;
  for (const [index, stage] of network.stages.entries()) {
    const rows = patches[index] as Float64Array;
    const output = outputs[index] as Float64Array;
    cutPatches(stage, input, rows);
    convolve(stage, rows, output);
    input = output;
  }
  const channels = peaks.length;
  peaks.fill(-1);
  for (let i = 0; i < input.length; i += 1) {
    const channel = i % channels;
    if ((input[i] as number) <= (peaks[channel] as number)) continue;
    peaks[channel] = input[i] as number;
    peakPlaces[channel] = i;
  }
  for (let label = 0; label < network.labels; label += 1) {
    let sum = network.headBias[label] as number;
    for (let channel = 0; channel < channels; channel += 1) {
      sum +=
        (peaks[channel] as number) * (network.headWeights[label * channels + channel] as number);
    }
    scores[label] = sum;
  }
}

function cutPatches(stage: Stage, input: Float64Array, rows: Float64Array): void {
  const { side, channels, outSide } = stage;
  let to = 0;
  for (let place = 0; place < outSide * outSide; place += 1) {
    const top = 2 * Math.floor(place / outSide) - 1;
    const left = 2 * (place % outSide) - 1;
    for (let tap = 0; tap < 9; tap += 1, to += channels) {
      const y = top + Math.floor(tap / 3);
      const x = left + (tap % 3);
      if (y < 0 || x < 0 || y >= side || x >= side) {
        rows.fill(0, to, to + channels);
        continue;
      }
      const from = (y * side + x) * channels;
      for (let c = 0; c < channels; c += 1) rows[to + c] = input[from + c] as number;
    }
  }
}

/** Four outputs at a time: one load of the input then serves four sums. */
function convolve(stage: Stage, rows: Float64Array, output: Float64Array): void {
  const { outSide, outChannels, weights, bias } = stage;
  const size = 9 * stage.channels;
  for (let place = 0; place < outSide * outSide; place += 1) {
    const row = place * size;
    for (let o = 0; o < outChannels; o += 4) {
      let a = bias[o] as number;
      let b = bias[o + 1] as number;
      let c = bias[o + 2] as number;
      let d = bias[o + 3] as number;
      const w = o * size;
      for (let k = 0; k < size; k += 1) {
        const x = rows[row + k] as number;
        a += x * (weights[w + k] as number);
        b += x * (weights[w + size + k] as number);
        c += x * (weights[w + 2 * size + k] as number);
        d += x * (weights[w + 3 * size + k] as number);
      }
      const to = place * outChannels + o;
      output[to] = Math.max(0, a);
      output[to + 1] = Math.max(0, b);
      output[to + 2] = Math.max(0, c);
      output[to + 3] = Math.max(0, d);
    }
  }
}

/**
 * Adds the gradients of the last forward pass, given those of the scores. Most are zero: only the
 * peaks hand anything back, and only what ReLU let through goes on; so it goes by what is not zero.
 */
export function backward(pass: Pass, scoreGradients: Float64Array): void {
  const { network, outputGradients, peaks, peakPlaces, gradients } = pass;
  const { stages, headWeights } = network;
  const channels = peaks.length;
  const head = gradients.at(-2) as Float64Array;
  const headBias = gradients.at(-1) as Float64Array;
  const last = outputGradients.at(-1) as Float64Array;
  last.fill(0);
  for (let label = 0; label < network.labels; label += 1) {
    const slope = scoreGradients[label] as number;
    headBias[label] = (headBias[label] as number) + slope;
    for (let channel = 0; channel < channels; channel += 1) {
      const at = label * channels + channel;
      head[at] = (head[at] as number) + slope * (peaks[channel] as number);
      const place = peakPlaces[channel] as number;
      last[place] = (last[place] as number) + slope * (headWeights[at] as number);
    }
  }
  for (let index = stages.length - 1; index >= 0; index -= 1) backStage(pass, index);
}

function backStage(pass: Pass, index: number): void {
  const stage = pass.network.stages[index] as Stage;
  const rows = pass.patches[index] as Float64Array;
  const output = pass.outputs[index] as Float64Array;
  const slopes = pass.outputGradients[index] as Float64Array;
  const weightGradients = pass.gradients[2 * index] as Float64Array;
  const biasGradients = pass.gradients[2 * index + 1] as Float64Array;
  const below = index > 0 ? (pass.outputGradients[index - 1] as Float64Array) : undefined;
  below?.fill(0);
  const { outSide, outChannels, weights } = stage;
  const size = 9 * stage.channels;
  const patch = new Float64Array(size);
  for (let place = 0; place < outSide * outSide; place += 1) {
    let any = false;
    for (let o = 0; o < outChannels; o += 1) {
      const at = place * outChannels + o;
      const slope = slopes[at] as number;
      if (slope === 0 || (output[at] as number) === 0) continue;
      if (!any) patch.fill(0);
      any = true;
      biasGradients[o] = (biasGradients[o] as number) + slope;
      const w = o * size;
      const row = place * size;
      for (let k = 0; k < size; k += 1) {
        weightGradients[w + k] =
          (weightGradients[w + k] as number) + slope * (rows[row + k] as number);
        patch[k] = (patch[k] as number) + slope * (weights[w + k] as number);
      }
    }
    if (any && below !== undefined) addPatch(stage, place, patch, below);
  }
}

function addPatch(stage: Stage, place: number, patch: Float64Array, below: Float64Array): void {
  const { side, channels, outSide } = stage;
  const top = 2 * Math.floor(place / outSide) - 1;
  const left = 2 * (place % outSide) - 1;
  for (let tap = 0; tap < 9; tap += 1) {
    const y = top + Math.floor(tap / 3);
    const x = left + (tap % 3);
    if (y < 0 || x < 0 || y >= side || x >= side) continue;
    const to = (y * side + x) * channels;
    for (let c = 0; c < channels; c += 1) {
      below[to + c] = (below[to + c] as number) + (patch[tap * channels + c] as number);
    }
  }
}

/** Turns scores into probabilities, in place of nothing: `out` may be the scores. */
export function softmax(scores: Float64Array, out: Float64Array): void {
  const top = Math.max(...scores);
  let sum = 0;
  for (let i = 0; i < scores.length; i += 1) {
    out[i] = Math.exp((scores[i] as number) - top);
    sum += out[i] as number;
  }
  for (let i = 0; i < out.length; i += 1) out[i] = (out[i] as number) / sum;
}
