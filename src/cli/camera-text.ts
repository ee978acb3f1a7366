import { unreachable } from '../base/assert.ts';
import type { RpicamCamera } from '../camera/rpicam/camera-list.ts';
import type { StreamPlan } from '../camera/rpicam/layout.ts';
import type { Control } from '../camera/v4l2/controls.ts';
import type { FoundCamera } from '../camera/v4l2/find.ts';
import type { InspectedFormat, InspectedSize, Inspection } from '../camera/v4l2/inspect.ts';
import type { RateOffer } from '../camera/v4l2/modes.ts';
import { styled, type Terminal } from './terminal.ts';

/** Cameras as people read them. */

const indent = '  ';
const nameWidth = 10;
/** Narrower terminals break the lines themselves. */
const columnsMin = 60;

/** A line below a camera's name; one without a name of its own goes on with what is above it. */
type Row = {
  readonly name: string;
  readonly text: string;
  readonly style: 'none' | 'dim' | 'red' | 'yellow';
};
const row = (name: string, text: string, style: Row['style'] = 'none'): Row => ({
  name,
  text,
  style,
});

/** `taker` is the source that would take this camera, if one would. */
export function cameraText(
  camera: FoundCamera,
  inspection: Inspection | undefined,
  taker: string | undefined,
  terminal: Terminal,
): string {
  const { state, path, links } = camera;
  const title = state.kind === 'closed' ? path : state.identity.card;
  const rows: Row[] = [
    row('device', path),
    ...links.map((link) => row(link.includes('/by-id/') ? 'by-id' : 'by-path', link)),
    ...stateRows(state),
  ];
  if (inspection?.choice !== undefined && state.kind === 'usable') {
    const { mode, why } = inspection.choice;
    rows.push(row('auto', `${mode.fourcc} ${mode.width}×${mode.height}: ${why}`));
  }
  if (inspection !== undefined) {
    const columns = Math.max(columnsMin, terminal.columns()) - indent.length - nameWidth;
    rows.push(...named('formats', formatRows(inspection.formats, columns)));
    rows.push(...named('controls', controlRows(inspection.controls, columns)));
  }
  return blockOf(title, taker, rows, terminal);
}

export function rpicamText(
  camera: RpicamCamera,
  plan: StreamPlan | undefined,
  taker: string | undefined,
  terminal: Terminal,
): string {
  const modes = camera.modes.map(({ format, width, height, fps }) => {
    const rate = fps === undefined ? '' : ` at ${rounded(fps)}`;
    return row('', `${format} ${width}×${height}${rate}`);
  });
  const rows: Row[] = [
    row('CSI', `camera ${camera.index} (source: rpicam, device: "${camera.index}")`),
    row('at', camera.path),
  ];
  if (plan !== undefined) {
    const { size, fps } = plan;
    rows.push(row('auto', `YU12 ${size.width}×${size.height} at ${rounded(fps)}`));
  }
  rows.push(...named('sensor', modes));
  return blockOf(camera.sensor, taker, rows, terminal);
}

function blockOf(
  title: string,
  taker: string | undefined,
  rows: readonly Row[],
  terminal: Terminal,
): string {
  const mark =
    taker === undefined ? '' : styled(terminal, 'green', `  ← ${taker} would take this one`);
  const lines = rows.map(({ name, text, style }) => {
    const shown = style === 'none' ? text : styled(terminal, style, text);
    return `${indent}${styled(terminal, 'dim', name.padEnd(nameWidth))}${shown}`;
  });
  return `${[`${styled(terminal, 'bold', title)}${mark}`, ...lines].join('\n')}\n`;
}

const named = (name: string, [first, ...rest]: readonly Row[]): readonly Row[] =>
  first === undefined ? [] : [{ ...first, name }, ...rest];

function stateRows(state: FoundCamera['state']): readonly Row[] {
  if (state.kind === 'closed') {
    return [row('fault', state.fault.message, 'red'), row('', state.fault.mend)];
  }
  const { driver, bus } = state.identity;
  const rows = [row('driver', `${driver} at ${bus}`)];
  return state.kind === 'usable' ? rows : [...rows, row('unusable', state.why, 'yellow')];
}

/** Room for a fourcc before its sizes. */
const fourccWidth = 6;

/** Formats of the same sizes and rates, which most drivers have, are said together. */
function formatRows(formats: readonly InspectedFormat[], columns: number): readonly Row[] {
  const groups = new Map<string, InspectedFormat[]>();
  for (const one of formats.filter(({ format }) => format !== undefined)) {
    const key = JSON.stringify(one.sizes);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const rows = [...groups.values()].flatMap((group) => {
    const names = group.map(({ fourcc }) => shortOf(fourcc)).join(' ');
    const sizes = sizeTexts(group[0]?.sizes ?? []);
    const isWide = names.length >= fourccWidth || sizes.length === 0;
    const lines = sizes.map((size, index) => {
      const label = index === 0 && !isWide ? names : '';
      return `${label.padEnd(fourccWidth)}${size}`;
    });
    return isWide ? [...wrapped(names.split(' '), columns), ...lines] : lines;
  });
  const others = formats.filter(({ format }) => format === undefined);
  const list = others.map(({ fourcc }) => shortOf(fourcc));
  const rest = list.length === 0 ? [] : wrapped(['not taken by sightd:', ...list], columns);
  return [...rows.map((text) => row('', text)), ...rest.map((text) => row('', text, 'dim'))];
}

/** Short fourccs are filled up with spaces, as `Y16 `. */
const shortOf = (fourcc: string): string => fourcc.replaceAll(' ', '');

function sizeTexts(sizes: readonly InspectedSize[]): readonly string[] {
  const texts = sizes.map(sizeText);
  const width = Math.max(0, ...texts.map(({ length }) => length));
  return sizes.map(({ rates }, index) => {
    const rate = rateText(rates);
    return rate === '' ? (texts[index] ?? '') : `${(texts[index] ?? '').padEnd(width)} at ${rate}`;
  });
}

function sizeText(size: InspectedSize): string {
  if (size.kind === 'discrete') return `${size.width}×${size.height}`;
  const { min, max, step } = size;
  const by = step.width > 1 || step.height > 1 ? ` by ${step.width}×${step.height}` : '';
  return `${min.width}×${min.height} to ${max.width}×${max.height}${by}`;
}

function rateText({ fps, isRange }: RateOffer): string {
  const [highest, lowest] = [fps[0], fps.at(-1)];
  if (highest === undefined || lowest === undefined) return '';
  return isRange ? `${rounded(lowest)} to ${rounded(highest)}` : fps.map(rounded).join('/');
}

const rounded = (value: number): string => String(Math.round(value * 100) / 100);

/** Room for the value of a control before what else it could be. */
const valueWidth = 8;
/** Of what goes on with the control above it. */
const hanging = ' '.repeat(4);

function controlRows(controls: readonly Control[], columns: number): readonly Row[] {
  const width = Math.max(0, ...controls.map(({ name }) => name.length)) + 2;
  return controls.flatMap((control) => {
    const before = `${control.name.padEnd(width)}${`${valueText(control)} `.padEnd(valueWidth)}`;
    const [first = '', ...rest] = rangeWords(control);
    return wrapped([`${before}${first}`, ...rest], columns - hanging.length).map((text, index) =>
      row('', `${index === 0 ? '' : hanging}${text}`.trimEnd()),
    );
  });
}

/** What a control is now. */
function valueText({ kind, value }: Control): string {
  if (kind === 'button') return 'button';
  return value === undefined ? '' : numberText(kind, value);
}

function numberText(kind: Control['kind'], value: number): string {
  if (kind === 'boolean') return value === 0 ? 'false' : 'true';
  return kind === 'bitmask' ? `0x${(value >>> 0).toString(16)}` : String(value);
}

/** What a control may be, in pieces that are not to be broken. */
function rangeWords(control: Control): readonly string[] {
  const { kind, minimum, maximum, step, defaultValue, items } = control;
  const usual = kind === 'button' ? '' : `default ${numberText(kind, defaultValue)}`;
  const notes = [
    ...(control.isReadOnly ? ['(read only)'] : []),
    ...(control.isInactive ? ['(inactive: an automatic mode has it)'] : []),
  ];
  const range = (): readonly string[] => {
    switch (kind) {
      case 'button':
      case 'boolean':
        return [];
      case 'menu':
        return [...items].map(([item, name]) => `${item}: ${name},`);
      case 'bitmask':
        return [`bits of 0x${(maximum >>> 0).toString(16)},`];
      case 'integer':
        return [`${minimum} to ${maximum}${step > 1 ? ` by ${step}` : ''},`];
      default:
        return unreachable(kind);
    }
  };
  return [...range(), usual, ...notes].filter((word) => word !== '');
}

/** Puts pieces one after the other into lines of at most so many characters; a longer piece has its own. */
export function wrapped(pieces: readonly string[], columns: number): readonly string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + piece.length > columns) lines.push(piece);
    else lines[lines.length - 1] = `${last} ${piece}`;
  }
  return lines.length === 0 ? [''] : lines;
}
