import { assert } from '../../src/base/assert.ts';
import { inputScale, inputZero, normalise } from './learn.ts';
import { createPass, forward, type Network, type Stage } from './network.ts';
import { addConstant, addNode, createGraph, encodeModel, type Graph } from './onnx.ts';
import { pictureBytes, pictureSide, type Samples } from './samples.ts';

/** A byte `q` means `(q − zero) × scale`. */
type Range = { readonly scale: number; readonly zero: number };

/** What the activations after each stage, and the scores, range over. */
export type Calibration = { readonly stages: readonly Range[]; readonly scores: Range };

/**
 * Weights use 7 of their 8 bits: where a processor sums products of bytes pairwise in 16 bits (AVX2
 * without VNNI), a sum of two then cannot saturate.
 */
const weightMax = 63;

/**
 * Runs the samples and takes the ranges of what they cause. ReLU makes the stages' lowest value 0,
 * so their zero point is 0 and the clamp of a byte is the ReLU.
 */
export function calibrate(network: Network, samples: Samples): Calibration {
  const pass = createPass(network);
  const tops = network.stages.map(() => 0);
  let low = 0;
  let high = 0;
  const picture = new Float64Array(pictureBytes);
  for (let index = 0; index < samples.labels.length; index += 1) {
    normalise(samples.pictures, index, picture);
    forward(pass, picture);
    for (const [stage, values] of pass.outputs.entries()) {
      tops[stage] = values.reduce((top, value) => Math.max(top, value), tops[stage] as number);
    }
    low = Math.min(low, ...pass.scores);
    high = Math.max(high, ...pass.scores);
  }
  const scale = (high - low) / 255;
  return {
    stages: tops.map((top) => ({ scale: top / 255, zero: 0 })),
    scores: { scale, zero: Math.round(-low / scale) },
  };
}

/**
 * Writes the network as a quantized model: bytes in (NHWC, RGB), probabilities out. Q/DQ pairs stand
 * around every operator, so that a runtime runs all but the softmax in integers.
 */
export function quantize(network: Network, calibration: Calibration, about: string): Uint8Array {
  const graph = createGraph();
  const turned = addNode(graph, 'Transpose', 'planes', ['image'], { perm: [0, 3, 1, 2] });
  let range: Range = { scale: inputScale, zero: inputZero };
  let value = dequantized(graph, turned, 'planes', range);
  for (const [index, stage] of network.stages.entries()) {
    const next = calibration.stages[index] as Range;
    value = addConvolution(graph, `stage${index + 1}`, value, range, convolutionOf(stage), {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      strides: [2, 2],
    });
    value = requantized(graph, `stage${index + 1}`, value, next);
    range = next;
  }
  const last = network.stages.at(-1);
  assert(last !== undefined, 'a network has a stage');
  const side = last.outSide;
  value = addNode(graph, 'MaxPool', 'peaks', [value], { kernel_shape: [side, side] });
  value = requantized(graph, 'peaks', value, range);
  const head = { weights: network.headWeights, bias: network.headBias, channels: last.outChannels };
  value = addConvolution(
    graph,
    'head',
    value,
    range,
    { ...head, taps: 1 },
    { kernel_shape: [1, 1] },
  );
  value = requantized(graph, 'head', value, calibration.scores);
  value = addNode(graph, 'Flatten', 'scores', [value], { axis: 1 });
  addNode(graph, 'Softmax', 'probabilities', [value], { axis: 1 });
  const image = { name: 'image', type: 'uint8', dims: [1, pictureSide, pictureSide, 3] } as const;
  const output = { name: 'probabilities', type: 'float', dims: [1, network.labels] } as const;
  return encodeModel(graph, image, output, about);
}

type Convolution = {
  /** Rows of taps × channels. */
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  readonly channels: number;
  readonly taps: 1 | 9;
};

function convolutionOf({ weights, bias, channels }: Stage): Convolution {
  return { weights, bias, channels, taps: 9 };
}

function addConvolution(
  graph: Graph,
  name: string,
  input: string,
  range: Range,
  convolution: Convolution,
  attributes: Readonly<Record<string, readonly number[]>>,
): string {
  const { weights, bias, channels, taps } = convolution;
  const outputs = bias.length;
  const size = taps * channels;
  const quantized = new Int8Array(outputs * size);
  const offsets = new Int32Array(outputs);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o += 1) {
    const row = weights.subarray(o * size, (o + 1) * size);
    const top = row.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-6);
    scales[o] = top / weightMax;
    const scale = scales[o] as number;
    for (let k = 0; k < size; k += 1) {
      // From tap by tap, the training's order, to channel by channel, ONNX's.
      const to = o * size + (k % channels) * taps + Math.floor(k / channels);
      quantized[to] = Math.round((row[k] as number) / scale);
    }
    offsets[o] = Math.round((bias[o] as number) / (scale * range.scale));
  }
  const side = Math.sqrt(taps);
  const kernel = addConstant(graph, `${name}_weights`, quantized, [outputs, channels, side, side]);
  const shift = addConstant(graph, `${name}_bias`, offsets, [outputs]);
  const biasScales = Float32Array.from(scales, (scale) => scale * range.scale);
  const dequantizedKernel = perChannel(graph, kernel, scales, new Int8Array(outputs));
  const dequantizedBias = perChannel(graph, shift, biasScales, new Int32Array(outputs));
  return addNode(graph, 'Conv', name, [input, dequantizedKernel, dequantizedBias], attributes);
}

function perChannel(
  graph: Graph,
  name: string,
  scales: Float32Array,
  zeros: Int8Array | Int32Array,
): string {
  const scale = addConstant(graph, `${name}_scale`, scales, [scales.length]);
  const zero = addConstant(graph, `${name}_zero`, zeros, [zeros.length]);
  return addNode(graph, 'DequantizeLinear', `${name}_real`, [name, scale, zero], { axis: 0 });
}

function requantized(graph: Graph, name: string, value: string, range: Range): string {
  const [scale, zero] = rangeOf(graph, `${name}_out`, range);
  const bytes = addNode(graph, 'QuantizeLinear', `${name}_bytes`, [value, scale, zero], {});
  return addNode(graph, 'DequantizeLinear', `${name}_real`, [bytes, scale, zero], {});
}

function dequantized(graph: Graph, value: string, name: string, range: Range): string {
  const [scale, zero] = rangeOf(graph, name, range);
  return addNode(graph, 'DequantizeLinear', `${name}_real`, [value, scale, zero], {});
}

/** Scalars, without dimensions: runtimes fuse no others. */
function rangeOf(graph: Graph, name: string, range: Range): [string, string] {
  const scale = addConstant(graph, `${name}_scale`, Float32Array.of(range.scale), []);
  return [scale, addConstant(graph, `${name}_zero`, Uint8Array.of(range.zero), [])];
}
