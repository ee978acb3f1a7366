import { existsSync } from 'node:fs';
import { type ExitCode, exitCodes, type Fault, fault } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import { describeProblem, parseConfig, readConfigText } from '../daemon/config-file.ts';
import { complainOf, type Terminal } from './terminal.ts';

export const defaultConfigPath = '/etc/sightd/config.yaml';

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly path: string | undefined }
  | { readonly ok: false; readonly exit: ExitCode };

type ReadConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly path: string | undefined;
      readonly warnings: readonly string[];
    }
  /** `problems` are what is wrong in the file, a line each; none where it cannot be read. */
  | { readonly ok: false; readonly fault: Fault; readonly problems: readonly string[] };

/** So many problems are enough for one sentence. */
const problemsMax = 5;

/**
 * The config of a command: the file that was named, else the default one where it exists, else the
 * defaults; the environment over it.
 */
export function readConfig(named: string | undefined, environment: NodeJS.ProcessEnv): ReadConfig {
  const path = named ?? (existsSync(defaultConfigPath) ? defaultConfigPath : undefined);
  const text = path === undefined ? undefined : readConfigText(path);
  if (text !== undefined && !text.ok) return { ...text, problems: [] };
  const reading = parseConfig(text?.value ?? '', environment);
  if (reading.ok) return { ...reading, path };
  const problems = reading.problems.map((problem) => describeProblem(problem, path ?? 'config'));
  const all = problems.slice(0, problemsMax).join('; ');
  const mend = '`sightd config check` says what is wrong; docs/config.md lists every key.';
  return { ok: false, fault: fault('config.invalid', all, mend), problems };
}

/** The same, with what is wrong said here. */
export function loadConfig(
  named: string | undefined,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): LoadedConfig {
  const read = readConfig(named, environment);
  const exit = sayProblems(read, terminal);
  return read.ok ? { ok: true, config: read.config, path: read.path } : { ok: false, exit };
}

/** Says what is wrong, if anything; returns how a process that cannot go on then should end. */
export function sayProblems(read: ReadConfig, terminal: Terminal): ExitCode {
  if (read.ok) {
    for (const warning of read.warnings) terminal.complain(`sightd: ${warning}\n`);
    return exitCodes.clean;
  }
  const count = read.problems.length;
  if (count === 0) return complainOf(terminal, read.fault);
  for (const problem of read.problems) terminal.complain(`${problem}\n`);
  const what = count === 1 ? 'one problem' : `${count} problems`;
  terminal.complain(`sightd: the config has ${what}; docs/config.md lists every key\n`);
  return exitCodes.config;
}
