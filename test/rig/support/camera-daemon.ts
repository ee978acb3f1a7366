import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../../src/base/paths.ts';
import { imbalanceOf, type Ledger } from '../../../src/contract/ledger.ts';
import {
  type HealthMessage,
  healthMessageSchema,
  ledgerSchema,
  type ResultMessage,
  resultMessageSchema,
} from '../../../src/contract/messages.ts';
import { temporaryFolder } from '../../support/data.ts';
import type { Mosquitto } from '../../support/mosquitto.ts';
import { until } from './rig.ts';

/** A daemon with a V4L2 camera as a process of its own, and what a subscriber hears from it. */
export interface CameraDaemon extends AsyncDisposable {
  readonly pid: number;
  /** Its log so far. */
  readonly lines: readonly string[];
  /** All that came so far. */
  healths(): readonly HealthMessage[];
  results(): readonly ResultMessage[];
  /** The first health message as wanted, of those after the first `since`. */
  untilHealth(
    what: string,
    since: number,
    isWanted: (health: HealthMessage) => boolean,
  ): Promise<HealthMessage>;
  /** Waits for a camera described so, after the first `since` health messages, and its first results. */
  untilStreaming(source: string | RegExp, since: number): Promise<HealthMessage>;
  /** Waits for a fault by its code, after the first `since` health messages. */
  untilFault(code: string, since: number): Promise<HealthMessage>;
  /** Waits for so many results more than there are now. */
  untilMoreResults(count: number): Promise<void>;
  /** Waits for a line of its log that has this text, after the first `since` lines. */
  untilSaid(text: string, since: number): Promise<string>;
  /** Has it read another camera section. Returns how many health messages there were before. */
  reconfigure(camera: object): number;
  /** What it holds on to: not what is there for a moment, as the files are that it looks into every second. */
  holdings(): Promise<Holdings>;
  /** Asks it to stop, which it must do well, and checks all that it said; returns its last ledger. */
  stop(): Promise<Ledger>;
}

export type Holdings = {
  /** How many descriptors are open, by what they are of. */
  readonly descriptors: ReadonlyMap<string, number>;
  /** Resident memory in MiB. */
  readonly megabytes: number;
};

export type CameraDaemonOptions = {
  readonly id: string;
  readonly camera: object;
  /** The program with its arguments that starts sightd in its turn, such as setpriv. */
  readonly through?: readonly string[];
  /** Half a minute unless said otherwise: a machine that is emulated on a busy host is no stalled camera. */
  readonly frameDeadlineSeconds?: number;
};

export async function startCameraDaemon(
  broker: Mosquitto,
  { id, camera, through = [], frameDeadlineSeconds = 30 }: CameraDaemonOptions,
): Promise<CameraDaemon> {
  const file = join(temporaryFolder(), 'config.yaml');
  const write = (section: object): void =>
    writeFileSync(file, JSON.stringify(configOf(id, broker.url, section, frameDeadlineSeconds)));
  write(camera);
  chmodSync(dirname(file), 0o755); // Other users shall read it too.
  const subscriber = await broker.subscribe(`sightd/${id}/+`);
  const main = join(packageRoot, 'dist', 'src', 'main.js');
  const [program = main, ...args] = [...through, main, 'run', '--config', file];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  let end: { readonly code: number | null; readonly signal: string | null } | undefined;
  child.once('close', (code, signal) => {
    end = { code, signal };
  });

  const healths: HealthMessage[] = [];
  const results: ResultMessage[] = [];
  let heard = 0;
  const hear = (): void => {
    for (; heard < subscriber.messages.length; heard += 1) {
      const { topic = '', payload = '' } = subscriber.messages[heard] ?? {};
      if (topic.endsWith('/health')) healths.push(healthMessageSchema.parse(JSON.parse(payload)));
      if (topic.endsWith('/result')) results.push(resultMessageSchema.parse(JSON.parse(payload)));
    }
  };
  const wait = async <T>(what: string, look: () => T | undefined): Promise<T> => {
    try {
      return await until(what, () => {
        hear();
        const found = look();
        if (found === undefined && end !== undefined) throw new Error(`${what}: sightd ended`);
        return found;
      });
    } catch (error) {
      throw new Error(`${error}\n${lines.join('\n')}\n${JSON.stringify(healths.at(-1))}`);
    }
  };
  const untilHealth: CameraDaemon['untilHealth'] = (what, since, isWanted) =>
    wait(what, () => healths.slice(since).find(isWanted));

  return {
    pid: child.pid ?? Number.NaN,
    lines,
    healths: () => {
      hear();
      return healths;
    },
    results: () => {
      hear();
      return results;
    },
    untilHealth,
    untilStreaming: async (source, since) => {
      const open = await untilHealth(`camera ${source} streams`, since, ({ camera }) => {
        const isIt =
          typeof source === 'string' ? camera.source.includes(source) : source.test(camera.source);
        return camera.state === 'streaming' && isIt;
      });
      await wait(`results from ${source}`, () => {
        const last = results.at(-1);
        return (last !== undefined && last.capturedAt > open.at) || undefined;
      });
      return open;
    },
    untilFault: (code, since) =>
      untilHealth(code, since, ({ camera }) => camera.fault?.code === code),
    untilMoreResults: async (count) => {
      hear();
      const before = results.length;
      await wait(`${count} more results`, () => results.length >= before + count || undefined);
    },
    untilSaid: (text, since) =>
      wait(`a line with ${text}`, () => lines.slice(since).find((line) => line.includes(text))),
    reconfigure: (section) => {
      hear();
      write(section);
      child.kill('SIGHUP');
      return healths.length;
    },
    holdings: async () => {
      hear();
      const enough = healths.length + healthsLooked;
      let held = holdingsOf(child.pid);
      await wait('what it holds is seen', () => {
        held = leastOf(held, holdingsOf(child.pid));
        return healths.length >= enough || undefined;
      });
      return held;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await until('sightd ends', () => end);
      assert.deepEqual(end, { code: 0, signal: null }, lines.join('\n'));
      hear();
      assertSound(healths, results);
      return lastLedger(lines);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await until('sightd is gone', () => end);
      await subscriber.close();
    },
  };
}

/** One comes each second; it is looked at all the time, and at no moment of a second more than at others. */
const healthsLooked = 3;

function holdingsOf(pid: number | undefined): Holdings {
  const folder = `/proc/${pid}/fd`;
  const descriptors = new Map<string, number>();
  for (const name of readdirSync(folder)) {
    const target = targetOf(join(folder, name));
    if (target !== undefined) descriptors.set(target, (descriptors.get(target) ?? 0) + 1);
  }
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1];
  return { descriptors, megabytes: Number(kibibytes) / 1024 };
}

/** What a descriptor is of, such as `socket:[]` or `/dev/video`: which one does not matter. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link).replace(/\d+/g, '');
  } catch {
    return undefined; // Closed meanwhile.
  }
}

/** The least of each, so that what is seen only sometimes counts for nothing. */
function leastOf(some: Holdings, others: Holdings): Holdings {
  const least = [...some.descriptors].map(
    ([target, count]) => [target, Math.min(count, others.descriptors.get(target) ?? 0)] as const,
  );
  return {
    descriptors: new Map(least.filter(([, count]) => count > 0)),
    megabytes: Math.min(some.megabytes, others.megabytes),
  };
}

const configOf = (
  id: string,
  url: string,
  section: object,
  frameDeadlineSeconds: number,
): object => ({
  device: { id },
  camera: { source: 'v4l2', ...section },
  publish: { resultsPerSecondMax: 0 },
  mqtt: { url },
  health: { intervalSeconds: 1, frameDeadlineSeconds, stopSeconds: 30 },
  remoteConfig: { trialSeconds: 5 },
  stateDir: join(temporaryFolder(), 'state'),
});

/** One process, whose frames are all accounted for at every moment, and in order. */
function assertSound(healths: readonly HealthMessage[], results: readonly ResultMessage[]): void {
  assert.equal(new Set([...healths, ...results].map(({ session }) => session)).size, 1);
  for (const [index, { ledger, camera }] of healths.entries()) {
    assert.equal(imbalanceOf(ledger), 0, JSON.stringify(ledger));
    assert.equal(camera.restarts, 0, 'the camera thread died');
    const before = healths[index - 1]?.ledger.captured ?? 0;
    assert.ok(ledger.captured >= before, `captured ${before}, then ${ledger.captured}`);
  }
  for (const [index, { sequence, latencyMs }] of results.entries()) {
    const before = results[index - 1]?.sequence ?? 0;
    assert.ok(sequence > before, `sequence ${before}, then ${sequence}`);
    assert.ok(latencyMs < latencyMsMax, `${latencyMs} ms from capture to publishing`);
  }
}

/** Under emulation a frame may take a second; a wrong clock is hours off. */
const latencyMsMax = 20_000;

function lastLedger(lines: readonly string[]): Ledger {
  const line = lines.find((text) => text.includes('"msg":"stopped"'));
  assert.ok(line !== undefined, lines.join('\n'));
  const ledger = ledgerSchema.parse((JSON.parse(line) as { ledger: unknown }).ledger);
  assert.equal(imbalanceOf(ledger), 0, JSON.stringify(ledger));
  assert.equal(ledger.inFlight, 0, JSON.stringify(ledger));
  return ledger;
}

const readText = (path: string): string => readFileSync(path, 'utf8');
