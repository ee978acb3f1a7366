import { micros, millis } from '../../src/base/time.ts';
import { eventCodes } from '../../src/contract/event-codes.ts';
import {
  type EventMessage,
  type HealthMessage,
  type Rung,
  rungs,
} from '../../src/contract/messages.ts';
import { supervisorPolicyOf, waitBefore } from '../../src/daemon/supervisor/policy.ts';
import type { Device, Kind, ProcessEnd, Since } from './kinds.ts';
import type { Seen } from './watch.ts';

/*
 * One fault: it is made, and what the device says and does is held against what is promised of it.
 */

export type Outcome = {
  readonly kind: string;
  /** The last step that was taken about it. */
  readonly by: Rung | undefined;
  /** From when it was made until a frame was classified and heard of again. */
  readonly ms: number;
  readonly deadlineMs: number;
  readonly problems: readonly string[];
};

/** A shared machine of two cores, where a look comes once a second. */
const slackMs = 3000;
/** health.stopSeconds. */
const stopMs = 5000;
/** Node.js, the model, the connection and a frame. */
const startMs = 5000;
/** What has not come so long after it should have does not come. */
const patienceMs = 60_000;
const policy = supervisorPolicyOf(Number.POSITIVE_INFINITY, millis(1000));

/** Recovery steps so far, for the budgets that they draw on. */
export type Steps = Step[];
type Step = {
  readonly component: string;
  readonly rung: Rung;
  /** Counts them in a row, over several faults where they come soon after one another. */
  readonly attempt: number;
  readonly at: number;
  readonly session: string;
};

export async function tryFault(device: Device, kind: Kind, history: Steps): Promise<Outcome> {
  const { unit, watch } = device;
  const from = watch.events.length;
  const before = sessionOf(device);
  const endsBefore = unit.ends.length;
  const failedBefore = watch.healths.at(-1)?.ledger.failed ?? 0;
  const outcome = (ms: number, steps: readonly Step[], problems: readonly string[]): Outcome => {
    const deadlineMs = deadlineOf(kind, steps, unit.ends.length > endsBefore);
    const late = `recovered after ${seconds(ms)}, the deadline is ${seconds(deadlineMs)}`;
    return {
      ...{ kind: kind.name, by: steps.at(-1)?.rung, ms, deadlineMs },
      problems: ms > deadlineMs ? [...problems, late] : problems,
    };
  };
  const begun = Date.now();
  const made = await kind.make(device);
  if (made === undefined) return outcome(Date.now() - begun, [], ['could not be made']);

  const since = (): Since => ({
    events: watch.events.slice(from),
    healths: watch.healths.filter(({ at }) => Date.parse(at) >= made.at),
    failedBefore,
  });
  let namedAt: number | undefined;
  const isNamed = (): boolean => {
    const isIt = kind.isNamed?.(since()) ?? true;
    const isOver = kind.end === undefined || sessionOf(device) !== before;
    if (isIt && isOver) namedAt ??= Date.now();
    return namedAt !== undefined;
  };
  const isToldOnce = kind.ladder === undefined && kind.end === undefined;
  let found: Seen | undefined;
  const isOver = (): boolean => {
    if (!isNamed()) return false;
    const heard = since();
    // What has no event of its own is over when it was shown.
    const shown = isToldOnce && kind.isNamed !== undefined && namedAt !== undefined ? namedAt : 0;
    const trouble = Math.max(made.overAt, shown, lastTroubleOf(heard));
    found = watch.results.find(
      ({ session, capturedAt }) => session === sessionOf(device) && capturedAt > trouble,
    );
    const health = watch.healths.at(-1);
    if (found === undefined || health === undefined) return false;
    if (health.session !== found.session || Date.parse(health.at) <= trouble) return false;
    return isWell(health) && Date.now() > Math.max(trouble, found.heardAt) + kind.settleMs;
  };
  const isMended = await watch.until(
    isOver,
    kind.noticeMs + kind.lastsMs + (kind.end?.ms ?? 0) + patienceMs,
  );
  const { events } = since();
  const steps = events.flatMap(stepOf);
  const problems = [
    ...(namedAt === undefined ? ['was not named'] : []),
    ...(isMended ? [] : ['was not recovered from']),
    ...endProblems(device, kind, events, steps, endsBefore),
    ...rungProblems(kind, steps, history),
    ...(kind.isNamed === undefined && kind.end === undefined && steps.length > 0
      ? [`did harm: ${steps.map(({ component, rung }) => `${component} ${rung}`).join(', ')}`]
      : []),
  ];
  history.push(...steps);
  return outcome((found?.heardAt ?? Date.now()) - made.at, steps, problems);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The session that has told of its start last. */
export const sessionOf = ({ watch }: Pick<Device, 'watch'>): string | undefined =>
  watch.events.findLast(({ code }) => code === 'daemon.started')?.session;

const vital = ['camera', 'ring', 'inference', 'label', 'daemon', 'link'] as const;
export const isWell = ({ components, state }: HealthMessage): boolean =>
  ['ok', 'degraded'].includes(state) && vital.every((name) => components[name].state === 'ok');

/** When something was last wrong, or was being mended. */
function lastTroubleOf({ events, healths }: Since): number {
  const told = events.filter(({ code, component }) => {
    const isFault = !Object.hasOwn(eventCodes, code);
    return isFault
      ? component !== 'power' && component !== 'disk'
      : /^(recovery\.(step|held)|daemon\.|mqtt\.|camera\.)/.test(code);
  });
  const unwell = healths.filter((health) => !isWell(health));
  return Math.max(0, ...[...told, ...unwell].map(({ at }) => Date.parse(at)));
}

function stepOf({ code, data, at, session }: EventMessage): Step[] {
  if (code !== 'recovery.step') return [];
  const rung = rungs.find((one) => one === data?.['rung']);
  if (rung === undefined) return [];
  const [component, attempt] = [String(data?.['component']), Number(data?.['attempt'])];
  return [{ component, rung, attempt, at: Date.parse(at), session }];
}

/** What the policy allows: the time to notice, each step's wait and its own chance, and the end of a process. */
function deadlineOf(kind: Kind, steps: readonly Step[], isEnded: boolean): number {
  let ms = kind.noticeMs + kind.lastsMs + slackMs;
  for (const { rung, attempt } of steps) {
    if (rung === 'process') ms += kind.end === undefined ? stopMs : 0;
    else ms += kind.noticeMs + (kind.ladder ? waitBefore(kind.ladder.component, rung, attempt) : 0);
  }
  return ms + (isEnded ? (kind.end?.ms ?? 0) + startMs : 0);
}

/** Whether the process ended as it had to, and the next one says why. */
function endProblems(
  { unit }: Device,
  kind: Kind,
  events: readonly EventMessage[],
  steps: readonly Step[],
  endsBefore: number,
): string[] {
  const ends = unit.ends.slice(endsBefore);
  const step = steps.find(({ rung }) => rung === 'process');
  const fault = events.find(({ code }) => code === 'recovery.step')?.data?.['fault'];
  const climbed: ProcessEnd | undefined =
    step === undefined
      ? undefined
      : {
          ...{ code: 75, signal: null, ms: stopMs },
          said: { previousEnd: 'planned', previousFault: String(fault) },
        };
  const wanted = kind.end ?? climbed;
  const endText = ends.map(({ code, signal }) => signal ?? `exit ${code}`).join(', ');
  if (wanted === undefined) {
    return ends.length === 0 ? [] : [`the process ended unasked: ${endText}`];
  }
  const [end] = ends;
  if (
    end === undefined ||
    ends.length > 1 ||
    end.code !== wanted.code ||
    end.signal !== wanted.signal
  )
    return [
      `the process ended by ${endText || 'nothing'}, not by ${wanted.signal ?? `exit ${wanted.code}`}`,
    ];
  const said = events.find(({ code }) => code === 'daemon.started')?.data ?? {};
  const { version: _, blindSeconds: __, ...rest } = said;
  const isSame =
    JSON.stringify(Object.entries(rest).sort()) ===
    JSON.stringify(Object.entries(wanted.said).sort());
  return isSame
    ? []
    : [`the next session says ${JSON.stringify(rest)}, not ${JSON.stringify(wanted.said)}`];
}

/** A gentler step is passed over only where it has just been tried, or its budget is spent. */
function rungProblems({ ladder }: Kind, steps: readonly Step[], history: Steps): string[] {
  const first = steps[0];
  if (ladder === undefined) return [];
  if (first === undefined) return ['no step was taken'];
  const { component, least } = ladder;
  const before = history.findLast(
    (step) => step.component === component && step.session === first.session,
  );
  // The step before it is proving itself, counted from when it had helped.
  const isProving = before !== undefined && first.at - before.at < policy.settled / 1000 + 20_000;
  if (isProving) return [];
  const passed = (policy.ladders[component] ?? []).filter(
    ({ rung }) =>
      rungs.indexOf(rung) >= rungs.indexOf(least) &&
      rungs.indexOf(rung) < rungs.indexOf(first.rung),
  );
  return passed.flatMap(({ rung, max, window }) => {
    const since = first.at - micros(window) / 1000;
    const spent = history.filter(
      (step) => step.component === component && step.rung === rung && step.at > since,
    );
    return spent.length >= max
      ? []
      : [`${rung} was passed over with ${spent.length} of ${max} spent`];
  });
}
