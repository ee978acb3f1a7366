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
  // They are read two at a time: one more may be looked at.
  let weights = take(all.reduce((sum, taps) => sum + Math.max(2, taps.weights.length), 1) * 2);
  all.forEach((taps, y) => {
    const at = (table + y * field.ROW_TAPS_BYTES) / 4;
    const { first, count, above, below, whole } = rowTapsOf(taps);
    views.words[at + field.ROW_TAPS_FIRST / 4] = first;
    views.words[at + field.ROW_TAPS_COUNT / 4] = count;
    views.words[at + field.ROW_TAPS_WEIGHTS / 4] = weights;
    views.words[at + field.ROW_TAPS_ABOVE / 4] = above;
    views.words[at + field.ROW_TAPS_BELOW / 4] = below;
    for (const weight of whole) {
      views.shorts[weights / 2] = Math.min(weight, field.ROW_WEIGHT_MAX);
      weights += 2;
    }
  });
  return table;
}

/** A row's taps as the kernel reads them. */
function rowTapsOf({ first, weights }: Taps) {
  const whole = wholeWeightsOf(weights, field.ROW_WEIGHT_ONE);
  const main = whole.findIndex((weight) => weight >= field.ROW_WEIGHT_ONE / 2);
  const [above, below] = [main, whole.length - 1 - main];
  if (main < 0 || above > 1 || below > 1)
    return { first, count: whole.length, above: 0, below: 0, whole };
  const neighbours = [whole[main - 1] ?? 0, whole[main + 1] ?? 0];
  return { first: first + main, count: 0, above, below, whole: neighbours };
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
  const layout = layoutOf(all);
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
  set(field.GROUP_TAPS, layout);
  set(field.GROUP_COLUMNS, table);
  set(field.GROUP_STEPS, steps);
  set(
    field.GROUP_TARGET,
    regions.rows + group.row * regions.rowsDistance + columns.first * field.SAMPLE_BYTES,
  );
  const perColumn = elementsPerColumnOf(layout);
  for (let column = 0; column < (steps * 8) / perColumn; column += 1) {
    const elements = all.slice(column * perColumn, (column + 1) * perColumn);
    writeColumn(views, table + column * field.COLUMN_BYTES, elements, perColumn);
  }
}

const elementsPerColumnOf = (layout: number): number => (layout === field.TAPS_FOUR_WIDE ? 2 : 4);

/** The layout in which a column makes the most elements. */
function layoutOf(all: readonly Taps[]): number {
  if (all.every((taps) => taps.weights.length <= 2)) return field.TAPS_TWO;
  const perColumn = elementsPerColumnOf(field.TAPS_FOUR);
  const isNear = all.every(({ first }, x) => {
    const [left, right] = [all[x - (x % perColumn)]?.first ?? first, first];
    return Math.abs(right - left) <= 6;
  });
  return isNear ? field.TAPS_FOUR : field.TAPS_FOUR_WIDE;
}

/** The selection, weights and offset of a column's elements; the last column may have fewer. */
function writeColumn(
  views: MemoryViews,
  address: number,
  elements: readonly Taps[],
  perColumn: number,
): void {
  views.bytes.fill(0, address, address + field.COLUMN_BYTES);
  const first = Math.min(...elements.map((taps) => taps.first));
  if (elements.length === 0) return;
  views.words[(address + field.COLUMN_OFFSET) / 4] = first * field.SAMPLE_BYTES;
  elements.forEach((taps, element) => {
    const lanes = 8 / perColumn;
    wholeWeightsOf(taps.weights, field.COLUMN_WEIGHT_ONE).forEach((weight, tap) => {
      const table = tap < lanes ? field.COLUMN_WEIGHTS : field.COLUMN_WEIGHTS_AFTER;
      views.shorts[(address + table) / 2 + element * lanes + (tap % lanes)] = weight;
    });
    for (let tap = 0; tap < lanes; tap += 1) {
      const sample = taps.first - first + tap;
      const at = address + field.COLUMN_SELECTION + (element * lanes + tap) * 2;
      assert(sample < 8, 'the taps of a column lie within one vector');
      views.bytes[at] = sample * 2;
      views.bytes[at + 1] = sample * 2 + 1;
    }
  });
}
