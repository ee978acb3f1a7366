import type { ExitCode } from '../base/fault.ts';
import type { Terminal } from './terminal.ts';

export type CommandContext = {
  readonly args: readonly string[];
  readonly terminal: Terminal;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts on the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** Tells of `reload` on SIGHUP, which only `run` listens to. */
  readonly reload: EventTarget;
  /** Tells of `diagnose` on SIGUSR2, which only `run` listens to. */
  readonly diagnose: EventTarget;
  /** Has `listener` told of the bug that ends the process, just before; only `run` listens. */
  readonly onInternalError: (listener: (message: string) => void) => void;
};

/** A subcommand: does its work and says how the process should end. */
export type Command = {
  readonly summary: string;
  readonly help: string;
  run(context: CommandContext): Promise<ExitCode>;
};
