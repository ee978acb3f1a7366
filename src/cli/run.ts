import { randomBytes, randomInt } from 'node:crypto';
import { unreachable } from '../base/assert.ts';
import { isClockSynced } from '../base/clock-sync.ts';
import {
  type ExitCode,
  exitCodes,
  type Fault,
  failure,
  fault,
  type Outcome,
  success,
} from '../base/fault.ts';
import { type Log, openLog } from '../base/log.ts';
import { isTestBuild } from '../base/paths.ts';
import { createRandom } from '../base/random.ts';
import { systemClock } from '../base/time.ts';
import { runDaemon } from '../daemon/daemon.ts';
import type { DaemonEnd } from '../daemon/daemon-options.ts';
import { type BudgetStore, openBudgetStore } from '../daemon/life/budget-store.ts';
import { systemLifeFiles } from '../daemon/life/life-files.ts';
import { type End, type LifeRecord, openLife } from '../daemon/life/life-record.ts';
import { openNotifier } from '../systemd/notifier.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { defaultConfigPath, loadConfig, readConfig, sayProblems } from './config-source.ts';
import { complainOf, type Terminal } from './terminal.ts';

export const run: Command = {
  summary: 'run the daemon',
  help: `Usage: sightd run [--config FILE] [--inject FILE]

Runs the daemon until SIGTERM, SIGINT, or the end of a replay that does not loop. SIGHUP reads
the config again; the sections device, mqtt, outbox, remoteConfig, commands and stateDir apply after
a restart. SIGUSR2 writes what is known of the process and its parts to the log (docs/runbook.md).

  -c, --config FILE   the config (default ${defaultConfigPath} where it exists, else the
                      built-in defaults); SIGHTD_SECTION_KEY in the environment goes over it
      --inject FILE   make the faults that FILE asks for, a line each, to see what becomes of them
                      (docs/runbook.md); also SIGHTD_INJECT; in a checkout, not in a package
  -h, --help          this text

Exit codes: 0 clean stop, 1 the stop deadline passed, 64 wrong usage, 69 camera or model
unavailable, 70 internal error, 75 asked over MQTT to be started again, 78 wrong config.
`,
  run: async (context) => {
    const { args, terminal, environment, stop, reload, diagnose } = context;
    const options = { config: { type: 'string', short: 'c' }, inject: { type: 'string' } } as const;
    const parsed = parseArguments('run', args, options, 0);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const inject = await injectionFileOf(parsed.value.text('inject'), environment, terminal);
    if (!inject.ok) return complainOf(terminal, inject.fault);
    const loaded = loadConfig(parsed.value.text('config'), environment, terminal);
    if (!loaded.ok) return loaded.exit;
    const isTerminal = process.stderr.isTTY === true;
    const log = await openLog(loaded.config.log.level, isTerminal, !environment['NO_COLOR']);
    const seed = randomInt(2 ** 31);
    log.info({ path: loaded.path ?? 'defaults', seed }, 'config read');
    const { life, budgets } = openMemory(context, loaded.config.stateDir, log);
    using notifier = openNotifier(environment, systemClock);
    const end = await runDaemon({
      notifier,
      config: loaded.config,
      log,
      clock: systemClock,
      random: createRandom(seed),
      stateDir: loaded.config.stateDir,
      life,
      budgets,
      stop,
      onReload: (apply) =>
        reload.addEventListener('reload', () => {
          const again = readConfig(parsed.value.text('config'), environment);
          sayProblems(again, terminal);
          notifier.reload(() => {
            apply(again.ok ? success(again.config) : again);
            return again.ok ? 'reloaded' : 'the config was not reloaded';
          });
        }),
      onDiagnose: (tell) => diagnose.addEventListener('diagnose', tell),
      inject: inject.value,
      readConfig: () => {
        const again = readConfig(parsed.value.text('config'), environment);
        return again.ok ? success(again.config) : failure(again.fault);
      },
      onRunning: undefined,
      onPublished: undefined,
      onHealth: undefined,
    });
    life.ending(endOf(end));
    return exitOf(end, terminal);
  },
};

type Memory = { readonly life: LifeRecord; readonly budgets: BudgetStore };

/**
 * Opens what outlives the process: the record of this run, which learns at once when the process is asked
 * to stop or has a bug, and the budgets of recovery.
 */
function openMemory(context: CommandContext, stateDir: string, log: Log): Memory {
  const setup = {
    stateDir,
    environment: context.environment,
    clock: systemClock,
    files: systemLifeFiles,
    onTrouble: (reason: Fault) =>
      log.warn({ fault: reason }, 'the next run will know less of this one'),
  };
  const life = openLife({
    ...setup,
    wallNow: Date.now,
    isClockSynced,
    session: randomBytes(8).toString('hex'),
    pid: process.pid,
  });
  const budgets = openBudgetStore(setup);
  const { previous } = life;
  if (previous?.isUnplanned) log.warn({ previous }, 'the run before ended without being asked');
  context.stop.addEventListener('abort', () => life.ending({ how: 'asked', fault: undefined }));
  context.onInternalError((message) =>
    life.ending({ how: 'crashed', fault: { code: 'daemon.internal', message } }),
  );
  return { life, budgets };
}

/** What the record says of an end of the daemon. */
function endOf(end: DaemonEnd): End {
  switch (end.kind) {
    case 'stopped':
      return { how: end.reason === 'source ended' ? 'source-ended' : end.reason, fault: undefined };
    case 'recovery':
      return { how: 'planned', fault: end.fault };
    case 'fault':
    case 'hung':
      return { how: end.kind, fault: end.fault };
    default:
      return unreachable(end);
  }
}

/** The file of faults to make; refused where it cannot be used, and the variable passed over. */
async function injectionFileOf(
  flag: string | undefined,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<Outcome<string | undefined>> {
  const path = flag ?? environment['SIGHTD_INJECT'];
  if (path === undefined || path === '') return success(undefined);
  if (isTestBuild()) {
    const { checkInjections } = await import('../daemon/injection-lines.ts');
    const checked = checkInjections(path);
    return checked.ok ? success(path) : checked;
  }
  const sentence = 'faults are injected only in builds that have their tests';
  if (flag === undefined) {
    terminal.complain(`sightd: SIGHTD_INJECT is ignored: ${sentence}\n`);
    return success(undefined);
  }
  const mend = 'Run it from a checkout, where dist/test lies beside dist/src.';
  return failure(fault('usage.argument', `sightd run --inject: ${sentence}`, mend));
}

/** How the process ends after the daemon did; what went wrong is said. */
export function exitOf(end: DaemonEnd, terminal: Terminal): ExitCode {
  switch (end.kind) {
    case 'stopped':
      return end.reason === 'restart' ? exitCodes.restart : exitCodes.clean;
    case 'fault':
      return complainOf(terminal, end.fault);
    case 'recovery':
      complainOf(terminal, end.fault);
      return exitCodes.restart;
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
