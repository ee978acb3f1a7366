import { existsSync } from 'node:fs';
import { type ExitCode, exitCodes } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import { describeProblem, parseConfig, readConfigText } from '../daemon/config-file.ts';
import { complainOf, type Terminal } from './terminal.ts';

export const defaultConfigPath = '/etc/sightd/config.yaml';

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly path: string | undefined }
  | { readonly ok: false; readonly exit: ExitCode };

/**
 * The config of a command: the file that was named, else the default one where it exists, else the
 * defaults; the environment over it. What is wrong is said here.
 */
export function loadConfig(
  named: string | undefined,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): LoadedConfig {
  const path = named ?? (existsSync(defaultConfigPath) ? defaultConfigPath : undefined);
  const text = path === undefined ? undefined : readConfigText(path);
  if (text !== undefined && !text.ok) return { ok: false, exit: complainOf(terminal, text.fault) };
  const reading = parseConfig(text?.value ?? '', environment);
  if (reading.ok) {
    for (const warning of reading.warnings) terminal.complain(`sightd: ${warning}\n`);
    return { ok: true, config: reading.config, path };
  }
  for (const problem of reading.problems) {
    terminal.complain(`${describeProblem(problem, path ?? 'config')}\n`);
  }
  const count = reading.problems.length;
  const what = count === 1 ? 'one problem' : `${count} problems`;
  terminal.complain(`sightd: the config has ${what}; docs/config.md lists every key\n`);
  return { ok: false, exit: exitCodes.config };
}
