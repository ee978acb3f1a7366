import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';
import type { Ledger } from '../../src/contract/ledger.ts';
import { temporaryFolder } from './data.ts';

/** The built sightd as a process, as a user runs it. */
export type Sightd = {
  readonly process: ChildProcess;
  /** Standard error so far, a line each. */
  readonly lines: string[];
  /** Standard output so far. */
  readonly output: () => string;
  /** Resolves with the first line of standard error, from the start, that holds `text`. */
  untilLine(text: string): Promise<string>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
};

const mainFile = join(packageRoot, 'dist', 'src', 'main.js');
/** Those that were started here and still run. */
const running = new Set<ChildProcess>();
// A test that fails leaves its daemon behind, which would keep its file from ending.
const isTest = process.env['NODE_TEST_CONTEXT'] !== undefined;
if (isTest)
  after(() => {
    for (const child of running) child.kill('SIGKILL');
  });

/** A process that says nothing for so long will not say it any more. */
const patienceMs = 60_000;

/**
 * `wrapper` is a command that runs another in its own place, as `ip netns exec` does; `main` another
 * copy of the program.
 */
export function startSightd(
  args: readonly string[],
  environment: Record<string, string> = {},
  wrapper: readonly string[] = [],
  main: string = mainFile,
): Sightd {
  // A daemon leaves its state where no other test finds it.
  const state = args[0] === 'run' ? { SIGHTD_STATE_DIR: temporaryFolder() } : {};
  const [command = main, ...before] = [...wrapper, main];
  const child = spawn(command, [...before, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...state, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const lines: string[] = [];
  let output = '';
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const resume of waiting) resume();
    waiting = [];
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  let isGone = false;
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => {
      isGone = true;
      running.delete(child);
      wake();
      resolve({ code, signal });
    });
  });
  const untilLine = async (text: string): Promise<string> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    for (;;) {
      const found = lines.find((line) => line.includes(text));
      if (found !== undefined || isGone) clearTimeout(timer);
      if (found !== undefined) return found;
      if (isGone) throw new Error(`sightd ended without saying "${text}":\n${lines.join('\n')}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { process: child, lines, output: () => output, untilLine, exited };
}

/** Starts `sightd run` with a config, which is written as JSON: YAML too. */
export function startDaemon(
  config: object,
  environment: Record<string, string> = {},
  wrapper: readonly string[] = [],
): Sightd {
  const path = join(temporaryFolder(), 'config.yaml');
  writeFileSync(path, JSON.stringify(config));
  return startSightd(['run', '--config', path], environment, wrapper);
}

/** The ledger in the daemon's last words. */
export function finalLedger(sightd: Sightd): Ledger {
  const line = sightd.lines.find((text) => text.includes('"msg":"stopped"'));
  if (line === undefined)
    throw new Error(`sightd did not stop cleanly:\n${sightd.lines.join('\n')}`);
  return (JSON.parse(line) as { ledger: Ledger }).ledger;
}

/** Runs sightd to its end. */
export async function runSightd(args: readonly string[], environment: Record<string, string> = {}) {
  const sightd = startSightd(args, environment);
  const timer = setTimeout(() => sightd.process.kill('SIGKILL'), patienceMs);
  const { code } = await sightd.exited;
  clearTimeout(timer);
  return { code, output: sightd.output(), errors: sightd.lines.join('\n') };
}
