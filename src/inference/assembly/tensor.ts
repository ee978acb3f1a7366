/**
 * Prepares a model's input tensor from a camera frame. Everything is addresses in one imported
 * memory: the plan says what to do (`plan-layout.ts`), no heap and no data of its own.
 *
 * Per picture row: the frame's rows under it are blended and unpacked into planes, the planes are
 * resampled horizontally, and the resulting rows are mixed into the tensor's colours and stored.
 * All intermediate samples keep 16 bits, so that rounding to 8 bits happens once, at the end.
 */
import {
  BARS,
  GROUPS,
  GROUP_BYTES,
  GROUP_COUNT,
  PICTURE_ROWS,
  PICTURE_TOP,
  ROWS,
  ROWS_DISTANCE,
  ROWS_PICTURE_END,
  STRIPS,
  STRIP_BYTES,
  STRIP_COUNT,
} from '../plan-layout.ts';
import { blendStrip } from './blend.ts';
import { resampleGroup } from './columns.ts';
import { storeRow } from './store.ts';

/** Makes the tensor's picture rows from the frame at address `frame`. */
export function prepare(plan: usize, frame: usize): void {
  const rowCount = load<i32>(plan, PICTURE_ROWS);
  const top = load<i32>(plan, PICTURE_TOP);
  const strips = plan + STRIPS;
  const stripsEnd = strips + load<usize>(plan, STRIP_COUNT) * STRIP_BYTES;
  const groups = plan + GROUPS;
  const groupsEnd = groups + load<usize>(plan, GROUP_COUNT) * GROUP_BYTES;
  const distance = load<usize>(plan, ROWS_DISTANCE);
  for (let row = 0; row < rowCount; row += 1) {
    for (let strip = strips; strip < stripsEnd; strip += STRIP_BYTES) blendStrip(strip, frame, row);
    for (let group = groups; group < groupsEnd; group += GROUP_BYTES) resampleGroup(group, distance);
    restoreBars(plan, distance);
    storeRow(plan, top + row);
  }
}

/** Makes tensor rows [first, end) of what the resampled rows hold now: the bars' value. */
export function storeBars(plan: usize, first: i32, end: i32): void {
  for (let y = first; y < end; y += 1) storeRow(plan, y);
}

/**
 * The resampling writes 8 elements at a time and so up to 7 past the picture; they become bar again.
 */
function restoreBars(plan: usize, distance: usize): void {
  const bars = load<usize>(plan, BARS);
  const end = load<usize>(plan, ROWS) + load<usize>(plan, ROWS_PICTURE_END);
  v128.store(end, v128.load(bars));
  v128.store(end + distance, v128.load(bars, 16));
  v128.store(end + 2 * distance, v128.load(bars, 32));
}
