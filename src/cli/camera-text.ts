import { unreachable } from '../base/assert.ts';
import type { RpicamCamera } from '../camera/rpicam/camera-list.ts';
import type { Control } from '../camera/v4l2/controls.ts';
import type { FoundCamera } from '../camera/v4l2/find.ts';
import type { InspectedSize, Inspection } from '../camera/v4l2/inspect.ts';
import type { RateOffer } from '../camera/v4l2/modes.ts';
import { styled, type Terminal } from './terminal.ts';

/** Cameras as people read them. */

const indent = '  ';
const nameWidth = 10;

export function cameraText(
  camera: FoundCamera,
  inspection: Inspection | undefined,
  isChosen: boolean,
  terminal: Terminal,
): string {
  const { state, path, links } = camera;
  const lines: string[] = [];
  const add = (name: string, text: string): void => {
    lines.push(`${indent}${styled(terminal, 'dim', name.padEnd(nameWidth))}${text}`);
  };
  const title = state.kind === 'closed' ? path : state.identity.card;
  const mark = isChosen ? styled(terminal, 'green', '  ← auto would take this one') : '';
  lines.push(`${styled(terminal, 'bold', title)}${mark}`);
  add('device', path);
  for (const link of links) add(link.includes('/by-id/') ? 'by-id' : 'by-path', link);
  switch (state.kind) {
    case 'closed':
      add('fault', styled(terminal, 'red', state.fault.message));
      add('', state.fault.mend);
      break;
    case 'unusable':
      add('unusable', styled(terminal, 'yellow', state.why));
      break;
    case 'usable':
      break;
    default:
      unreachable(state);
  }
  if (state.kind !== 'closed') add('driver', `${state.identity.driver} at ${state.identity.bus}`);
  if (inspection?.choice !== undefined) {
    const { mode, why } = inspection.choice;
    add('auto', `${mode.fourcc} ${mode.width}×${mode.height}: ${why}`);
  }
  if (inspection !== undefined) {
    const taken = inspection.formats.filter(({ format }) => format !== undefined);
    const others = inspection.formats.filter(({ format }) => format === undefined);
    taken.forEach(({ fourcc, sizes }, index) => {
      add(index === 0 ? 'formats' : '', `${fourcc.padEnd(6)}${sizes.map(sizeText).join(', ')}`);
    });
    if (others.length > 0) {
      const list = others.map(({ fourcc }) => fourcc).join(' ');
      add('', styled(terminal, 'dim', `not taken by sightd: ${list}`));
    }
    const width = Math.max(0, ...inspection.controls.map(({ name }) => name.length)) + 2;
    inspection.controls.forEach((control, index) => {
      add(index === 0 ? 'controls' : '', `${control.name.padEnd(width)}${controlText(control)}`);
    });
  }
  return `${lines.join('\n')}\n`;
}

function sizeText(size: InspectedSize): string {
  const rate = rateText(size.rates);
  if (size.kind === 'discrete') return `${size.width}×${size.height}${rate}`;
  const { min, max } = size;
  return `${min.width}×${min.height} to ${max.width}×${max.height}${rate}`;
}

function rateText({ fps, isRange }: RateOffer): string {
  const [highest, lowest] = [fps[0], fps.at(-1)];
  if (highest === undefined || lowest === undefined) return '';
  const round = (value: number): string => String(Math.round(value * 100) / 100);
  if (isRange) return ` at ${round(lowest)} to ${round(highest)}`;
  return ` at ${fps.map(round).join('/')}`;
}

function controlText(control: Control): string {
  const { kind, value, minimum, maximum, defaultValue, items } = control;
  const notes = [
    ...(control.isReadOnly ? ['read only'] : []),
    ...(control.isInactive ? ['inactive: an automatic mode has it'] : []),
  ];
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  const now = value === undefined ? '' : String(value).padEnd(8);
  switch (kind) {
    case 'button':
      return `button${note}`;
    case 'boolean':
      return `${(value === 0 ? 'false' : 'true').padEnd(8)}default ${defaultValue === 0 ? 'false' : 'true'}${note}`;
    case 'menu': {
      const list = [...items].map(([item, name]) => `${item} ${name}`).join(', ');
      return `${now}of ${list}; default ${defaultValue}${note}`;
    }
    case 'bitmask':
      return `0x${((value ?? 0) >>> 0).toString(16)} of 0x${(maximum >>> 0).toString(16)}${note}`;
    case 'integer': {
      const step = control.step > 1 ? ` by ${control.step}` : '';
      return `${now}${minimum} to ${maximum}${step}, default ${defaultValue}${note}`;
    }
    default:
      return unreachable(kind);
  }
}

export function rpicamText(camera: RpicamCamera, isChosen: boolean, terminal: Terminal): string {
  const mark = isChosen ? styled(terminal, 'green', '  ← auto would take this one') : '';
  const line = (name: string, text: string): string =>
    `${indent}${styled(terminal, 'dim', name.padEnd(nameWidth))}${text}`;
  const modes = camera.modes.map(({ format, width, height, fps }) => {
    const rate = fps === undefined ? '' : ` at ${Math.round(fps * 100) / 100}`;
    return `${format} ${width}×${height}${rate}`;
  });
  const lines = [
    `${styled(terminal, 'bold', camera.sensor)}${mark}`,
    line('CSI', `camera ${camera.index} (source: rpicam, device: "${camera.index}")`),
    line('at', camera.path),
    ...modes.map((mode, index) => line(index === 0 ? 'sensor' : '', mode)),
  ];
  return `${lines.join('\n')}\n`;
}
