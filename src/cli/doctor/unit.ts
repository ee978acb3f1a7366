import { constants } from 'node:os';
import { exitCodes } from '../../base/fault.ts';
import { type CheckupOf, fail, mebibytesOf, ok, warn } from '../../daemon/checkups.ts';
import { durationOf } from '../watch/text.ts';
import { exitReasonOf } from './exit-reason.ts';
import type { UnitFacts } from './unit-facts.ts';

type UnitCheckup = CheckupOf<'unit'>;
type Trouble = { readonly message: string; readonly mend: string };

/** A unit that came back so often, and is up for less than this, is not over it. */
const restartsMany = 3;
const settledSeconds = 60;
/** Of its limit of memory. */
const memoryShareMost = 0.9;

/** What systemd's account of a unit means; `monotonicNow` is CLOCK_MONOTONIC in microseconds. */
export function checkUnit(unit: string, facts: UnitFacts, monotonicNow: number): UnitCheckup {
  const unloaded = unloadedOf(unit, facts);
  if (unloaded !== undefined) return unloaded;
  switch (facts['ActiveState']) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      return runningOf(unit, facts, monotonicNow);
    case 'activating':
      return activatingOf(unit, facts);
    case 'deactivating':
      return warn('unit', `${unit} is being stopped`, 'Ask again in a few seconds.');
    case 'failed':
      return failedOf(unit, facts);
    case 'inactive':
      return inactiveOf(unit, facts);
    default: {
      const state = facts['ActiveState'] ?? 'unknown';
      return warn('unit', `${unit} is in the state ${state}`, statusMend(unit));
    }
  }
}

const statusMend = (unit: string): string => `See: systemctl status ${unit}`;
const logMend = (unit: string): string => `The log says more: journalctl -u ${unit} -n 50`;

/** A unit that systemd cannot use at all. */
function unloadedOf(unit: string, facts: UnitFacts): UnitCheckup | undefined {
  switch (facts['LoadState']) {
    case 'loaded':
    case 'merged':
      return undefined;
    case 'not-found': {
      const mend = 'Install the unit, or name another with --unit.';
      return warn('unit', `there is no ${unit}: nothing starts sightd with the machine`, mend);
    }
    case 'masked':
      return warn(
        'unit',
        `${unit} is masked: it cannot be started`,
        `sudo systemctl unmask ${unit}`,
      );
    default: {
      const sentence = `systemd cannot read ${unit} (${facts['LoadState'] ?? 'no answer'})`;
      return fail('unit', sentence, `See: systemd-analyze verify ${unit}`);
    }
  }
}

function runningOf(unit: string, facts: UnitFacts, monotonicNow: number): UnitCheckup {
  const since = Number(facts['ActiveEnterTimestampMonotonic'] ?? 0);
  const seconds =
    since > 0 ? Math.max(0, Math.round((monotonicNow - since) / 1_000_000)) : undefined;
  const restarts = Number(facts['NRestarts'] ?? 0);
  const status = facts['StatusText'] ?? '';
  const sentence = [
    `${unit} is running`,
    seconds === undefined ? '' : ` for ${durationOf(seconds)}`,
    facts['User'] ? ` as ${facts['User']}` : '',
    restarts === 0 ? '' : `, started again ${timesText(restarts)}`,
    status === '' ? '' : `: ${status}`,
  ].join('');
  const troubles = [
    ...restartTroubles(unit, restarts, seconds),
    ...memoryTroubles(facts),
    ...fileTroubles(unit, facts),
  ];
  if (troubles.length === 0) return ok('unit', sentence);
  const what = [sentence, ...troubles.map(({ message }) => message)].join('; ');
  return warn('unit', what, troubles.map(({ mend }) => mend).join(' '));
}

const timesText = (count: number): string => (count === 1 ? 'once' : `${count} times`);

function restartTroubles(
  unit: string,
  restarts: number,
  seconds: number | undefined,
): readonly Trouble[] {
  if (restarts < restartsMany || seconds === undefined || seconds > settledSeconds) return [];
  return [{ message: 'it does not stay up', mend: `${logMend(unit)}.` }];
}

/** `MemoryMax` is a number, or `infinity`; `MemoryCurrent` may be `[not set]`. */
function memoryTroubles(facts: UnitFacts): readonly Trouble[] {
  const [used, most] = [Number(facts['MemoryCurrent']), Number(facts['MemoryMax'])];
  if (!Number.isFinite(used) || !Number.isFinite(most) || used < most * memoryShareMost) return [];
  const message = `it uses ${mebibytesOf(used)} of the ${mebibytesOf(most)} MiB that it may`;
  const mend = 'Raise MemoryMax= in the unit, or lower camera size, queue.slots or workers.';
  return [{ message, mend }];
}

/** Of the unit's file: what a reboot, or the next start, would do. */
function fileTroubles(unit: string, facts: UnitFacts): readonly Trouble[] {
  const isUnread = facts['NeedDaemonReload'] === 'yes';
  // A `static` unit is started by another one, a `generated` one by what made it.
  const isForgotten = ['disabled', 'enabled-runtime', 'linked', 'linked-runtime'].includes(
    facts['UnitFileState'] ?? '',
  );
  return [
    ...(isUnread
      ? [
          {
            message: 'its file was changed since systemd read it',
            mend: `sudo systemctl daemon-reload && sudo systemctl restart ${unit}`,
          },
        ]
      : []),
    ...(isForgotten
      ? [
          {
            message: 'it is not started with the machine',
            mend: `sudo systemctl enable ${unit}`,
          },
        ]
      : []),
  ];
}

function activatingOf(unit: string, facts: UnitFacts): UnitCheckup {
  if (!facts['SubState']?.startsWith('auto-restart')) {
    const status = facts['StatusText'] ? `: ${facts['StatusText']}` : '';
    return warn('unit', `${unit} is starting${status}`, 'Ask again in a few seconds.');
  }
  const restarts = Number(facts['NRestarts'] ?? 0);
  const isAsked = facts['Result'] === 'exit-code' && statusOf(facts) === exitCodes.restart;
  if (isAsked) {
    const sentence = `${unit} is about to be started again: it was asked to over MQTT`;
    return warn('unit', sentence, 'Ask again in a few seconds.');
  }
  const again = restarts === 0 ? '' : ` (so far ${timesText(restarts)})`;
  return endedOf(unit, facts, `${unit} has ended and is about to be started again${again}`);
}

/**
 * One that was started again until systemd gave up has the result of its last end: `start-limit-hit` is
 * what a start by hand is refused with then.
 */
function failedOf(unit: string, facts: UnitFacts): UnitCheckup {
  const restarts = Number(facts['NRestarts'] ?? 0);
  if (restarts === 0) return endedOf(unit, facts, `${unit} has failed`);
  const opening = `${unit} has failed, after it was started again ${timesText(restarts)}`;
  const checkup = endedOf(unit, facts, opening);
  if (facts['Result'] === 'start-limit-hit') return checkup;
  return { ...checkup, mend: `${checkup.mend} Then: ${againMend(unit)}` };
}

const againMend = (unit: string): string =>
  `sudo systemctl reset-failed ${unit} && sudo systemctl start ${unit}`;

function inactiveOf(unit: string, facts: UnitFacts): UnitCheckup {
  const result = facts['Result'] ?? 'success';
  if (result === 'exec-condition') {
    const sentence = `${unit} is not running: its ExecCondition= said no`;
    return warn('unit', sentence, logMend(unit));
  }
  if (result !== 'success') return endedOf(unit, facts, `${unit} is not running`);
  const [trouble] = fileTroubles(unit, facts);
  const also = trouble === undefined ? '' : `; ${trouble.message}`;
  const how = trouble === undefined ? '' : `; ${trouble.mend}`;
  return warn('unit', `${unit} is not running${also}`, `sudo systemctl start ${unit}${how}`);
}

const statusOf = (facts: UnitFacts): number => Number(facts['ExecMainStatus'] ?? 0);

function endedOf(unit: string, facts: UnitFacts, opening: string): UnitCheckup {
  const { message, mend } = endOf(unit, facts);
  return fail('unit', `${opening}: ${message}`, mend);
}

/** Why it ended: `Result=` as in systemd.exec(5), $SERVICE_RESULT. */
function endOf(unit: string, facts: UnitFacts): Trouble {
  const result = facts['Result'] ?? 'unknown';
  const log = `${logMend(unit)}.`;
  switch (result) {
    case 'success':
    case 'exit-code': {
      const code = statusOf(facts);
      const { reason, mend } = exitReasonOf(code);
      return { message: `${reason} (exit code ${code})`, mend: `${mend} ${log}` };
    }
    case 'signal':
      return { message: `${signalText(facts)} ended it`, mend: log };
    case 'core-dump': {
      const mend = `Report this, with: coredumpctl info ${unit}`;
      return { message: `it crashed (${signalText(facts)})`, mend };
    }
    case 'watchdog': {
      const within = facts['WatchdogUSec'];
      const limit = within === undefined || !/[1-9]/.test(within) ? '' : ` for ${within}`;
      const message = `it gave systemd no sign of progress${limit} and was ended (watchdog)`;
      return { message, mend: `The camera or the model may hang. ${log}` };
    }
    case 'timeout': {
      const limits = `${facts['TimeoutStartUSec'] ?? '?'}, ${facts['TimeoutStopUSec'] ?? '?'}`;
      const message = `starting or stopping took longer than it may (${limits})`;
      return { message, mend: `Raise TimeoutStartSec= or TimeoutStopSec=. ${log}` };
    }
    case 'oom-kill': {
      const most = Number(facts['MemoryMax']);
      const limit = Number.isFinite(most) ? ` (MemoryMax= ${mebibytesOf(most)} MiB)` : '';
      const mend = 'Lower camera size, queue.slots or workers, or raise MemoryMax= in the unit.';
      return { message: `the kernel ended it for want of memory${limit}`, mend };
    }
    case 'start-limit-hit': {
      const last = lastEndOf(facts);
      const mend = `Mend that, then: ${againMend(unit)}`;
      return {
        message: `it was started too often in a short time${last}, and systemd gave up`,
        mend,
      };
    }
    case 'resources': {
      const message = 'systemd could not prepare it: a file, a right or memory is missing';
      return { message, mend: log };
    }
    case 'protocol': {
      const message = 'it did not tell systemd that it runs, as Type= in the unit asks';
      return { message, mend: `Correct Type= or NotifyAccess= in the unit. ${log}` };
    }
    default:
      return { message: `systemd says ${result}`, mend: log };
  }
}

/** How it ended before the start that was one too many. */
function lastEndOf(facts: UnitFacts): string {
  // CLD_EXITED is 1, CLD_KILLED 2, CLD_DUMPED 3 (sigaction(2)); 0 when it never ran.
  switch (facts['ExecMainCode']) {
    case '1': {
      const code = statusOf(facts);
      return `, the last time it ended because ${exitReasonOf(code).reason} (exit code ${code})`;
    }
    case '2':
    case '3':
      return `, the last time it ended by ${signalText(facts)}`;
    default:
      return '';
  }
}

/** The name of the signal that is the main process's status. */
function signalText(facts: UnitFacts): string {
  const number = statusOf(facts);
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name ?? `signal ${number}`;
}
