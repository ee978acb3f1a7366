import { randomInt } from 'node:crypto';
import { type ExitCode, exitCodes, failure, success } from '../base/fault.ts';
import { openLog } from '../base/log.ts';
import { createRandom } from '../base/random.ts';
import { systemClock } from '../base/time.ts';
import { type DaemonEnd, runDaemon } from '../daemon/daemon.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { defaultConfigPath, loadConfig, readConfig } from './config-source.ts';
import { complainOf, type Terminal } from './terminal.ts';

export const run: Command = {
  summary: 'run the daemon',
  help: `Usage: sightd run [--config FILE]

Runs the daemon until SIGTERM, SIGINT, or the end of a replay that does not loop. SIGHUP reads
the config again; the sections device, mqtt, outbox, remoteConfig, commands and stateDir apply after
a restart.

  -c, --config FILE   the config (default ${defaultConfigPath} where it exists, else the
                      built-in defaults); SIGHTD_SECTION_KEY in the environment goes over it
  -h, --help          this text

Exit codes: 0 clean stop, 1 the stop deadline passed, 64 wrong usage, 69 camera or model
unavailable, 70 internal error, 75 asked over MQTT to be started again, 78 wrong config.
`,
  run: async ({ args, terminal, environment, stop, reload }) => {
    const parsed = parseArguments('run', args, { config: { type: 'string', short: 'c' } }, 0);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const loaded = loadConfig(parsed.value.text('config'), environment, terminal);
    if (!loaded.ok) return loaded.exit;
    const isTerminal = process.stderr.isTTY === true;
    const log = await openLog(loaded.config.log.level, isTerminal, !environment['NO_COLOR']);
    const seed = randomInt(2 ** 31);
    log.info({ path: loaded.path ?? 'defaults', seed }, 'config read');
    const end = await runDaemon({
      config: loaded.config,
      log,
      clock: systemClock,
      random: createRandom(seed),
      stateDir: loaded.config.stateDir,
      stop,
      onReload: (apply) =>
        reload.addEventListener('reload', () => {
          const again = loadConfig(parsed.value.text('config'), environment, terminal);
          if (again.ok) apply(again.config);
          else log.warn({}, 'the config was not reloaded; going on with the one before');
        }),
      readConfig: () => {
        const again = readConfig(parsed.value.text('config'), environment);
        return again.ok ? success(again.config) : failure(again.fault);
      },
      onRunning: undefined,
      onPublished: undefined,
      onHealth: undefined,
    });
    return exitOf(end, terminal);
  },
};

/** How the process ends after the daemon did; what went wrong is said. */
export function exitOf(end: DaemonEnd, terminal: Terminal): ExitCode {
  switch (end.kind) {
    case 'stopped':
      return end.reason === 'restart' ? exitCodes.restart : exitCodes.clean;
    case 'fault':
      return complainOf(terminal, end.fault);
    case 'hung':
      if (end.fault !== undefined) complainOf(terminal, end.fault);
      terminal.complain(
        `sightd: stopping took too long; still waiting for: ${end.waiting.join(', ')}\n`,
      );
      return exitCodes.hung;
    default:
      return exitCodes.internal;
  }
}
