import { styleText } from 'node:util';
import { type ExitCode, exitCodeOf, type Fault } from '../base/fault.ts';

/** Where a command writes: results to standard output, everything else to standard error. */
export type Terminal = {
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
  write(text: string): void;
  complain(text: string): void;
};

type Style = Parameters<typeof styleText>[0];

export function openTerminal(environment: NodeJS.ProcessEnv): Terminal {
  const { stdout, stderr } = process;
  return {
    isTerminal: stdout.isTTY === true,
    // https://no-color.org: any value but an empty one means no colour.
    hasColour: stdout.isTTY === true && !environment['NO_COLOR'],
    // A terminal that was never told its size says 0.
    columns: () => stdout.columns || 80,
    rows: () => stdout.rows || 24,
    write: (text) => void stdout.write(text),
    complain: (text) => void stderr.write(text),
  };
}

/** Styles text where the terminal shows colours. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.hasColour ? styleText(style, text) : text;
}

/** Says what is wrong and how to mend it; returns the exit code. */
export function complainOf(terminal: Terminal, reason: Fault): ExitCode {
  terminal.complain(`sightd: ${reason.message}\n        ${reason.mend}\n`);
  return exitCodeOf(reason.code);
}
