import type { Component } from '../../base/fault.ts';
import { type Micros, type Millis, micros, millis, seconds } from '../../base/time.ts';
import { type Rung, rungs } from '../../contract/messages.ts';
import { loadMax } from '../health.ts';

/** A step of a component's ladder. */
export type StepPolicy = {
  readonly rung: Rung;
  /** So often in a row before the next one. */
  readonly tries: number;
  /** The component must work again within this, or the step did not help. */
  readonly within: Millis;
  /** So often within `window`, also across restarts of the process. */
  readonly max: number;
  readonly window: Micros;
};

export type SupervisorPolicy = {
  /** From the gentlest step on; a component without one is never repaired by restarting something. */
  readonly ladders: Readonly<Partial<Record<Component, readonly StepPolicy[]>>>;
  /** A component that has worked for so long begins at the foot of its ladder again. */
  readonly settled: Micros;
  /** The least time that is held when all budgets are spent. */
  readonly heldLeast: Micros;
};

const hour = micros(3_600_000_000);
const tenMinutes = micros(600_000_000);

/**
 * One budget for all: whatever ends the process counts, a crash too. Its end takes the stop's deadline
 * and its start a model's loading; by then this process is gone, or it hangs.
 */
const processOf = (processMax: number): StepPolicy => ({
  rung: 'process',
  tries: 1,
  within: seconds(60),
  max: processMax,
  window: hour,
});

/** The first frame may take two deadlines, after what opening takes. */
const firstFrameOf = (least: Millis, frameDeadline: Millis): Millis =>
  millis(Math.max(least, least / 2 + 2 * frameDeadline));

/** `frameDeadline`: how long a live camera may take for a frame. */
export const supervisorPolicyOf = (
  processMax: number,
  frameDeadline: Millis,
): SupervisorPolicy => ({
  ladders: {
    camera: [
      {
        rung: 'stream',
        tries: 1,
        within: firstFrameOf(seconds(20), frameDeadline),
        max: 12,
        window: hour,
      },
      // Opening costs a driver memory that it may not give back soon.
      {
        rung: 'device',
        tries: 3,
        within: firstFrameOf(seconds(45), frameDeadline),
        max: 12,
        window: hour,
      },
      {
        rung: 'worker',
        tries: 1,
        within: firstFrameOf(seconds(60), frameDeadline),
        max: 5,
        window: tenMinutes,
      },
      processOf(processMax),
    ],
    inference: [
      // A model is loaded anew; how long that may take is health's to say.
      { rung: 'worker', tries: 5, within: millis(loadMax + 30_000), max: 5, window: tenMinutes },
      processOf(processMax),
    ],
    ring: [processOf(processMax)],
    label: [processOf(processMax)],
    daemon: [processOf(processMax)],
  },
  settled: micros(60_000_000),
  heldLeast: micros(60_000_000),
});

/** The name that a rung's budget is kept under; the process has one for all components. */
export const budgetOf = (component: Component, rung: Rung): string =>
  rung === 'process' ? 'process' : `${component}.${rung}`;

export const isAtLeast = (rung: Rung, least: Rung): boolean =>
  rungs.indexOf(rung) >= rungs.indexOf(least);

/**
 * The wait before a step: what fails at once must not be tried in a loop, and a camera that was just
 * closed may need a moment.
 */
export function waitBefore(component: Component, rung: Rung, attempt: number): Millis {
  if (rung === 'device') return seconds(Math.min(30, attempt === 1 ? 0 : 2 * 4 ** (attempt - 2)));
  if (rung !== 'worker') return seconds(0);
  return component === 'camera' ? seconds(5) : millis(Math.min(5000, 100 * 2 ** (attempt - 1)));
}
