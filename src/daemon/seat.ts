import { type Fault, type FaultCode, fault } from '../base/fault.ts';
import type { Clock, Millis } from '../base/time.ts';
import { signsOf } from '../ring/pulse.ts';
import { type Child, startChild } from './child.ts';
import type { ThreadFacts } from './health.ts';

/** A place for one thread. Whoever dies in it is told of, and replaced when that is decided. */
export interface Seat<Command> {
  readonly name: string;
  send(command: Command): void;
  /** Whether nobody sits there: not yet, not replaced, or no longer needed. */
  isEmpty(): boolean;
  facts(): ThreadFacts;
  restarts(): number;
  /**
   * Puts another thread there after `wait`: where one died, or once the one that sits there has left;
   * it is asked to. A thread that hangs never leaves.
   */
  refill(wait: Millis): void;
  /** From now on whoever leaves is not replaced. */
  retire(): void;
  isRetired(): boolean;
}

export type SeatOptions<Command, Report> = {
  readonly name: string;
  readonly url: URL;
  /** The fault that a death is. */
  readonly died: FaultCode;
  readonly clock: Clock;
  /** Asks a thread to leave. */
  readonly stop: Command;
  /** Tells each thread that takes the seat what to do. */
  readonly onSeated: (child: Child<Command>) => void | Promise<void>;
  readonly onReport: (report: Report) => void;
  /** The thread has ended, asked or not: takes back what it held. */
  readonly onLeft: () => void;
  /** It ended without being asked. */
  readonly onDied: (reason: Fault) => void;
};

/** Opens a seat and puts a thread there. */
export function openSeat<Command, Report>(options: SeatOptions<Command, Report>): Seat<Command> {
  const { name, clock } = options;
  let child: Child<Command> | undefined;
  let died: Fault | undefined;
  const retired = new AbortController();
  let restarts = 0;
  /** The wait before the next one, once it was asked for. */
  let refilling: Millis | undefined;

  const fill = (): void => {
    const seated = startChild<Command, Report>(name, options.url, options.onReport, clock);
    child = seated;
    died = undefined;
    void options.onSeated(seated);
    void seated.ended.then(leave);
  };

  const leave = (thrown: Error | undefined): void => {
    child = undefined;
    if (retired.signal.aborted) {
      options.onLeft();
      return;
    }
    const cause = thrown?.message ?? 'it ended without being asked';
    died = fault(options.died, `the ${name} thread died: ${cause}`, 'Report this, with the log.');
    const wait = refilling;
    // Told first: what is decided about it may be to refill the seat.
    if (wait === undefined) options.onDied(died);
    options.onLeft();
    if (wait !== undefined) void fillAfter(wait);
  };

  const fillAfter = async (wait: Millis): Promise<void> => {
    refilling = wait;
    await clock.sleep(wait, retired.signal);
    refilling = undefined;
    if (retired.signal.aborted || child !== undefined) return;
    restarts += 1;
    fill();
  };

  fill();
  return {
    name,
    send: (command) => child?.send(command),
    isEmpty: () => child === undefined,
    facts: () => ({
      signs: child === undefined ? undefined : signsOf(child.pulse, clock.now()),
      // Who is about to be replaced is not reported again.
      died: refilling === undefined ? died : undefined,
    }),
    restarts: () => restarts,
    refill: (wait) => {
      if (retired.signal.aborted || refilling !== undefined) return;
      if (child === undefined) {
        void fillAfter(wait);
        return;
      }
      refilling = wait;
      child.send(options.stop);
    },
    retire: () => retired.abort(),
    isRetired: () => retired.signal.aborted,
  };
}
