import { constants } from 'node:os';
import { type Fault, failure, fault, type Outcome, success } from '../../base/fault.ts';
import { addressOf } from '../../base/ffi.ts';
import { nearest } from '../../base/nearest.ts';
import type { CaptureDevice } from './device.ts';
import { createRecord, type StructRecord } from './record.ts';
import * as v4l2 from './structs.ts';

export type ControlKind = 'integer' | 'boolean' | 'menu' | 'button' | 'bitmask';

/** A camera's control, as brightness. Booleans are 0 and 1, menus the index of an item. */
export type Control = {
  readonly id: number;
  /** As `v4l2-ctl` writes it: lower case, words joined by underscores. */
  readonly name: string;
  readonly title: string;
  readonly kind: ControlKind;
  readonly minimum: number;
  readonly maximum: number;
  readonly step: number;
  readonly defaultValue: number;
  /** Undefined for buttons and for controls that can only be written. */
  readonly value: number | undefined;
  readonly isReadOnly: boolean;
  /** Another control, such as an automatic mode, has taken over. */
  readonly isInactive: boolean;
  /** Menus: their items by value. */
  readonly items: ReadonlyMap<number, string>;
};

const controlsMax = 256;
const menuItemsMax = 256;

const kinds: Readonly<Record<number, ControlKind>> = {
  [v4l2.V4L2_CTRL_TYPE_INTEGER]: 'integer',
  [v4l2.V4L2_CTRL_TYPE_INTEGER64]: 'integer',
  [v4l2.V4L2_CTRL_TYPE_BOOLEAN]: 'boolean',
  [v4l2.V4L2_CTRL_TYPE_MENU]: 'menu',
  [v4l2.V4L2_CTRL_TYPE_INTEGER_MENU]: 'menu',
  [v4l2.V4L2_CTRL_TYPE_BUTTON]: 'button',
  [v4l2.V4L2_CTRL_TYPE_BITMASK]: 'bitmask',
};

/** All controls of a camera that hold one number. */
export function listControls(device: CaptureDevice): readonly Control[] {
  const controls: Control[] = [];
  const entry = createRecord(v4l2.v4l2QueryExtCtrl);
  let previous = 0;
  for (let index = 0; index < controlsMax; index += 1) {
    entry.bytes.fill(0);
    entry.set('id', (previous | v4l2.V4L2_CTRL_FLAG_NEXT_CTRL) >>> 0);
    if (device.request('VIDIOC_QUERY_EXT_CTRL', entry) !== 0) break;
    const id = entry.get('id');
    previous = id;
    const flags = entry.get('flags');
    const kind = kinds[entry.get('type')];
    const isHidden =
      (flags & (v4l2.V4L2_CTRL_FLAG_DISABLED | v4l2.V4L2_CTRL_FLAG_HAS_PAYLOAD)) !== 0;
    if (kind === undefined || isHidden) continue;
    const title = entry.text('name');
    const isWide = entry.get('type') === v4l2.V4L2_CTRL_TYPE_INTEGER64;
    const range = { minimum: entry.get('minimum'), maximum: entry.get('maximum') };
    const isWritten = kind === 'button' || (flags & v4l2.V4L2_CTRL_FLAG_WRITE_ONLY) !== 0;
    controls.push({
      id,
      name: nameOf(title),
      title,
      kind,
      ...range,
      step: entry.get('step'),
      defaultValue: entry.get('default_value'),
      value: isWritten ? undefined : readControl(device, id, isWide),
      isReadOnly: (flags & v4l2.V4L2_CTRL_FLAG_READ_ONLY) !== 0,
      isInactive: (flags & v4l2.V4L2_CTRL_FLAG_INACTIVE) !== 0,
      items:
        kind === 'menu'
          ? listItems(device, id, range, entry.get('type') === v4l2.V4L2_CTRL_TYPE_INTEGER_MENU)
          : new Map(),
    });
  }
  return controls;
}

const nameOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');

function listItems(
  device: CaptureDevice,
  id: number,
  { minimum, maximum }: { minimum: number; maximum: number },
  isNumber: boolean,
): ReadonlyMap<number, string> {
  const items = new Map<number, string>();
  for (let index = minimum; index <= Math.min(maximum, minimum + menuItemsMax); index += 1) {
    const entry = createRecord(v4l2.v4l2Querymenu);
    entry.set('id', id);
    entry.set('index', index);
    // Menus may have holes.
    if (device.request('VIDIOC_QUERYMENU', entry) !== 0) continue;
    const number = createRecord(v4l2.v4l2QuerymenuValue, entry.bytes);
    items.set(index, isNumber ? String(number.get('value')) : entry.text('name'));
  }
  return items;
}

type ControlRecord = StructRecord<keyof typeof v4l2.v4l2ExtControl.fields>;

/** One control in the request that can carry several; returns the errno. */
function exchange(
  device: CaptureDevice,
  request: 'VIDIOC_G_EXT_CTRLS' | 'VIDIOC_S_EXT_CTRLS',
  control: ControlRecord,
): number {
  const list = createRecord(v4l2.v4l2ExtControls);
  list.set('count', 1);
  list.set('controls', addressOf(control.bytes));
  return device.request(request, list);
}

function readControl(device: CaptureDevice, id: number, isWide: boolean): number | undefined {
  const control = createRecord(v4l2.v4l2ExtControl);
  control.set('id', id);
  if (exchange(device, 'VIDIOC_G_EXT_CTRLS', control) !== 0) return undefined;
  const value = control.get('value64');
  // The others' 32 bits lie in the lower half, whose sign the upper half may not continue.
  return isWide ? value : value | 0;
}

/** Sets controls by name; returns what could not be set and why. The others are set all the same. */
export function setControls(
  device: CaptureDevice,
  wanted: Readonly<Record<string, number | boolean | string>>,
): readonly Fault[] {
  const names = Object.keys(wanted);
  if (names.length === 0) return [];
  const controls = listControls(device);
  return names.flatMap((name) => {
    const value = wanted[name] as number | boolean | string;
    const outcome = setControl(device, controls, name, value);
    return outcome.ok ? [] : [outcome.fault];
  });
}

function setControl(
  device: CaptureDevice,
  controls: readonly Control[],
  name: string,
  wanted: number | boolean | string,
): Outcome<void> {
  const say = (sentence: string, mend: string): Outcome<void> =>
    failure(fault('camera.control', `camera.controls.${name}: ${sentence}`, mend));
  const control = controls.find((one) => one.name === nameOf(name));
  if (control === undefined) {
    const near = nearest(
      name,
      controls.map((one) => one.name),
    );
    const mend = near === undefined ? '' : ` Did you mean ${near}?`;
    return say(
      `${device.identity.card} has no such control`,
      `\`sightd cameras\` shows those it has.${mend}`,
    );
  }
  if (control.isReadOnly) return say('the camera lets it only be read', 'Remove it.');
  const value = numberOf(control, wanted);
  if (value === undefined)
    return say(`${JSON.stringify(wanted)} is not one of its values`, rangeText(control));
  const record = createRecord(v4l2.v4l2ExtControl);
  record.set('id', control.id);
  record.set('value64', value);
  const errno = exchange(device, 'VIDIOC_S_EXT_CTRLS', record);
  if (errno === 0) return success(undefined);
  const mend =
    errno === constants.errno.EBUSY || control.isInactive
      ? 'An automatic mode may have to be off first.'
      : rangeText(control);
  return say(`the driver refuses ${JSON.stringify(wanted)}`, mend);
}

/** The number that a config's value stands for; undefined when it is out of range. */
export function numberOf(control: Control, wanted: number | boolean | string): number | undefined {
  const { kind, items, minimum, maximum, step } = control;
  if (kind === 'button') return 1;
  if (typeof wanted === 'string') {
    const item = [...items].find(([, name]) => name.toLowerCase() === wanted.trim().toLowerCase());
    if (item !== undefined) return item[0];
    const number = Number(wanted);
    return wanted.trim() === '' || Number.isNaN(number) ? undefined : numberOf(control, number);
  }
  const value = Number(wanted);
  if (!Number.isInteger(value)) return undefined;
  // Bits above the thirty-first come out of C as negative numbers; the kernel drops those outside unsaid.
  if (kind === 'bitmask')
    return value === value >>> 0 && (value & ~maximum) === 0 ? value : undefined;
  if (kind === 'menu') return items.has(value) ? value : undefined;
  if (value < minimum || value > maximum) return undefined;
  return (value - minimum) % Math.max(1, step) === 0 ? value : undefined;
}

/** The values a control takes, for people. */
export function rangeText(control: Control): string {
  switch (control.kind) {
    case 'boolean':
      return 'It takes true or false.';
    case 'menu':
      return `It takes ${[...control.items].map(([value, name]) => `${value} (${name})`).join(', ')}.`;
    case 'button':
      return 'Any value presses it.';
    case 'bitmask':
      return `It takes bits within 0x${(control.maximum >>> 0).toString(16)}.`;
    case 'integer': {
      const steps = control.step > 1 ? ` in steps of ${control.step}` : '';
      return `It takes ${control.minimum} to ${control.maximum}${steps}.`;
    }
  }
}
