import type { FrameGeometry, FrameView } from '../contract/frame.ts';
import type { ModelInput } from '../contract/manifest.ts';
import { writeColors } from './color-writer.ts';
import { packingOf, type Strip } from './pixel-packing.ts';
import { pixelRegionOf } from './pixel-region.ts';
import * as field from './plan-layout.ts';
import { halvingsOf, placementOf } from './resampling.ts';
import { type TapsTarget, writeGroup, writeRowTaps } from './taps-writer.ts';
import {
  channelsOf,
  createTaker,
  type InputRegions,
  type MemoryViews,
  planeBytesOf,
  stepsOf,
} from './workspace-regions.ts';

/** Writes what depends on the input alone. */
export function writeInput(views: MemoryViews, regions: InputRegions, input: ModelInput): void {
  const interleaved = isInterleaved(input);
  const set = setterOf(views, regions.plan);
  set(field.TENSOR_CHANNELS, channelsOf(input));
  set(field.FLOATS, input.type === 'float32' ? regions.tensor : 0);
  set(field.FLOATS_ROW, tensorRowOf(input) * 4);
  set(field.FLOATS_CHANNEL, input.width * input.height * 4);
  set(field.NORMALISATION, regions.normalisation);
  set(field.MATRIX, regions.matrix);
  set(field.ROWS, regions.rows);
  set(field.ROWS_DISTANCE, regions.rowsDistance);
  set(field.BARS, regions.bars);
  set(field.BLOCK, regions.block);
  set(field.TURNED_BYTES, regions.tensor);
  set(field.TURNED_ROW, tensorRowOf(input));
  set(field.TURNED_CHANNEL, interleaved ? 0 : input.width * input.height);
  for (let lane = 0; lane < 12; lane += 1) {
    // Interleaved rows alternate from element to element, others from vector to vector.
    const channel = interleaved ? lane % 3 : Math.floor(lane / 4);
    const std = ofChannel(input.std, channel);
    views.floats[regions.normalisation / 4 + lane] = input.scale / std;
    views.floats[regions.normalisation / 4 + 12 + lane] = -ofChannel(input.mean, channel) / std;
  }
}

/** Writes what depends on the frame's geometry and view too. */
export function writePlan(
  views: MemoryViews,
  regions: InputRegions,
  input: ModelInput,
  geometry: FrameGeometry,
  view: FrameView,
): void {
  const { color, strips } = packingOf(geometry);
  const region = pixelRegionOf(geometry, view.region);
  const placement = placementOf(input, region.width, region.height, view.rotate);
  const { columns, rows, transposed } = placement;
  const set = setterOf(views, regions.plan);
  set(field.PICTURE_TOP, rows.first);
  set(field.PICTURE_ROWS, rows.size);
  set(field.ROWS_PICTURE_END, (columns.first + columns.size) * field.SAMPLE_BYTES);
  writeRows(views, regions, input, transposed);
  writeColors(views, regions, input, color);
  // A gray tensor made from luma alone needs no chroma, and so no resampling of it.
  const lumaOnly = input.color === 'gray' && color !== 'rgb';
  const needed = lumaOnly ? strips.slice(0, 1) : strips;
  const target = { views, regions, take: createTaker(regions.end), placement, region };
  let groups = 0;
  needed.forEach((strip, index) => {
    writeStrip(target, strip, index, groups);
    groups += strip.groups.length;
  });
  set(field.STRIP_COUNT, needed.length);
  set(field.GROUP_COUNT, lumaOnly ? 1 : groups);
}

/** Where the rows go that the kernel makes: into the tensor, or to where they wait for the next step. */
function writeRows(
  views: MemoryViews,
  regions: InputRegions,
  input: ModelInput,
  transposed: boolean,
): void {
  const { width, height } = input;
  const set = setterOf(views, regions.plan);
  set(field.TURNED, transposed ? 1 : 0);
  set(field.ROW_WIDTH, transposed ? height : width);
  set(field.ROW_COUNT, transposed ? width : height);
  if (transposed) {
    // Channels stay apart until they are turned.
    set(field.BYTES, regions.bytes);
    set(field.BYTES_ROW, height);
    set(field.BYTES_CHANNEL, width * height);
  } else if (input.type === 'float32') {
    // Every row in the same place, as it becomes floats at once.
    set(field.BYTES, regions.bytes);
    set(field.BYTES_ROW, 0);
    set(field.BYTES_CHANNEL, isInterleaved(input) ? 0 : width);
  } else {
    set(field.BYTES, regions.tensor);
    set(field.BYTES_ROW, tensorRowOf(input));
    set(field.BYTES_CHANNEL, isInterleaved(input) ? 0 : width * height);
  }
}

/** Writes a strip and its groups, which begin with number `firstGroup`. */
function writeStrip(target: TapsTarget, strip: Strip, index: number, firstGroup: number): void {
  const { views, regions, take, placement, region } = target;
  const { columns } = placement;
  const halvings = strip.groups.map((group) => halvingsOf(columns, group.columns));
  // Halving must begin at the same pixels wherever the crop begins, and unpacking at whole groups.
  const unit = Math.max(
    ...strip.groups.map((group, i) => group.columns.spacing * 2 ** (halvings[i] ?? 0)),
  );
  // Footprints reach at most a sample past the crop: left for chroma's place, right likewise.
  const first = Math.max(0, Math.floor(columns.start / unit - 1) * unit);
  const end = Math.min(region.width, Math.ceil((columns.start + columns.length) / unit + 1) * unit);
  const set = setterOf(views, regions.plan + field.STRIPS + index * field.STRIP_BYTES);
  const rowsAbove = region.y / strip.rows.spacing;
  const bytesBefore = ((region.x + first) / strip.unit.pixels) * strip.unit.bytes;
  set(field.STRIP_UNPACKING, strip.unpacking);
  set(field.STRIP_START, strip.start + rowsAbove * strip.stride + bytesBefore);
  set(field.STRIP_STRIDE, strip.stride);
  set(field.STRIP_STEPS, stepsOf(end - first, strip.stepPixels));
  set(field.STRIP_TAPS, writeRowTaps(target, strip.rows));
  const distance = planeBytesOf(end - first);
  let made = 0;
  strip.groups.forEach(({ planes, columns: { spacing, origin } }, i) => {
    const plane = take(distance * planes.length);
    const row = Math.min(...planes);
    for (const number of planes) {
      set(field.STRIP_PLANE_0 + made * 4, plane + (number - row) * distance);
      made += 1;
    }
    writeGroup(target, firstGroup + i, {
      plane,
      planes: planes.length,
      distance,
      samples: Math.ceil((end - first) / spacing),
      halvings: halvings[i] ?? 0,
      sampling: { spacing, origin: origin + first },
      row,
    });
  });
}

/** Sets the 32-bit field at a byte offset from `address`. */
function setterOf(views: MemoryViews, address: number): (offset: number, value: number) => void {
  return (offset, value) => {
    views.words[(address + offset) / 4] = value;
  };
}

function isInterleaved(input: ModelInput): boolean {
  return channelsOf(input) === 3 && input.layout === 'nhwc';
}

/** Elements from one tensor row to the next. */
function tensorRowOf(input: ModelInput): number {
  return isInterleaved(input) ? input.width * 3 : input.width;
}

function ofChannel(value: ModelInput['mean'], channel: number): number {
  return typeof value === 'number' ? value : (value[channel] ?? 0);
}
