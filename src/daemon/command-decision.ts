import { type Fault, fault, type Outcome, success } from '../base/fault.ts';
import type { Micros } from '../base/time.ts';
import type { Command, CommandName } from '../contract/commands.ts';
import { readCommand } from './command-document.ts';
import {
  type Bucket,
  type BucketPolicy,
  fullBucket,
  refilled,
  secondsUntilToken,
  spent,
} from './token-bucket.ts';

/*
 * Whether a command is obeyed, as a pure function. Nothing that is refused counts against the rate or
 * is remembered: whoever was told to wait may send the same again.
 */

export type Arrival = {
  readonly name: CommandName;
  readonly payload: Uint8Array;
  /** The broker had kept it. */
  readonly retained: boolean;
};

export type CommandState = {
  /** Ids of the last commands that were obeyed, oldest first. */
  readonly ids: readonly string[];
  readonly running: ReadonlySet<CommandName>;
  readonly all: Bucket;
  readonly snapshots: Bucket;
};

export type CommandPolicy = { readonly all: BucketPolicy; readonly snapshots: BucketPolicy };

/** `wall`: the device's wall clock, milliseconds since 1970. */
export type Instant = { readonly now: Micros; readonly wall: number };

export type Decision =
  | { readonly kind: 'go'; readonly command: Command; readonly state: CommandState }
  /** `id` is that of the command, where it could be read. */
  | { readonly kind: 'refused'; readonly id: string | null; readonly fault: Fault };

/** Expiry and rate keep the number of ids that matter far below this. */
const idsMax = 256;
/** A command is for now; what may be obeyed tomorrow is a config. */
const expiryMs = 24 * 3600 * 1000;

/** A picture is megabytes of work and of traffic: one a second, whatever the rate of the rest. */
export const snapshotPolicy: BucketPolicy = { burst: 1, perSecond: 1 };

export const noCommands = (policy: CommandPolicy, now: Micros): CommandState => ({
  ids: [],
  running: new Set(),
  all: fullBucket(policy.all, now),
  snapshots: fullBucket(policy.snapshots, now),
});

export function decide(
  arrival: Arrival,
  state: CommandState,
  policy: CommandPolicy,
  instant: Instant,
): Decision {
  const read = readCommand(arrival.name, arrival.payload);
  if (!read.ok) return { kind: 'refused', id: read.id, fault: read.fault };
  const { command } = read;
  const { id } = command;
  const stale = staleness(arrival, command, state, instant.wall);
  if (stale !== undefined) return { kind: 'refused', id, fault: stale };
  if (state.running.has(command.name)) return { kind: 'refused', id, fault: stillRunning(command) };
  const taken = takeTokens(command, state, policy, instant.now);
  if (!taken.ok) return { kind: 'refused', id, fault: taken.fault };
  return {
    kind: 'go',
    command,
    state: {
      ...taken.value,
      ids: [...state.ids, id].slice(-idsMax),
      running: new Set(state.running).add(command.name),
    },
  };
}

/** One command at a time of each name. */
export function afterCommand(state: CommandState, name: CommandName): CommandState {
  const running = new Set(state.running);
  running.delete(name);
  return { ...state, running };
}

/** Why a command that is well-formed is not for now. */
function staleness(
  { retained }: Arrival,
  { id, expiresAt }: Command,
  state: CommandState,
  wall: number,
): Fault | undefined {
  if (retained) {
    return fault(
      'command.retained',
      'the command was retained, so it is not known when it was given',
      'Publish it without the retain flag, and clear the topic with an empty retained message.',
    );
  }
  const left = Date.parse(expiresAt) - wall;
  const clock = `by this device's clock it is ${new Date(wall).toISOString()}`;
  if (left <= 0) {
    const sentence = `the command expired at ${expiresAt}; ${clock}`;
    const mend = 'Send it again with a later expiresAt; if the clock is wrong, set it.';
    return fault('command.expired', sentence, mend);
  }
  if (left > expiryMs) {
    const sentence = `the command expires at ${expiresAt}, more than a day ahead; ${clock}`;
    const mend = 'Give it an expiresAt within a day; if the clock is wrong, set it.';
    return fault('command.expires-late', sentence, mend);
  }
  if (!state.ids.includes(id)) return undefined;
  const sentence = `a command with the id ${JSON.stringify(id)} was obeyed already`;
  return fault('command.repeated', sentence, 'Give each command an id of its own.');
}

const stillRunning = ({ name }: Command): Fault =>
  fault(
    'command.busy',
    `the ${name} before this one is not done yet`,
    'Send it again when that one has been answered.',
  );

function takeTokens(
  { name }: Command,
  state: CommandState,
  policy: CommandPolicy,
  now: Micros,
): Outcome<CommandState> {
  const all = refilled(state.all, now, policy.all);
  const snapshots = refilled(state.snapshots, now, policy.snapshots);
  const isPicture = name === 'snapshot';
  const wait = Math.max(
    secondsUntilToken(all, policy.all),
    isPicture ? secondsUntilToken(snapshots, policy.snapshots) : 0,
  );
  if (wait > 0) {
    const sentence = `there were too many ${isPicture ? 'snapshots' : 'commands'} lately`;
    const mend = `Send it again in ${Math.ceil(wait)} s.`;
    return { ok: false, fault: fault('command.busy', sentence, mend) };
  }
  const left = isPicture ? spent(snapshots) : snapshots;
  return success({ ...state, all: spent(all), snapshots: left });
}
