import { assert } from '../base/assert.ts';
import type { PixelRegion } from './pixel-region.ts';
import * as field from './plan-layout.ts';
import {
  halvedOf,
  type Placement,
  type Sampling,
  type Taps,
  tapsOf,
  wholeWeightsOf,
} from './resampling.ts';
import { type InputRegions, type MemoryViews, stepsOf } from './workspace-regions.ts';

/** Where taps are written, and for which picture. */
export type TapsTarget = {
  readonly views: MemoryViews;
  readonly regions: InputRegions;
  /** Gives out so many bytes of the workspace; returns their address. */
  readonly take: (bytes: number) => number;
  readonly placement: Placement;
  /** The pixels that are looked at; the placement is relative to them. */
  readonly region: PixelRegion;
};

/** Writes the vertical taps of all the picture's rows; returns the table's address. */
export function writeRowTaps(target: TapsTarget, sampling: Sampling): number {
  const { views, take, placement, region } = target;
  const { rows } = placement;
  const count = Math.ceil(region.height / sampling.spacing);
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

/** Planes that are resampled alike. */
export type GroupPlan = {
  /** Address of the first plane, how many there are, and bytes from one to the next. */
  readonly plane: number;
  readonly planes: number;
  readonly distance: number;
  readonly samples: number;
  readonly halvings: number;
  readonly sampling: Sampling;
  /** The first of the rows that its planes become. */
  readonly row: number;
};

/** Writes one group of the plan and its horizontal taps. */
export function writeGroup(target: TapsTarget, index: number, group: GroupPlan): void {
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
