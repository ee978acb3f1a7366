import { unreachable } from '../../base/assert.ts';
import type { Fault } from '../../base/fault.ts';
import { type Millis, millis } from '../../base/time.ts';
import type {
  EventMessage,
  HealthMessage,
  LabelMessage,
  ReportedMessage,
  ResultMessage,
  StatusMessage,
} from '../../contract/messages.ts';
import type { LinkState } from '../../mqtt/connection.ts';
import type { Said, Watched } from './message.ts';

/** What is known of the devices, from what they said. Times are of this machine's monotonic clock. */
export type WatchState = {
  /** The broker and the devices that are looked at, in words. */
  readonly title: string;
  readonly now: Millis;
  readonly broker: BrokerState;
  readonly devices: ReadonlyMap<string, WatchedDevice>;
  /** Messages of devices beyond `devicesMax`, which are not shown. */
  readonly turnedAway: number;
  /** What the broker would not do on this connection. */
  readonly refusal: string | undefined;
};

export type BrokerState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'online' }
  | { readonly kind: 'gone'; readonly since: Millis; readonly reason: string };

export type WatchedDevice = {
  readonly id: string;
  readonly status: StatusMessage | undefined;
  /** The session that is known to run: from its birth, or from what only a running one says. */
  readonly running: string | undefined;
  readonly health: HealthMessage | undefined;
  readonly label: LabelMessage | undefined;
  readonly result: ResultMessage | undefined;
  readonly reported: ReportedMessage | undefined;
  /** The newest last, at most `eventsMax`. */
  readonly events: readonly EventMessage[];
  readonly heardAt: Millis;
  /** Results that came in each second, the newest second last. */
  readonly seconds: readonly { readonly second: number; readonly results: number }[];
  /** Messages with fields that this version does not know. */
  readonly newer: number;
  /** Messages that are none of the contract, and what was wrong with the last one. */
  readonly unreadable: number;
  readonly problem: string | undefined;
  /** Wills of an earlier session that came while another one ran. */
  readonly lateWills: number;
};

export type WatchInput =
  | { readonly kind: 'message'; readonly watched: Watched }
  | { readonly kind: 'broker'; readonly state: LinkState }
  | { readonly kind: 'trouble'; readonly reason: Fault }
  | { readonly kind: 'tick' };

/** More devices on one broker are not for one screen. */
export const devicesMax = 1000;
export const eventsMax = 6;
/** The time over which results are counted; a device may send one in many seconds. */
const rateSeconds = 5;
/** The daemon's default of `health.intervalSeconds`, for a device that has not said its own. */
const intervalSecondsDefault = 30;

export const initialWatch = (title: string, now: Millis): WatchState => ({
  title,
  now,
  broker: { kind: 'connecting' },
  devices: new Map(),
  turnedAway: 0,
  refusal: undefined,
});

export function stepWatch(state: WatchState, input: WatchInput, now: Millis): WatchState {
  switch (input.kind) {
    case 'tick':
      return { ...state, now };
    case 'broker':
      return {
        ...state,
        now,
        broker: brokerAfter(state.broker, input.state, now),
        refusal: input.state.kind === 'online' ? undefined : state.refusal,
      };
    case 'trouble':
      return { ...state, now, refusal: `${input.reason.message}. ${input.reason.mend}` };
    case 'message':
      return heard({ ...state, now }, input.watched);
    default:
      return unreachable(input);
  }
}

function brokerAfter(before: BrokerState, link: LinkState, now: Millis): BrokerState {
  switch (link.kind) {
    case 'online':
      return { kind: 'online' };
    case 'waiting': {
      const since = before.kind === 'gone' ? before.since : now;
      return { kind: 'gone', since, reason: link.fault.message };
    }
    case 'connecting':
    case 'closed':
      return before;
    default:
      return unreachable(link);
  }
}

function heard(state: WatchState, watched: Watched): WatchState {
  const { device: id, reading } = watched;
  const before = state.devices.get(id);
  const devices = new Map(state.devices);
  if (reading.kind === 'cleared') {
    // Whoever clears a device's status takes the device away.
    if (reading.name === 'status') devices.delete(id);
    return { ...state, devices };
  }
  if (before === undefined && devices.size >= devicesMax) {
    return { ...state, turnedAway: state.turnedAway + 1 };
  }
  const device = { ...(before ?? newDevice(id)), heardAt: state.now };
  devices.set(id, deviceAfter(device, watched, state.now));
  return { ...state, devices };
}

const newDevice = (id: string): Omit<WatchedDevice, 'heardAt'> => ({
  id,
  status: undefined,
  running: undefined,
  health: undefined,
  label: undefined,
  result: undefined,
  reported: undefined,
  events: [],
  seconds: [],
  newer: 0,
  unreadable: 0,
  problem: undefined,
  lateWills: 0,
});

function deviceAfter(device: WatchedDevice, watched: Watched, now: Millis): WatchedDevice {
  const { reading, retained } = watched;
  if (reading.kind === 'cleared') return device;
  if (reading.kind === 'unreadable') {
    const problem = `${reading.name}: ${reading.problem}`;
    return { ...device, unreadable: device.unreadable + 1, problem };
  }
  const said = afterSaid(device, reading.said, now);
  const read = reading.isNewer ? { ...said, newer: said.newer + 1 } : said;
  return retained ? read : afterSignOfLife(read, reading.said);
}

function afterSaid(device: WatchedDevice, said: Said, now: Millis): WatchedDevice {
  switch (said.name) {
    case 'status':
      return afterStatus(device, said.message);
    case 'health':
      return { ...device, health: said.message };
    case 'label':
      return { ...device, label: said.message };
    case 'result':
      return { ...device, result: said.message, seconds: counted(device.seconds, now) };
    case 'config/reported':
      return { ...device, reported: said.message };
    case 'event': {
      // The same one may come twice, with the same id.
      if (device.events.some(({ id }) => id === said.message.id)) return device;
      return { ...device, events: [...device.events, said.message].slice(-eventsMax) };
    }
    default:
      return unreachable(said);
  }
}

/** A will that arrives after a restart carries the old session, and is not about the one that runs. */
function afterStatus(device: WatchedDevice, status: StatusMessage): WatchedDevice {
  const { running } = device;
  if (status.state === 'online') return { ...device, status, running: status.session };
  if (running !== undefined && running !== status.session) {
    return { ...device, lateWills: device.lateWills + 1 };
  }
  return { ...device, status, running: undefined };
}

/**
 * Results and health are said by a running daemon about itself: where the status is of another
 * session, a late will has replaced the birth. Labels and events may be an earlier session's.
 */
function afterSignOfLife(device: WatchedDevice, said: Said): WatchedDevice {
  if (said.name !== 'result' && said.name !== 'health') return device;
  const { session } = said.message;
  if (device.status?.session === session) return device;
  const version = said.name === 'health' ? said.message.version : (device.status?.version ?? '');
  return { ...device, status: { state: 'online', session, version }, running: session };
}

function counted(seconds: WatchedDevice['seconds'], now: Millis): WatchedDevice['seconds'] {
  const second = Math.floor(now / 1000);
  const last = seconds.at(-1);
  if (last?.second === second) {
    return [...seconds.slice(0, -1), { second, results: last.results + 1 }];
  }
  return [...seconds, { second, results: 1 }].slice(-(rateSeconds + 1));
}

/** Results a second over the last whole seconds. */
export function resultRateOf({ seconds }: WatchedDevice, now: Millis): number {
  const current = Math.floor(now / 1000);
  const first = seconds[0]?.second ?? current;
  const from = Math.max(first, current - rateSeconds);
  const results = seconds
    .filter(({ second }) => second >= from && second < current)
    .reduce((sum, { results }) => sum + results, 0);
  return current === from ? 0 : results / (current - from);
}

export type DeviceState = StatusMessage['state'] | 'stale' | 'unknown';

/** `stale`: it should be online, and has said nothing for longer than it would be silent. */
export function deviceStateOf(device: WatchedDevice, now: Millis): DeviceState {
  const said = device.status?.state ?? 'unknown';
  if (said === 'stopped' || said === 'offline') return said;
  return now - device.heardAt > staleAfter(device) ? 'stale' : said;
}

/** Two and a half of the device's own intervals of health. */
function staleAfter({ reported }: WatchedDevice): Millis {
  const health = reported?.config['health'];
  const own =
    typeof health === 'object' && health !== null && 'intervalSeconds' in health
      ? health.intervalSeconds
      : undefined;
  return millis((typeof own === 'number' ? own : intervalSecondsDefault) * 2500);
}

/** Whether a person should look at it. */
export function isInTrouble(device: WatchedDevice, now: Millis): boolean {
  const state = deviceStateOf(device, now);
  if (state === 'stopped') return false;
  const { health } = device;
  return (
    state === 'offline' ||
    state === 'stale' ||
    device.unreadable > 0 ||
    health?.state === 'degraded' ||
    health?.camera.fault !== undefined
  );
}
