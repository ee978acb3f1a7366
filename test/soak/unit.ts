import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/base/paths.ts';
import { imbalanceOf, type Ledger } from '../../src/contract/ledger.ts';

/** `sightd run`, started again whenever it ends, as systemd does with `Restart=always`. */
export type Unit = {
  readonly pid: () => number;
  /** How often it was started. */
  readonly starts: () => number;
  readonly startedAt: () => number;
  readonly ends: readonly UnitEnd[];
  /** The newest lines of its log. */
  readonly lines: () => readonly string[];
  readonly problems: readonly string[];
  /** Asks the current process for a fault; resolves with when it was made, or undefined when it was not. */
  inject(fault: object): Promise<number | undefined>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
};

export type UnitEnd = {
  readonly pid: number;
  readonly at: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
};

const main = join(packageRoot, 'dist', 'src', 'main.js');
const collect = new URL('./collect.js', import.meta.url);
/** systemd's RestartSec= in our unit is longer; the experiment has no time for that. */
const restartMs = 200;
const linesMax = 300;

export function startUnit(folder: string, config: string): Unit {
  const faults = join(folder, 'faults');
  const runtime = join(folder, 'run');
  mkdirSync(runtime, { recursive: true });
  writeFileSync(faults, '');
  const ends: UnitEnd[] = [];
  const lines: string[] = [];
  const problems: string[] = [];
  let child: ChildProcess;
  let starts = 0;
  let startedAt = 0;
  let injections = 0;
  let isStopping = false;
  let onGone = (): void => {};
  const gone = new Promise<void>((resolve) => {
    onGone = resolve;
  });

  const take = (line: string): void => {
    lines.push(line);
    if (lines.length > linesMax) lines.splice(0, linesMax / 2);
    if (line.includes('"msg":"a fault is injected"')) injections += 1;
    if (line.includes('"msg":"a line of injections is left out"')) problems.push(line);
    if (line.includes('"msg":"stopped"')) checkLedger(line, problems);
  };

  const start = (): void => {
    starts += 1;
    startedAt = Date.now();
    const invocation = randomBytes(16).toString('hex');
    child = spawn(main, ['run', '--config', config, '--inject', faults], {
      env: {
        ...{ PATH: process.env['PATH'], HOME: process.env['HOME'] },
        ...{ SIGHTD_STATE_DIR: join(folder, 'state'), RUNTIME_DIRECTORY: runtime },
        INVOCATION_ID: invocation,
        NODE_OPTIONS: `--import=${collect}`,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      // What a terminal sends to all is not for it.
      detached: true,
    });
    const current = child;
    if (current.stderr !== null) createInterface({ input: current.stderr }).on('line', take);
    current.once('close', (code, signal) => {
      ends.push({ pid: current.pid ?? 0, at: Date.now(), code, signal });
      // The unit's ExecStopPost=.
      writeFileSync(join(runtime, 'exit'), `${wordOf(code, signal)} ${invocation}\n`);
      if (isStopping) onGone();
      else setTimeout(() => (isStopping ? onGone() : start()), restartMs);
    });
  };

  start();
  return {
    pid: () => child.pid ?? 0,
    starts: () => starts,
    startedAt: () => startedAt,
    ...{ ends, problems, lines: () => lines },
    inject: async (fault) => {
      const before = injections;
      appendFileSync(faults, `${JSON.stringify({ ...fault, process: child.pid })}\n`);
      const deadline = Date.now() + 5000;
      while (injections === before) {
        if (Date.now() > deadline) return undefined;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return Date.now();
    },
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      isStopping = true;
      const force = setTimeout(() => child.kill('SIGKILL'), 15_000);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await gone;
      clearTimeout(force);
    },
  };
}

/** `$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS` (systemd.exec(5)). */
function wordOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `signal killed ${signal.slice(3)}`;
  return code === 0 ? 'success exited 0' : `exit-code exited ${code}`;
}

/** The last words of a clean end. */
function checkLedger(line: string, problems: string[]): void {
  const { ledger } = JSON.parse(line) as { readonly ledger: Ledger };
  const missing = imbalanceOf(ledger);
  if (missing !== 0 || ledger.inFlight !== 0) {
    problems.push(`a clean end leaves ${missing} frames unaccounted for: ${line}`);
  }
}
