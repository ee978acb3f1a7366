import { bar } from '../bar.ts';
import {
  type DeviceState,
  deviceStateOf,
  isInTrouble,
  resultRateOf,
  type WatchedDevice,
  type WatchState,
} from './state.ts';
import {
  cellsOf,
  fit,
  type Line,
  percentOf,
  printable,
  type Span,
  type Style,
  span,
} from './text.ts';

/** A column of the table of devices. */
type Column = {
  readonly heading: string;
  readonly align: 'left' | 'right';
  readonly cells: number;
  /** Columns with a higher rank go first where there is no room. */
  readonly rank: number;
  readonly show: (device: WatchedDevice, cells: number, state: WatchState) => Span;
};

const gap = 2;
const barCellsMin = 8;
const barCellsMax = 30;
const nameCellsMax = 24;
const labelCellsMax = 18;

/** The columns that fit, from the most important on; the bar takes what is left. */
export function columnsFor(devices: readonly WatchedDevice[], cells: number): readonly Column[] {
  const nameCells = longest(
    devices.map(({ id }) => id),
    6,
    nameCellsMax,
  );
  const labels = devices.flatMap(({ label, result }) => [
    label?.label ?? '',
    result?.top[0]?.label ?? '',
  ]);
  const labelCells = longest(labels, 6, labelCellsMax);
  const all = everyColumn(Math.min(nameCells, Math.floor(cells / 3)), labelCells);
  const chosen: Column[] = [];
  let left = cells - 2 + gap;
  for (const column of [...all].sort((a, b) => a.rank - b.rank)) {
    const needed = column.cells + gap;
    if (needed > left) break;
    left -= needed;
    chosen.push(column);
  }
  return all
    .filter((column) => chosen.includes(column))
    .map((column) =>
      column.heading === 'CONFIDENCE'
        ? { ...column, cells: Math.min(barCellsMax, column.cells + left) }
        : column,
    );
}

const longest = (texts: readonly string[], min: number, max: number): number =>
  Math.min(
    max,
    texts.reduce((most, text) => Math.max(most, cellsOf(printable(text))), min),
  );

function everyColumn(nameCells: number, labelCells: number): readonly Column[] {
  return [
    { heading: 'DEVICE', align: 'left', cells: nameCells, rank: 0, show: nameOf },
    { heading: 'STATE', align: 'left', cells: 7, rank: 1, show: stateOf },
    { heading: 'LABEL', align: 'left', cells: labelCells, rank: 2, show: labelOf },
    { heading: 'NEWEST', align: 'left', cells: labelCells, rank: 7, show: newestOf },
    { heading: 'CONFIDENCE', align: 'left', cells: barCellsMin, rank: 6, show: barOf },
    { heading: '', align: 'right', cells: 5, rank: 3, show: scoreOf },
    { heading: 'RES/S', align: 'right', cells: 5, rank: 5, show: rateOf },
    { heading: 'FPS', align: 'right', cells: 5, rank: 8, show: fpsOf },
    { heading: 'HEALTH', align: 'left', cells: 8, rank: 4, show: healthOf },
    { heading: 'MEMORY', align: 'right', cells: 7, rank: 9, show: memoryOf },
    { heading: 'RESTARTS', align: 'right', cells: 8, rank: 10, show: restartsOf },
  ];
}

export function headingLine(columns: readonly Column[]): Line {
  const text = columns.map(({ heading, cells, align }) => fit(heading, cells, align)).join('  ');
  return [span(`  ${text}`, 'dim')];
}

export function deviceLine(
  columns: readonly Column[],
  device: WatchedDevice,
  state: WatchState,
): Line {
  const now = deviceStateOf(device, state.now);
  const mark = span('● ', isInTrouble(device, state.now) ? 'yellow' : stateStyles[now]);
  const marked = now === 'offline' || now === 'stale' ? { ...mark, style: 'red' as const } : mark;
  const spans = columns.flatMap(({ show, cells, align }, at): Span[] => {
    const { text, style } = show(device, cells, state);
    const shown = span(fit(printable(text), cells, align), style);
    return at === 0 ? [shown] : [span(' '.repeat(gap)), shown];
  });
  return [marked, ...spans];
}

const stateStyles: Readonly<Record<DeviceState, Style>> = {
  online: 'green',
  stopped: 'dim',
  offline: 'red',
  stale: 'red',
  unknown: 'dim',
};

const none = span('–', 'dim');

/** Whether the device is there: what it said before is not what is now. */
const isThere = (device: WatchedDevice, { now }: WatchState): boolean => {
  const state = deviceStateOf(device, now);
  return state === 'online' || state === 'unknown';
};

const nameOf: Column['show'] = ({ id }) => span(id, 'bold');

const stateOf: Column['show'] = (device, _cells, { now }) => {
  const state = deviceStateOf(device, now);
  return state === 'unknown' ? span('?', 'dim') : span(state, stateStyles[state]);
};

const labelOf: Column['show'] = (device, _cells, state) => {
  if (device.label === undefined) return none;
  const { label } = device.label;
  return isThere(device, state) && label !== null
    ? span(label, 'green')
    : span(label ?? 'nothing', 'dim');
};

const newestOf: Column['show'] = (device, _cells, state) => {
  const best = device.result?.top[0];
  return best === undefined || !isThere(device, state) ? none : span(best.label);
};

const barOf: Column['show'] = (device, cells, state) => {
  const best = device.result?.top[0];
  return best === undefined || !isThere(device, state) ? none : span(bar(best.score, cells));
};

/** Of the newest result, or where none are published of the settled label. */
const scoreOf: Column['show'] = (device, _cells, state) => {
  const score = device.result?.top[0]?.score ?? device.label?.score;
  return score === undefined || !isThere(device, state) ? none : span(percentOf(score));
};

const rateOf: Column['show'] = (device, _cells, state) =>
  isThere(device, state) ? span(resultRateOf(device, state.now).toFixed(1)) : none;

const fpsOf: Column['show'] = (device, _cells, state) =>
  device.health === undefined || !isThere(device, state)
    ? none
    : span(device.health.rates.captured.toFixed(1));

const healthStyles = {
  starting: 'cyan',
  ok: 'green',
  degraded: 'yellow',
  failing: 'red',
  stopping: 'dim',
} as const;

const healthOf: Column['show'] = (device, _cells, state) => {
  const said = device.health?.state;
  return said === undefined || !isThere(device, state) ? none : span(said, healthStyles[said]);
};

const memoryOf: Column['show'] = (device, _cells, state) =>
  device.health === undefined || !isThere(device, state)
    ? none
    : span(`${device.health.memoryMegabytes.toFixed(0)} MB`);

/** Of the camera's thread and the inference's. */
const restartsOf: Column['show'] = ({ health }) =>
  health === undefined ? none : span(`${health.camera.restarts + health.inference.restarts}`);
