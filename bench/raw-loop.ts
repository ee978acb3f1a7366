import { systemClock } from '../src/base/time.ts';
import { createPace } from '../src/camera/pace.ts';
import { loadModel } from '../src/inference/manifest.ts';
import { packageRuntime } from '../src/inference/package-session.ts';
import { shapeOf } from '../src/inference/session.ts';
import type { Sample } from './contestant.ts';

/*
 * The reference of the pipeline's figures, a process of its own: nothing but `session.run` in a loop,
 * with the same model, threads and session options, and a line every second. Arguments: MODEL THREADS
 * FPS (0: as fast as it goes).
 */

const [use = '', threads = '1', fps = '0'] = process.argv.slice(2);
const model = loadModel(use);
if (!model.ok) throw new Error(model.fault.message);
const elements = shapeOf(model.value).reduce((product, size) => product * size, 1);
const tensor =
  model.value.input.type === 'uint8'
    ? new Uint8Array(elements).fill(128)
    : new Float32Array(elements).fill(0.1);
const session = await packageRuntime.open(model.value, tensor, Number(threads));
if (!session.ok) throw new Error(session.fault.message);
for (let run = 0; run < 30; run += 1) await session.value.run();

const pace = Number(fps) > 0 ? createPace(systemClock, Number(fps)) : undefined;
const { signal } = new AbortController();
let times: number[] = [];
let frames = 0;
let reportedAt = systemClock.now();
for (;;) {
  await pace?.next(signal);
  const started = systemClock.now();
  await session.value.run();
  const now = systemClock.now();
  times.push((now - started) / 1000);
  frames += 1;
  if (now - reportedAt < 1_000_000) continue;
  reportedAt = now;
  const { user, system } = process.cpuUsage();
  const sample: Sample = { at: now / 1_000_000, frames, cpuMs: (user + system) / 1000 };
  process.stdout.write(`${JSON.stringify({ ...sample, times })}\n`);
  times = [];
}
