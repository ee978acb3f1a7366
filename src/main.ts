#!/usr/bin/env -S node --max-semi-space-size=1 --optimize-for-size --v8-pool-size=1
import { type ExitCode, exitCodes, messageOf } from './base/fault.ts';
import { exitAtOnce, shareMallocArenas } from './base/libc.ts';
import { version } from './base/version.ts';
import type { Command } from './cli/command.ts';
import { openTerminal } from './cli/terminal.ts';

/** Each subcommand is loaded only when it is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.ts')).run,
  demo: async () => (await import('./cli/demo.ts')).demo,
  watch: async () => (await import('./cli/watch.ts')).watch,
  cameras: async () => (await import('./cli/cameras.ts')).cameras,
  model: async () => (await import('./cli/model.ts')).model,
  config: async () => (await import('./cli/config.ts')).config,
};

shareMallocArenas();
const terminal = openTerminal(process.env);
const stop = new AbortController();
const reload = new EventTarget();

/** One Ctrl-C arrives twice under npm, which forwards what the terminal has sent to all already. */
const sameInterruptMs = 200;
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

/** A bug outside `main`, in an event or a promise nobody waits for: the process cannot go on. */
function onBug(error: unknown): void {
  const isTraced = process.env['SIGHTD_TRACE'] !== undefined && error instanceof Error;
  const detail = isTraced ? error.stack : messageOf(error);
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
  if (name === 'run') process.on('SIGHUP', () => reload.dispatchEvent(new Event('reload')));
  return command.run({ args, terminal, environment: process.env, stop: stop.signal, reload });
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
} catch (error) {
  onBug(error);
}
