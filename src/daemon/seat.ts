import { backoff } from '../base/backoff.ts';
import { type Fault, type FaultCode, fault } from '../base/fault.ts';
import type { Random } from '../base/random.ts';
import type { Clock, Micros } from '../base/time.ts';
import { type Child, startChild } from './child.ts';
import { decideRestart, restartPolicy } from './restart-policy.ts';

/** A place for one thread: whoever dies in it is replaced, within the restart policy. */
export interface Seat<Command> {
  readonly name: string;
  send(command: Command): void;
  /** Whether nobody sits there: not yet replaced, or no longer needed. */
  isEmpty(): boolean;
  restarts(): number;
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
  readonly random: Random;
  /** Tells each thread that takes the seat what to do. */
  readonly onSeated: (child: Child<Command>) => void | Promise<void>;
  readonly onReport: (report: Report) => void;
  /** The thread has ended, asked or not: takes back what it held. */
  readonly onLeft: () => void;
  readonly onRestart: (reason: Fault) => void;
  readonly onGiveUp: (reason: Fault) => void;
  /** Whether a thread can take over where another died. */
  readonly isReplaceable: () => boolean;
};

export function openSeat<Command, Report>(options: SeatOptions<Command, Report>): Seat<Command> {
  const { name, clock } = options;
  let child: Child<Command> | undefined;
  const retired = new AbortController();
  let restarts = 0;
  let history: readonly Micros[] = [];

  const fill = (): void => {
    const seated = startChild<Command, Report>(name, options.url, options.onReport);
    child = seated;
    void options.onSeated(seated);
    void seated.ended.then(leave);
  };

  const leave = (thrown: Error | undefined): void => {
    child = undefined;
    if (!retired.signal.aborted) void replace(thrown);
    options.onLeft();
  };

  const replace = async (thrown: Error | undefined): Promise<void> => {
    const cause = thrown?.message ?? 'it ended without being asked';
    const sentence = `the ${name} thread died: ${cause}`;
    const reason = fault(options.died, sentence, 'Report this, with the log.');
    const decision = decideRestart(history, clock.now(), restartPolicy);
    if (decision.kind === 'give-up' || !options.isReplaceable()) {
      options.onGiveUp(reason);
      return;
    }
    history = decision.history;
    restarts += 1;
    options.onRestart(reason);
    const wait = backoff(restartPolicy.backoff, decision.attempt, options.random);
    await clock.sleep(wait, retired.signal);
    if (!retired.signal.aborted) fill();
  };

  fill();
  return {
    name,
    send: (command) => child?.send(command),
    isEmpty: () => child === undefined,
    restarts: () => restarts,
    retire: () => retired.abort(),
    isRetired: () => retired.signal.aborted,
  };
}
