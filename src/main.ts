#!/usr/bin/env -S node --max-semi-space-size=1 --optimize-for-size --no-sparkplug --v8-pool-size=1
import { type ExitCode, exitCodes, messageOf } from './base/fault.ts';
import { exitAtOnce, tameMalloc } from './base/libc.ts';
import { version } from './base/version.ts';
import type { Command } from './cli/command.ts';
import { openTerminal } from './cli/terminal.ts';

/** Each subcommand is loaded only when it is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.ts')).run,
  demo: async () => (await import('./cli/demo.ts')).demo,
  watch: async () => (await import('./cli/watch.ts')).watch,
  doctor: async () => (await import('./cli/doctor.ts')).doctor,
  cameras: async () => (await import('./cli/cameras.ts')).cameras,
  model: async () => (await import('./cli/model.ts')).model,
  faults: async () => (await import('./cli/faults.ts')).faults,
  config: async () => (await import('./cli/config.ts')).config,
};

tameMalloc();
const terminal = openTerminal(process.env);
const stop = new AbortController();
const reload = new EventTarget();
const diagnose = new EventTarget();

/** One Ctrl-C arrives twice under npm, which forwards what the terminal has sent to all already. */
const sameInterruptMs = 200;
/** What still runs when the command is over has so long to end by itself. */
const lingerMsMax = 2000;
let interruptedAt: number | undefined;

/** The first signal asks for a clean stop, the second ends at once. */
function onSignal(): void {
  const now = performance.now();
  if (interruptedAt === undefined) {
    interruptedAt = now;
    stop.abort();
  } else if (now - interruptedAt > sameInterruptMs) {
    exitAtOnce(exitCodes.interrupted);
  }
}

/** Whoever reads the output has left, as `head` does: time to stop, not an error. */
function onOutputError(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') stop.abort();
  else throw error;
}

let tellOfBug = (_message: string): void => {};

/** A bug outside `main`, in an event or a promise nobody waits for: the process cannot go on. */
function onBug(error: unknown): void {
  const isTraced = process.env['SIGHTD_TRACE'] !== undefined && error instanceof Error;
  const detail = isTraced ? error.stack : messageOf(error);
  try {
    tellOfBug(messageOf(error));
  } catch {
    // The bug itself is to be said, whatever comes of it.
  }
  terminal.complain(
    `sightd: internal error: ${detail}\n        Set SIGHTD_TRACE=1 for the stack, and report this.\n`,
  );
  exitAtOnce(exitCodes.internal);
}

async function main(): Promise<ExitCode> {
  const [name, ...args] = process.argv.slice(2);
  if (name === '--version' || name === '-V') {
    terminal.write(`sightd ${version}\n`);
    return exitCodes.clean;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.write(await overview());
    return name === undefined ? exitCodes.usage : exitCodes.clean;
  }
  const load = commands[name];
  if (load === undefined) {
    const { nearest } = await import('./base/nearest.ts');
    const near = nearest(name, Object.keys(commands));
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    terminal.complain(
      `sightd: unknown command "${name}"${hint}\n        \`sightd --help\` lists the commands.\n`,
    );
    return exitCodes.usage;
  }
  const command = await load();
  if (args.includes('--help') || args.includes('-h')) {
    terminal.write(command.help);
    return exitCodes.clean;
  }
  process.stdout.on('error', onOutputError);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (name === 'run') {
    process.on('SIGHUP', () => reload.dispatchEvent(new Event('reload')));
    process.on('SIGUSR2', () => diagnose.dispatchEvent(new Event('diagnose')));
  }
  return command.run({
    ...{ args, terminal, environment: process.env, stop: stop.signal, reload, diagnose },
    onInternalError: (listener) => {
      tellOfBug = listener;
    },
  });
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(
      async ([name, load]) => `  ${name.padEnd(9)}${(await load()).summary}`,
    ),
  );
  return `Usage: sightd COMMAND [OPTIONS]

A camera in, quantized image classification, MQTT out.

${lines.join('\n')}

  --version   the version
  --help      this text; \`sightd COMMAND --help\` says more
`;
}

process.on('uncaughtException', onBug);
try {
  const code = await main();
  // A model may still be running in a thread that hangs: only an exit at once is safe then.
  if (code === exitCodes.hung) exitAtOnce(code);
  process.exitCode = code;
  // Nothing is left to do but, maybe, to wait for a name server that is silent. A daemon that has stopped
  // and lingers would see nothing, and not be started again.
  setTimeout(() => exitAtOnce(code), lingerMsMax).unref();
} catch (error) {
  onBug(error);
}
