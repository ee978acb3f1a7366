import { assert } from '../base/assert.ts';
import type { FrameGeometry } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { colorMatrixOf, mixingOf, neutralOf, type SourceColor } from './color-matrix.ts';
import { packingOf, type Strip } from './pixel-packing.ts';
import * as field from './plan-layout.ts';
import {
  type Axis,
  halvedOf,
  halvingsOf,
  type Placement,
  placementOf,
  type Sampling,
  type Taps,
  tapsOf,
  wholeWeightsOf,
} from './resampling.ts';
import {
  channelsOf,
  createTaker,
  type InputRegions,
  type MemoryViews,
  planeBytesOf,
  stepPixels,
  stepsOf,
} from './workspace-regions.ts';

/** The grey of a letterbox's bars, in 8-bit levels: what detection models are trained with. */
const barLevel = 114;

/** Writes what depends on the input alone. */
export function writeInput(views: MemoryViews, regions: InputRegions, input: ModelInput): void {
  const { width, height } = input;
  const channels = channelsOf(input);
  const isFloat = input.type === 'float32';
  const interleaved = channels === 3 && input.layout === 'nhwc';
  const rowElements = interleaved ? width * 3 : width;
  const set = (at: number, value: number): void => {
    views.words[(regions.plan + at) / 4] = value;
  };
  set(field.TENSOR_WIDTH, width);
  set(field.TENSOR_CHANNELS, channels);
  set(field.BYTES, regions.bytes);
  set(field.BYTES_ROW, isFloat ? 0 : rowElements);
  set(field.BYTES_CHANNEL, interleaved ? 0 : isFloat ? width : width * height);
  set(field.FLOATS, isFloat ? regions.tensor : 0);
  set(field.FLOATS_ROW, rowElements * 4);
  set(field.FLOATS_CHANNEL, width * height * 4);
  set(field.NORMALISATION, regions.normalisation);
  set(field.MATRIX, regions.matrix);
  set(field.ROWS, regions.rows);
  set(field.ROWS_DISTANCE, regions.rowsDistance);
  set(field.BARS, regions.bars);
  for (let lane = 0; lane < 12; lane += 1) {
    // Interleaved rows alternate from element to element, others from vector to vector.
    const channel = interleaved ? lane % 3 : Math.floor(lane / 4);
    const std = ofChannel(input.std, channel);
    views.floats[regions.normalisation / 4 + lane] = input.scale / std;
    views.floats[regions.normalisation / 4 + 12 + lane] = -ofChannel(input.mean, channel) / std;
  }
}

/** Writes what depends on the frame's geometry too; returns where the picture's rows lie. */
export function writePlan(
  views: MemoryViews,
  regions: InputRegions,
  input: ModelInput,
  geometry: FrameGeometry,
): Axis {
  const packing = packingOf(geometry.format);
  const placement = placementOf(input, geometry.width, geometry.height);
  const take = createTaker(regions.end);
  const set = (at: number, value: number): void => {
    views.words[(regions.plan + at) / 4] = value;
  };
  set(field.PICTURE_TOP, placement.rows.first);
  set(field.PICTURE_ROWS, placement.rows.size);
  const pictureEnd = placement.columns.first + placement.columns.size;
  set(field.ROWS_PICTURE_END, pictureEnd * field.SAMPLE_BYTES);
  set(field.STRIP_COUNT, packing.strips.length);
  writeColors(views, regions, input, packing.color);
  const target = { views, regions, take, placement, geometry };
  // A gray tensor made from luma alone needs no chroma, and so no resampling of it.
  const groupsMax = input.color === 'gray' && packing.color !== 'rgb' ? 1 : field.GROUP_COUNT_MAX;
  let groups = 0;
  let planes = 0;
  packing.strips.forEach((strip, index) => {
    const made = writeStrip(target, strip, { strip: index, group: groups, plane: planes });
    groups += made.groups;
    planes += made.planes;
  });
  set(field.GROUP_COUNT, Math.min(groups, groupsMax));
  return placement.rows;
}

type Target = {
  readonly views: MemoryViews;
  readonly regions: InputRegions;
  readonly take: (bytes: number) => number;
  readonly placement: Placement;
  readonly geometry: FrameGeometry;
};

/** Where the next strip, group and plane go. */
type Position = { readonly strip: number; readonly group: number; readonly plane: number };

function writeStrip(
  target: Target,
  strip: Strip,
  position: Position,
): { readonly groups: number; readonly planes: number } {
  const { views, regions, take, placement, geometry } = target;
  const { columns } = placement;
  const halvings = strip.groups.map((group) => halvingsOf(columns, group.columns));
  // Halving must begin at the same pixels wherever the crop begins, and unpacking at whole groups.
  const unit = Math.max(
    ...strip.groups.map((group, i) => group.columns.spacing * 2 ** (halvings[i] ?? 0)),
  );
  // Footprints reach at most a sample past the crop: left for chroma's place, right likewise.
  const first = Math.max(0, Math.floor(columns.start / unit - 1) * unit);
  const end = Math.min(
    geometry.width,
    Math.ceil((columns.start + columns.length) / unit + 1) * unit,
  );
  const steps = stepsOf(end - first, stepPixels);
  const at = (regions.plan + field.STRIPS + position.strip * field.STRIP_BYTES) / 4;
  const set = (offset: number, value: number): void => {
    views.words[at + offset / 4] = value;
  };
  set(field.STRIP_UNPACKING, strip.unpacking);
  set(field.STRIP_START, first * strip.bytesPerPixel);
  set(field.STRIP_STRIDE, geometry.stride);
  set(field.STRIP_STEPS, steps);
  set(field.STRIP_TAPS, writeRowTaps(target, strip.rows));
  const distance = planeBytesOf(steps);
  let planes = 0;
  strip.groups.forEach((group, i) => {
    const plane = take(distance * group.planes);
    for (let p = 0; p < group.planes; p += 1) {
      set(field.STRIP_PLANE_0 + (planes + p) * 4, plane + p * distance);
    }
    const { spacing, origin } = group.columns;
    writeGroup(target, position.group + i, {
      plane,
      planes: group.planes,
      distance,
      samples: Math.ceil((end - first) / spacing),
      halvings: halvings[i] ?? 0,
      sampling: { spacing, origin: origin + first },
      row: position.plane + planes,
    });
    planes += group.planes;
  });
  return { groups: strip.groups.length, planes };
}

/** The vertical taps of all picture rows; returns the table's address. */
function writeRowTaps({ views, take, placement, geometry }: Target, sampling: Sampling): number {
  const { rows } = placement;
  const count = Math.ceil(geometry.height / sampling.spacing);
  const all = Array.from({ length: rows.size }, (_, y) => tapsOf(rows, sampling, count, y));
  const table = take(rows.size * field.ROW_TAPS_BYTES);
  let weights = take(all.reduce((sum, taps) => sum + taps.weights.length, 0) * 2);
  all.forEach((taps, y) => {
    const at = (table + y * field.ROW_TAPS_BYTES) / 4;
    const whole = wholeWeightsOf(taps.weights, field.ROW_WEIGHT_ONE);
    views.words[at + field.ROW_TAPS_FIRST / 4] = taps.first;
    views.words[at + field.ROW_TAPS_COUNT / 4] = whole.length;
    views.words[at + field.ROW_TAPS_WEIGHTS / 4] = weights;
    for (const weight of whole) {
      views.shorts[weights / 2] = Math.min(weight, field.ROW_WEIGHT_MAX);
      weights += 2;
    }
  });
  return table;
}

type GroupPlan = {
  readonly plane: number;
  readonly planes: number;
  readonly distance: number;
  readonly samples: number;
  readonly halvings: number;
  readonly sampling: Sampling;
  /** The first of the rows that its planes become. */
  readonly row: number;
};

function writeGroup(target: Target, index: number, group: GroupPlan): void {
  const { views, regions, placement } = target;
  const { columns } = placement;
  const sampling = halvedOf(group.sampling, group.halvings);
  const count = Math.ceil(group.samples / 2 ** group.halvings);
  const all = Array.from({ length: columns.size }, (_, x) => tapsOf(columns, sampling, count, x));
  const tapCount = all.every((taps) => taps.weights.length <= 2) ? 2 : 4;
  const table = regions.columns[index];
  assert(table !== undefined, 'no more groups than tables');
  const at = (regions.plan + field.GROUPS + index * field.GROUP_BYTES) / 4;
  const set = (offset: number, value: number): void => {
    views.words[at + offset / 4] = value;
  };
  const steps = stepsOf(columns.size, 8);
  set(field.GROUP_PLANE, group.plane);
  set(field.GROUP_PLANE_COUNT, group.planes);
  set(field.GROUP_PLANE_DISTANCE, group.distance);
  set(field.GROUP_SAMPLES, group.samples);
  set(field.GROUP_HALVINGS, group.halvings);
  set(field.GROUP_TAPS, tapCount);
  set(field.GROUP_COLUMNS, table);
  set(field.GROUP_STEPS, steps);
  set(
    field.GROUP_TARGET,
    regions.rows + group.row * regions.rowsDistance + columns.first * field.SAMPLE_BYTES,
  );
  const perColumn = 8 / tapCount;
  for (let column = 0; column < steps * tapCount; column += 1) {
    const elements = all.slice(column * perColumn, (column + 1) * perColumn);
    writeColumn(views, table + column * field.COLUMN_BYTES, elements, tapCount);
  }
}

/** The selection, weights and offset for 8 products: `taps` are those of 2 or 4 elements, or fewer. */
function writeColumn(
  views: MemoryViews,
  address: number,
  elements: readonly Taps[],
  tapCount: number,
): void {
  views.bytes.fill(0, address, address + field.COLUMN_BYTES);
  const first = Math.min(...elements.map((taps) => taps.first));
  if (elements.length === 0) return;
  views.words[(address + field.COLUMN_OFFSET) / 4] = first * field.SAMPLE_BYTES;
  elements.forEach((taps, element) => {
    wholeWeightsOf(taps.weights, field.COLUMN_WEIGHT_ONE).forEach((weight, tap) => {
      const lane = element * tapCount + tap;
      const sample = taps.first - first + tap;
      assert(tap < tapCount && sample < 8, 'the taps of a column lie within one vector');
      views.shorts[(address + field.COLUMN_WEIGHTS) / 2 + lane] = weight;
      views.bytes[address + field.COLUMN_SELECTION + lane * 2] = sample * 2;
      views.bytes[address + field.COLUMN_SELECTION + lane * 2 + 1] = sample * 2 + 1;
    });
  });
}

/** The colour matrix, and the bars' value in all rows and in the vectors that restore it. */
function writeColors(
  views: MemoryViews,
  regions: InputRegions,
  input: ModelInput,
  source: SourceColor,
): void {
  const mixes = colorMatrixOf(source, input.color);
  const { mixing, planes } = mixingOf(mixes);
  const set = (at: number, value: number): void => {
    views.words[(regions.plan + at) / 4] = value;
  };
  set(field.MIXING, mixing);
  planes.forEach((plane, i) => {
    set(field.MIXING_ROW_0 + i * 4, regions.rows + plane * regions.rowsDistance);
  });
  mixes.forEach(({ factors, bias }, channel) => {
    const one = 1 << field.MIXED_SHIFT;
    // Samples are centred on level 128; half a level makes the later shift round.
    const sum = factors[0] + factors[1] + factors[2];
    const constant = Math.round((128 * sum + bias + 0.5) * one);
    // Level · 64 from level · 256: a quarter, in units of 1/32768.
    const lanes = planes.map((plane) => Math.round((factors[plane] * 32768) / 4));
    [...lanes, constant].forEach((value, i) => {
      const vector = regions.matrix / 2 + (channel * 4 + i) * 8;
      views.shorts.fill(value, vector, vector + 8);
    });
  });
  neutralOf(source, barLevel).forEach((level, plane) => {
    const sample = Math.round((level - 128) * 256);
    const row = (regions.rows + plane * regions.rowsDistance) / 2;
    views.shorts.fill(sample, row, row + regions.rowsDistance / 2);
    const bar = regions.bars / 2 + plane * 8;
    views.shorts.fill(sample, bar, bar + 8);
  });
}

function ofChannel(value: ModelInput['mean'], channel: number): number {
  return typeof value === 'number' ? value : (value[channel] ?? 0);
}
