import { unreachable } from '../../base/assert.ts';
import type { EventMessage, ReportedMessage } from '../../contract/messages.ts';
import { columnsFor, deviceLine, headingLine } from './columns.ts';
import { deviceStateOf, isInTrouble, type WatchedDevice, type WatchState } from './state.ts';
import {
  cutLine,
  durationOf,
  type Line,
  printable,
  type Style,
  span,
  subjectOf,
  timeOfDay,
  wrapped,
} from './text.ts';

/** Lines about one device below its row; those of a lower rank are shown first. */
type Detail = { readonly rank: number; readonly lines: readonly Line[] };

/**
 * The whole picture in at most `rows - 1` lines of at most `columns - 1` cells: a row for each
 * device, and below the rows as much as there is room for, trouble first. `time` is now, in ISO 8601.
 */
export function renderWatch(
  state: WatchState,
  columns: number,
  rows: number,
  time: string,
): readonly Line[] {
  // Nothing is written into the last cell of a line or the last line: terminals differ there.
  const cells = Math.max(1, columns - 1);
  const all = [...state.devices.values()].sort((a, b) => byName.compare(a.id, b.id));
  const head = headOf(state, all, time);
  const room = Math.max(1, rows - 1 - head.length - 1);
  if (all.length === 0) {
    return [...head, ...waitingLines].slice(0, rows - 1).map((line) => cutLine(line, cells));
  }
  const isWhole = all.length <= room;
  const shown = isWhole ? all : firstInTrouble(all, state).slice(0, Math.max(0, room - 1));
  const hidden = all.filter((device) => !shown.includes(device));
  const table = columnsFor(shown, cells);
  const chosen = chooseDetails(shown, state, cells, isWhole ? room - all.length : 0);
  const body = shown.flatMap((device, at) => [
    deviceLine(table, device, state),
    ...(chosen[at] ?? []).flatMap(({ lines }) => lines),
  ]);
  const more = isWhole ? [] : [hiddenLine(hidden, state)];
  return [...head, headingLine(table), ...body, ...more]
    .slice(0, rows - 1)
    .map((line) => cutLine(line, cells));
}

const byName = new Intl.Collator('en', { numeric: true });

const waitingLines: readonly Line[] = [
  [],
  [span('No device has said anything yet.', 'bold')],
  [span('Is --base what the devices have as mqtt.base? Some brokers (RabbitMQ) hand out')],
  [span('what they have kept only to who names the device: --device ID.')],
];

function headOf(
  state: WatchState,
  devices: readonly WatchedDevice[],
  time: string,
): readonly Line[] {
  const { title, broker, now, turnedAway, refusal } = state;
  const states = devices.map((device) => deviceStateOf(device, now));
  const online = states.filter((one) => one === 'online').length;
  const troubled = devices.filter((device) => isInTrouble(device, now)).length;
  const line: Line = [
    span('sightd watch', 'bold'),
    span(`  ${counted(devices.length, 'device')}, ${online} online`),
    ...(troubled > 0 ? [span(`, ${troubled} in trouble`, 'yellow')] : []),
    ...(turnedAway > 0 ? [span(', more than can be shown', 'yellow')] : []),
    span(`  ${timeOfDay(time)} UTC  ${printable(title)}`, 'dim'),
  ];
  switch (broker.kind) {
    case 'online':
      return refusal === undefined ? [line] : [line, [span(printable(refusal), 'red')]];
    case 'connecting':
      return [line, [span('connecting to the broker', 'dim')]];
    case 'gone': {
      const since = durationOf((now - broker.since) / 1000);
      const what = `no broker for ${since}, trying again: ${printable(broker.reason)}`;
      return [line, [span(what, 'red')]];
    }
    default:
      return unreachable(broker);
  }
}

/** Where not all fit, those that need a person come first; else each stays where it is. */
const firstInTrouble = (
  devices: readonly WatchedDevice[],
  { now }: WatchState,
): readonly WatchedDevice[] => [
  ...devices.filter((device) => isInTrouble(device, now)),
  ...devices.filter((device) => !isInTrouble(device, now)),
];

function hiddenLine(hidden: readonly WatchedDevice[], { now }: WatchState): Line {
  const troubled = hidden.filter((device) => isInTrouble(device, now)).length;
  const trouble = troubled === 0 ? '' : `, ${troubled} of them in trouble`;
  return [span(`… ${hidden.length} more${trouble}: a taller window, or --device ID`, 'dim')];
}

const linesApart = 4;

/** As many details as there are lines for, fairly: the most important of every device first. */
function chooseDetails(
  devices: readonly WatchedDevice[],
  state: WatchState,
  cells: number,
  linesMax: number,
): readonly (readonly Detail[])[] {
  // Devices are set apart where each could have several lines, and nowhere else.
  const blanks: readonly Detail[] =
    linesMax >= devices.length * linesApart ? [{ rank: 0, lines: [[]] }] : [];
  const details = devices.map((device) => [
    ...detailsOf(device, state, cells),
    ...blanks.map((blank) => ({ ...blank })),
  ]);
  const ranked = details
    .flat()
    .map((detail, at) => ({ detail, at }))
    .sort((a, b) => a.detail.rank - b.detail.rank || a.at - b.at);
  const chosen = new Set<Detail>();
  let left = linesMax;
  for (const { detail } of ranked) {
    if (detail.lines.length > left) break;
    left -= detail.lines.length;
    chosen.add(detail);
  }
  return details.map((own) => own.filter((detail) => chosen.has(detail)));
}

function detailsOf(device: WatchedDevice, state: WatchState, cells: number): readonly Detail[] {
  const newestFirst = [...device.events].reverse();
  return [
    ...troubleOf(device, state).map(({ style, texts }) => ({
      rank: 0,
      lines: texts.flatMap((text, at) => below(text, at === 0 ? 4 : 6, cells, style)),
    })),
    ...figuresOf(device, state).map((text) => ({ rank: 3, lines: below(text, 4, cells, 'dim') })),
    ...(device.reported === undefined ? [] : [verdictDetail(device.reported, cells)]),
    ...newestFirst.map((event, age) => ({
      // The newest event of each device goes before a second one of any.
      rank: age === 0 ? 1 : 4 + age,
      lines: below(eventText(event), 4, cells),
    })),
  ];
}

const eventText = ({ at, code, message, mend }: EventMessage): string =>
  `${timeOfDay(at)}  ${code}  ${message}${mend === undefined ? '' : `: ${mend}`}`;

type Trouble = { readonly style: Style; readonly texts: readonly string[] };

/** What is wrong, each with what a person can do about it. */
function troubleOf(device: WatchedDevice, { now }: WatchState): readonly Trouble[] {
  const troubles: Trouble[] = [];
  const say = (style: Style, ...texts: string[]): void => {
    troubles.push({ style, texts });
  };
  const { health, unreadable, problem, newer, lateWills } = device;
  const state = deviceStateOf(device, now);
  if (state === 'stale') {
    say('red', `nothing heard for ${durationOf((now - device.heardAt) / 1000)}`);
  }
  if (state === 'online' && health?.camera.fault !== undefined) {
    const { message, mend } = health.camera.fault;
    say('yellow', `waiting for the camera: ${message}`, mend);
  }
  if (state === 'online' && health !== undefined && health.outbox.lost > 0) {
    say('yellow', `${health.outbox.lost} labels and events were given up: the outbox was full`);
  }
  if (state === 'online' && health?.outbox.stored === false) {
    say('yellow', 'labels and events are not stored: they would not survive a restart');
  }
  if (state === 'online' && health?.clockSynced === false) {
    say('dim', 'its clock is not set yet: its times are wrong');
  }
  if (unreadable > 0) {
    say('yellow', `${counted(unreadable, 'message')} of another shape; the last: ${problem ?? ''}`);
  }
  if (newer > 0) {
    say('dim', `${counted(newer, 'message')} of a newer version, with fields that are not shown`);
  }
  if (lateWills > 0) say('dim', `${lateWills} late "offline" of an earlier session`);
  return troubles;
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

function figuresOf(device: WatchedDevice, { now }: WatchState): readonly string[] {
  const { health, status } = device;
  if (health === undefined || deviceStateOf(device, now) !== 'online') return [];
  const { camera, inference, outbox } = health;
  const waiting = outbox.waiting > 0 ? [`${outbox.waiting} in the outbox`] : [];
  const latency =
    health.latencyMs === undefined
      ? []
      : [`latency ${health.latencyMs.p50.toFixed(1)} ms, p99 ${health.latencyMs.p99.toFixed(1)}`];
  const texts = [
    ...latency,
    `${counted(camera.reopens, 'reopen')}, ${counted(camera.restarts + inference.restarts, 'restart')}`,
    `${health.memoryMegabytes.toFixed(0)} MB, ${health.cpuPercent.toFixed(0)} % of a core`,
    ...(health.temperatureCelsius === undefined
      ? []
      : [`${health.temperatureCelsius.toFixed(0)} °C`]),
    ...waiting,
    `up ${durationOf(health.uptimeSeconds)}`,
    ...(camera.source === '' ? [] : [camera.source]),
    `${health.model.name} ${health.model.version}`,
    `sightd ${status?.version ?? health.version}`,
  ];
  return [texts.join(' · ')];
}

/** A verdict that is not "the device's own config" is worth a line before more events are. */
function verdictDetail({ version, state, at, errors }: ReportedMessage, cells: number): Detail {
  const which = subjectOf(version, state);
  const [first] = errors;
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  const why = first === undefined ? '' : `: ${where}${first.message}`;
  const isBad = state === 'rejected' || state === 'rolled-back';
  const text = `${timeOfDay(at)}  config ${which} ${state}${why}`;
  const lines = below(text, 4, cells, isBad ? 'yellow' : 'dim');
  return { rank: isBad || state === 'trial' ? 1 : 2, lines };
}

/** What is longer is cut: a sentence, not a page. */
const textLinesMax = 5;

/** A text below a device's row, on as many lines as it needs. */
function below(text: string, indent: number, cells: number, style?: Style): readonly Line[] {
  return wrapped(printable(text), Math.max(8, cells - indent))
    .slice(0, textLinesMax)
    .map((line) => [span(' '.repeat(indent) + line, style)]);
}
