import { systemClock } from '../src/base/time.ts';
import { createPace } from '../src/camera/pace.ts';
import { loadModel } from '../src/inference/manifest.ts';
import { openSession, shapeOf } from '../src/inference/session.ts';
import { type ProcessFigures, percentileOf, processFigures } from './figures.ts';

/*
 * The reference of the pipeline's figures, a process of its own: nothing but `session.run` in a loop,
 * with the same model, threads and session options. Arguments: MODEL THREADS SECONDS FPS (0: as fast
 * as it goes).
 */

const [use = '', threads = '1', duration = '5', fps = '0'] = process.argv.slice(2);
const model = loadModel(use);
if (!model.ok) throw new Error(model.fault.message);
const elements = shapeOf(model.value).reduce((product, size) => product * size, 1);
const tensor =
  model.value.input.type === 'uint8'
    ? new Uint8Array(elements).fill(128)
    : new Float32Array(elements).fill(0.1);
const session = await openSession(model.value, tensor, Number(threads));
if (!session.ok) throw new Error(session.fault.message);
for (let run = 0; run < 30; run += 1) await session.value.run();

const pace = Number(fps) > 0 ? createPace(systemClock, Number(fps)) : undefined;
const { signal } = new AbortController();
const begun = systemClock.now();
const before = process.cpuUsage();
const times: number[] = [];
while (systemClock.now() - begun < Number(duration) * 1_000_000) {
  await pace?.next(signal);
  const started = systemClock.now();
  await session.value.run();
  times.push((systemClock.now() - started) / 1000);
}
const seconds = (systemClock.now() - begun) / 1_000_000;
const { user, system } = process.cpuUsage(before);
const figures: ProcessFigures = {
  framesPerSecond: times.length / seconds,
  cpuMsPerFrame: (user + system) / 1000 / times.length,
  p50: percentileOf(times, 50),
  p99: percentileOf(times, 99),
  residentMegabytes: processFigures(process.pid).residentMegabytes,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
