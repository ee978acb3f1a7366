import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { packageRoot } from '../src/base/paths.ts';
import { healthMessageSchema, resultMessageSchema } from '../src/contract/messages.ts';
import { openBroker } from '../src/mqtt/broker.ts';
import { skipWithoutMosquitto, startMosquitto } from '../test/support/mosquitto.ts';
import { startDaemon } from '../test/support/sightd.ts';
import { medianOf, type ProcessFigures, percentileOf, processFigures } from './figures.ts';

/** Medians over the pairs of one daemon run and one raw loop each, and the medians of their ratios. */
export type PipelineFigures = {
  readonly model: string;
  readonly saturated: Pair;
  /** At 30 frames a second; latency is from capture to publishing. */
  readonly paced: Pair;
};
export type Pair = {
  readonly daemon: ProcessFigures;
  readonly raw: ProcessFigures;
  readonly ratios: { readonly framesPerSecond: number; readonly cpuMsPerFrame: number };
};

/** V8 compiles its hot functions in the first seconds; a daemon runs for months. */
const warmSeconds = 10;

/**
 * The daemon as a user runs it, classifying the built-in scene (640×480 YUYV) and publishing every
 * result to a broker, in turns with a bare `session.run` loop with the same model and threads.
 */
export async function benchPipeline(
  use: string,
  name: string,
  pairs: number,
  seconds: number,
): Promise<PipelineFigures> {
  return {
    model: name,
    saturated: await benchPairs(use, pairs, seconds, 0),
    paced: await benchPairs(use, pairs, seconds, 30),
  };
}

async function benchPairs(use: string, pairs: number, seconds: number, fps: number): Promise<Pair> {
  const runs: { daemon: ProcessFigures; raw: ProcessFigures }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    runs.push({ raw: runRaw(use, seconds, fps), daemon: await runDaemon(use, seconds, fps) });
  }
  const ratio = (key: 'framesPerSecond' | 'cpuMsPerFrame'): number =>
    medianOf(runs.map(({ daemon, raw }) => daemon[key] / raw[key]));
  return {
    daemon: mediansOf(runs.map((run) => run.daemon)),
    raw: mediansOf(runs.map((run) => run.raw)),
    ratios: { framesPerSecond: ratio('framesPerSecond'), cpuMsPerFrame: ratio('cpuMsPerFrame') },
  };
}

function mediansOf(figures: readonly ProcessFigures[]): ProcessFigures {
  const median = (key: keyof ProcessFigures): number => medianOf(figures.map((one) => one[key]));
  return {
    framesPerSecond: median('framesPerSecond'),
    cpuMsPerFrame: median('cpuMsPerFrame'),
    p50: median('p50'),
    p99: median('p99'),
    residentMegabytes: median('residentMegabytes'),
  };
}

function runRaw(use: string, seconds: number, fps: number): ProcessFigures {
  const loop = join(packageRoot, 'dist', 'bench', 'raw-loop.js');
  const args = [loop, use, '1', String(seconds), String(fps)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as ProcessFigures;
}

async function runDaemon(use: string, seconds: number, fps: number): Promise<ProcessFigures> {
  await using broker = await startBroker();
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
  await sightd.untilLine('"msg":"running"');
  const figures = await observe(client, pid, seconds, fps > 0);
  sightd.process.kill('SIGTERM');
  await sightd.exited;
  await client.endAsync();
  return figures;
}

type Sample = { readonly at: number; readonly classified: number; readonly cpuMs: number };

/** Watches the daemon's own health and results, and the kernel's accounting of it. */
async function observe(
  client: MqttClient,
  pid: number,
  seconds: number,
  isPaced: boolean,
): Promise<ProcessFigures> {
  const samples: Sample[] = [];
  const latencies: number[] = [];
  const done = new Promise<void>((resolve) => {
    client.on('message', (topic, payload) => {
      const message: unknown = JSON.parse(String(payload));
      if (topic.endsWith('/result')) {
        if (samples.length > 0) latencies.push(resultMessageSchema.parse(message).latencyMs);
        return;
      }
      const { uptimeSeconds: at, ledger } = healthMessageSchema.parse(message);
      if (at < warmSeconds) return;
      samples.push({ at, classified: ledger.classified, cpuMs: processFigures(pid).cpuMs });
      if (at - (samples[0]?.at ?? at) >= seconds) resolve();
    });
  });
  // Saturated, a subscriber that takes hundreds of results a second would itself be what is measured.
  const wanted = isPaced ? ['health', 'result'] : ['health'];
  await client.subscribeAsync(wanted.map((name) => `sightd/bench/${name}`));
  await done;
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error('health was published');
  const frames = last.classified - first.classified;
  return {
    framesPerSecond: frames / (last.at - first.at),
    cpuMsPerFrame: (last.cpuMs - first.cpuMs) / frames,
    p50: percentileOf(latencies, 50),
    p99: percentileOf(latencies, 99),
    residentMegabytes: processFigures(pid).residentMegabytes,
  };
}

async function startBroker(): Promise<{ url: string } & AsyncDisposable> {
  if (skipWithoutMosquitto() === false) return startMosquitto();
  const opened = await openBroker({ port: 0, webSocketPort: 0 });
  if (!opened.ok) throw new Error(opened.fault.message);
  return Object.assign(opened.value, { url: `mqtt://127.0.0.1:${opened.value.port}` });
}
