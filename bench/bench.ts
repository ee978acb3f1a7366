import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/base/fault.ts';
import { dataFolder, temporaryFolder, writeManifest } from '../test/support/data.ts';
import { benchCapture, type CaptureFigure } from './capture.ts';
import { tableOf } from './figures.ts';
import { benchPipeline, type Effort, type PipelineFigures, secondsOf } from './pipeline.ts';
import { benchRing, type RingFigures } from './ring.ts';
import { benchScene } from './scene.ts';
import { benchTensor, type TensorFigure } from './tensor.ts';

/*
 * `npm run bench`: ring, tensor preparation and the whole pipeline, each against a reference in the
 * same run. `--quick` measures less of each; `--json` prints the figures for a script.
 */

const { quick: isQuick, json: isJson } = optionsOf(process.argv.slice(2));
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const effort: Effort = isQuick
  ? { processes: 1, pairs: 3, seconds: 2 }
  : { processes: 3, pairs: 3, seconds: 3 };

say('ring…');
const ring = await benchRing();
say('capture…');
const capture = benchCapture(isQuick ? 9 : 31);
say('tensor preparation…');
const tensor = benchTensor(isQuick ? 20 : 200);
const sceneMs = benchScene();
const pipelines: PipelineFigures[] = [];
for (const { use, name } of models()) {
  say(`pipeline with ${name} (about ${Math.round(secondsOf(effort))} s)…`);
  pipelines.push(await benchPipeline(use, name, effort));
}
if (isJson)
  process.stdout.write(
    `${JSON.stringify({ machine: machine(), ring, capture, tensor, sceneMs, pipelines })}\n`,
  );
else process.stdout.write(report());

/** Ends the program where there is nothing to measure: a whole run takes minutes. */
function optionsOf(args: string[]): { quick: boolean; json: boolean } {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({ args, options: { quick: flag, json: flag, help: flag } });
    if (!values.help) return values;
    process.stdout.write('npm run bench -- [--quick] [--json]\n');
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(64);
  }
}

/** The real models where the test data is, else the one that comes with sightd. */
function models(): { use: string; name: string }[] {
  if (!existsSync(join(dataFolder, 'models')))
    return [{ use: 'scene-visitors', name: 'scene-visitors' }];
  const folder = temporaryFolder();
  return (['mobilenet-uint8', 'mobilenet-float32'] as const).map((name) => ({
    use: writeManifest(name, folder),
    name,
  }));
}

function machine(): string {
  const [first] = cpus();
  return `${first?.model.trim()} × ${cpus().length}, Node ${process.versions.node}`;
}

function report(): string {
  const parts = [
    machine(),
    ringTable(ring),
    captureTable(capture),
    tensorTable(tensor),
    ...pipelines.map(pipelineTable),
  ];
  return `\n${parts.join('\n\n')}\n`;
}

function ringTable(figures: RingFigures): string {
  const share = figures.ringMegabytesPerSecond / figures.memcpyMegabytesPerSecond;
  return tableOf([
    ['ring', ''],
    ['one handoff, nothing copied', `${figures.handoffNs.toFixed(0)} ns`],
    ['640×480 YUYV through the ring', `${figures.ringMegabytesPerSecond.toFixed(0)} MB/s`],
    ['the same bytes by memcpy alone', `${figures.memcpyMegabytesPerSecond.toFixed(0)} MB/s`],
    ['ring / memcpy', share.toFixed(2)],
    ['waking a sleeping reader, median', `${figures.wakeMicros.toFixed(0)} µs`],
  ]);
}

function captureTable(figures: readonly CaptureFigure[]): string {
  const head = ['capture, driver to ring', 'CPU µs per frame', 'memcpy', 'ratio', 'target'];
  const rows = figures.map((one) => [
    one.name,
    one.microsPerFrame.toFixed(1),
    one.memcpyMicros.toFixed(1),
    one.ratio.toFixed(2),
    '≤ 1.2',
  ]);
  return tableOf([head, ...rows]);
}

function tensorTable(figures: readonly TensorFigure[]): string {
  const head = ['tensor preparation', 'ms', '× memcpy of the frame', '× plain loop'];
  const rows = figures.map((one) => [
    one.name,
    one.kernelMs.toFixed(3),
    one.timesCopy.toFixed(1),
    one.timesNaive.toFixed(2),
  ]);
  return tableOf([head, ...rows]);
}

function pipelineTable({ model, saturated, paced }: PipelineFigures): string {
  const head = [`pipeline, ${model}`, 'sightd', 'raw session.run', 'ratio', 'target'];
  const { daemon, raw, ratios } = saturated;
  const slower = paced.daemon.p99 - paced.raw.p50;
  const row = (
    name: string,
    a: number,
    b: number,
    ratio: string,
    target: string,
    digits = 2,
  ): string[] => [name, a.toFixed(digits), b.toFixed(digits), ratio, target];
  const resident = Math.max(daemon.residentMegabytes, paced.daemon.residentMegabytes);
  return tableOf([
    head,
    row(
      'frames per second, saturated',
      daemon.framesPerSecond,
      raw.framesPerSecond,
      ratios.framesPerSecond.toFixed(2),
      '≥ 0.90',
      0,
    ),
    row(
      'CPU ms per frame, saturated',
      daemon.cpuMsPerFrame,
      raw.cpuMsPerFrame,
      ratios.cpuMsPerFrame.toFixed(2),
      '≤ 1.15',
    ),
    row(
      'the same, less drawing the scene',
      daemon.cpuMsPerFrame - sceneMs,
      raw.cpuMsPerFrame,
      (ratios.cpuMsPerFrame - sceneMs / raw.cpuMsPerFrame).toFixed(2),
      '',
    ),
    row(
      'CPU ms per frame at 30 fps',
      paced.daemon.cpuMsPerFrame,
      paced.raw.cpuMsPerFrame,
      paced.ratios.cpuMsPerFrame.toFixed(2),
      '',
    ),
    row(
      'latency p50 at 30 fps, ms',
      paced.daemon.p50,
      paced.raw.p50,
      (paced.daemon.p50 / paced.raw.p50).toFixed(2),
      '',
    ),
    row(
      'latency p99 at 30 fps, ms',
      paced.daemon.p99,
      paced.raw.p99,
      `raw p50 + ${slower.toFixed(1)}`,
      '≤ + 5',
    ),
    row(
      'resident memory, MiB',
      resident,
      raw.residentMegabytes,
      (resident / raw.residentMegabytes).toFixed(2),
      '≤ 160 MB',
      0,
    ),
  ]);
}
