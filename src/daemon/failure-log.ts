import type { Fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';

/** Frames can fail at their own rate: the first failure is a line, the rest are counted for later. */
export interface FailureLog {
  add(reason: Fault): void;
  /** Writes what was counted since the last line. */
  flush(): void;
}

export function createFailureLog(log: Log): FailureLog {
  let isQuiet = false;
  let more = 0;
  let last: Fault | undefined;
  return {
    add: (reason) => {
      if (isQuiet) {
        more += 1;
        last = reason;
        return;
      }
      isQuiet = true;
      log.warn({ fault: reason }, 'a frame failed');
    },
    flush: () => {
      if (more > 0) log.warn({ count: more, last }, 'more frames failed');
      more = 0;
      isQuiet = false;
    },
  };
}
