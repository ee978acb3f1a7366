import type { DevicePart } from '../../contract/doctor.ts';
import type { Terminal } from '../terminal.ts';

/** Says what is being waited for, once that takes longer than people do without wondering. */
export interface Progress {
  waitFor(part: DevicePart): void;
  /** Before anything else is written. */
  clear(): void;
}

const quietMs = 2000;

/** On standard error, and only where that is a terminal. */
export function createProgress(terminal: Terminal, isShown: boolean): Progress {
  const begun = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let isWritten = false;
  return {
    waitFor: (part) => {
      if (!isShown) return;
      const wait = Math.max(0, quietMs - (performance.now() - begun));
      timer = setTimeout(() => {
        isWritten = true;
        terminal.complain(`\r… ${part}\x1b[K`);
      }, wait);
    },
    clear: () => {
      clearTimeout(timer);
      if (isWritten) terminal.complain('\r\x1b[K');
      isWritten = false;
    },
  };
}
