/**
 * Prepares a model's input tensor from a camera frame. Everything is addresses in one imported
 * memory: the plan says what to do (`plan-layout.ts`), no heap and no data of its own.
 *
 * Per picture row: the frame's rows under it are blended and unpacked into planes, the planes are
 * resampled horizontally, and the resulting rows are mixed into the tensor's colours and stored; for a
 * turned picture they are stored as bytes first, and 8 of them at a time become 8 columns.
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
  ROW_COUNT,
  STRIPS,
  STRIP_BYTES,
  STRIP_COUNT,
  TURNED,
} from '../plan-layout.ts';
import { blendStrip } from './blend.ts';
import { resampleGroup } from './columns.ts';
import { nextOf } from './lanes.ts';
import { storeRow } from './store.ts';
import { turnRows } from './turn.ts';

/** Makes the tensor's picture rows from the frame at address `frame`. */
export function prepare(plan: usize, frame: usize): void {
  const rowCount = load<i32>(plan, PICTURE_ROWS);
  const top = load<i32>(plan, PICTURE_TOP);
  const strips = plan + STRIPS;
  const stripsEnd = strips + load<usize>(plan, STRIP_COUNT) * STRIP_BYTES;
  const groups = plan + GROUPS;
  const groupsEnd = groups + load<usize>(plan, GROUP_COUNT) * GROUP_BYTES;
  const distance = load<usize>(plan, ROWS_DISTANCE);
  const turned = load<i32>(plan, TURNED) != 0;
  for (let row = 0; row < rowCount; row += 1) {
    for (let strip = strips; strip < stripsEnd; strip += STRIP_BYTES) blendStrip(strip, frame, row);
    for (let group = groups; group < groupsEnd; group += GROUP_BYTES) resampleGroup(group, distance);
    restoreBars(plan, distance);
    storeRow(plan, top + row);
    if (turned) turnWhenDue(plan, top + row, row == rowCount - 1);
  }
}

/** Makes the rows above and below the picture of what the resampled rows hold now: the bars' value. */
export function storeBars(plan: usize): void {
  const top = load<i32>(plan, PICTURE_TOP);
  const bottom = top + load<i32>(plan, PICTURE_ROWS);
  const rowCount = load<i32>(plan, ROW_COUNT);
  for (let y = 0; y < top; y += 1) storeRow(plan, y);
  for (let y = bottom; y < rowCount; y += 1) storeRow(plan, y);
  if (load<i32>(plan, TURNED) == 0) return;
  for (let y = 0; y < rowCount; y = nextOf(y, rowCount)) turnRows(plan, y);
}

/** Turns the 8 rows that end with row `y`, or the last ones there are, which may have been turned. */
// @ts-ignore: decorator
@inline
function turnWhenDue(plan: usize, y: i32, isLast: bool): void {
  if ((y & 7) == 7 || isLast) turnRows(plan, min(y & ~7, load<i32>(plan, ROW_COUNT) - 8));
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
