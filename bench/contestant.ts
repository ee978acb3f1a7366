import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectAsync } from 'mqtt';
import { packageRoot } from '../src/base/paths.ts';
import { healthMessageSchema, resultMessageSchema } from '../src/contract/messages.ts';
import { openBroker } from '../src/mqtt/broker.ts';
import { skipWithoutMosquitto, startMosquitto } from '../test/support/mosquitto.ts';
import { startDaemon } from '../test/support/sightd.ts';
import { processFigures } from './figures.ts';

/** What a process had done by some moment. */
export type Sample = {
  /** Seconds of the process's own clock. */
  readonly at: number;
  readonly frames: number;
  readonly cpuMs: number;
};

/** A process under measurement: it says every second what it has done, and can be held still. */
export interface Contestant extends AsyncDisposable {
  readonly pid: number;
  /** The time each frame took so far, in milliseconds. */
  readonly latencies: number[];
  /** The next sample it gives. */
  next(): Promise<Sample>;
}

/** A bare `session.run` loop with the same model, threads and session options. */
export async function startRaw(use: string, fps: number): Promise<Contestant> {
  const loop = join(packageRoot, 'dist', 'bench', 'raw-loop.js');
  const child = spawn(process.execPath, [loop, use, '1', String(fps)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const latencies: number[] = [];
  const samples = createHandover<Sample>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { times, ...sample } = JSON.parse(line) as Sample & { times: number[] };
    latencies.push(...times);
    samples.give(sample);
  });
  return {
    pid: child.pid ?? 0,
    latencies,
    next: samples.take,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The daemon as a user runs it: it classifies the built-in scene and publishes every result. */
export async function startSightd(use: string, fps: number): Promise<Contestant> {
  const broker = await startBroker();
  const client = await connectAsync(broker.url, { protocolVersion: 4 });
  const sightd = startDaemon({
    device: { id: 'bench' },
    camera: { source: 'scene', ...(fps === 0 ? { pace: 'fast' } : { fps }) },
    model: { use },
    publish: { resultsPerSecondMax: 0 },
    mqtt: { url: broker.url },
    health: { intervalSeconds: 1 },
  });
  const pid = sightd.process.pid ?? 0;
  const latencies: number[] = [];
  const samples = createHandover<Sample>();
  client.on('message', (topic, payload) => {
    const message: unknown = JSON.parse(String(payload));
    if (topic.endsWith('/result')) {
      latencies.push(resultMessageSchema.parse(message).latencyMs);
      return;
    }
    const { uptimeSeconds: at, ledger } = healthMessageSchema.parse(message);
    samples.give({ at, frames: ledger.classified, cpuMs: processFigures(pid).cpuMs });
  });
  await sightd.untilLine('"msg":"running"');
  // Saturated, a subscriber that takes hundreds of results a second would itself be what is measured.
  const wanted = fps > 0 ? ['health', 'result'] : ['health'];
  await client.subscribeAsync(wanted.map((name) => `sightd/bench/${name}`));
  return {
    pid,
    latencies,
    next: samples.take,
    [Symbol.asyncDispose]: async () => {
      // Its last words come when there is no process left to look at.
      client.removeAllListeners('message');
      sightd.process.kill('SIGTERM');
      await sightd.exited;
      await client.endAsync();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Hands each value to whoever waits for it; a value that nobody waits for is let go. */
function createHandover<T>() {
  let waiting: ((value: T) => void) | undefined;
  return {
    give: (value: T): void => {
      waiting?.(value);
      waiting = undefined;
    },
    take: (): Promise<T> =>
      new Promise((resolve) => {
        waiting = resolve;
      }),
  };
}

async function startBroker(): Promise<{ url: string } & AsyncDisposable> {
  if (skipWithoutMosquitto() === false) return startMosquitto();
  const opened = await openBroker({ port: 0, webSocketPort: 0 });
  if (!opened.ok) throw new Error(opened.fault.message);
  return Object.assign(opened.value, { url: `mqtt://127.0.0.1:${opened.value.port}` });
}
