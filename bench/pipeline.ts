import { type Contestant, type Sample, startRaw, startSightd } from './contestant.ts';
import { medianOf, type ProcessFigures, percentileOf, processFigures } from './figures.ts';

/** Medians over pairs of a stretch of the daemon and one of the raw loop, and of their ratios. */
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
const warmSeconds = 12;

/** How much is measured: pairs of stretches of so many seconds, by so many pairs of processes one after the other. */
export type Effort = {
  readonly processes: number;
  readonly pairs: number;
  readonly seconds: number;
};

/**
 * The daemon as a user runs it, classifying the built-in scene (640×480 YUYV) and publishing every
 * result to a broker, against a bare `session.run` loop. Two processes run in turns, one held still
 * (SIGSTOP) while the other runs: what the machine's neighbours do in a minute then falls on both. One
 * process of a program differs from the next by some per cent, for all of its life, by where its memory
 * happens to lie: there are several of each.
 */
export async function benchPipeline(
  use: string,
  name: string,
  effort: Effort,
): Promise<PipelineFigures> {
  return {
    model: name,
    saturated: await benchPairs(use, effort, 0),
    paced: await benchPairs(use, effort, 30),
  };
}

/** About how long that takes: both are warmed, and a process that was held still needs a second or so to go on. */
export const secondsOf = ({ processes, pairs, seconds }: Effort): number =>
  2 * processes * (2 * warmSeconds + 2 + pairs * 2 * (seconds + 1.5));

async function benchPairs(use: string, effort: Effort, fps: number): Promise<Pair> {
  const rounds: Round[] = [];
  for (let round = 0; round < effort.processes; round += 1) {
    rounds.push(await benchProcesses(use, effort, fps));
  }
  const stretches = rounds.flatMap((round) => round.stretches);
  const ratio = (key: keyof Stretch): number =>
    medianOf(stretches.map((one) => one.daemon[key] / one.raw[key]));
  return {
    daemon: figuresOf(rounds, 'daemon'),
    raw: figuresOf(rounds, 'raw'),
    ratios: { framesPerSecond: ratio('framesPerSecond'), cpuMsPerFrame: ratio('cpuMsPerFrame') },
  };
}

/** What one pair of processes did. */
type Round = {
  readonly stretches: readonly { readonly daemon: Stretch; readonly raw: Stretch }[];
  readonly latencies: Readonly<Record<Side, readonly number[]>>;
  readonly residentMegabytes: Readonly<Record<Side, number>>;
};
type Side = 'daemon' | 'raw';

async function benchProcesses(
  use: string,
  { pairs, seconds }: Effort,
  fps: number,
): Promise<Round> {
  await using raw = await startRaw(use, fps);
  await stretch(raw, warmSeconds);
  process.kill(raw.pid, 'SIGSTOP');
  await using daemon = await startSightd(use, fps);
  await stretch(daemon, warmSeconds);
  process.kill(daemon.pid, 'SIGSTOP');
  raw.latencies.length = 0;
  daemon.latencies.length = 0;
  const stretches: { daemon: Stretch; raw: Stretch }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    stretches.push({ raw: await turn(raw, seconds), daemon: await turn(daemon, seconds) });
  }
  for (const { pid } of [raw, daemon]) process.kill(pid, 'SIGCONT');
  const residentOf = ({ pid }: Contestant): number => processFigures(pid).residentMegabytes;
  return {
    stretches,
    latencies: { raw: [...raw.latencies], daemon: [...daemon.latencies] },
    residentMegabytes: { raw: residentOf(raw), daemon: residentOf(daemon) },
  };
}

type Stretch = Pick<ProcessFigures, 'framesPerSecond' | 'cpuMsPerFrame'>;

async function turn(contestant: Contestant, seconds: number): Promise<Stretch> {
  const { latencies } = contestant;
  const before = latencies.length;
  process.kill(contestant.pid, 'SIGCONT');
  // The first sample still tells of the time held still.
  await contestant.next();
  latencies.length = before;
  const figures = await stretch(contestant, seconds);
  process.kill(contestant.pid, 'SIGSTOP');
  return figures;
}

/** What the process does for so many seconds, from one of its samples to another. */
async function stretch(contestant: Contestant, seconds: number): Promise<Stretch> {
  const first = await contestant.next();
  let last: Sample = first;
  while (last.at - first.at < seconds - 0.5) last = await contestant.next();
  const frames = last.frames - first.frames;
  return {
    framesPerSecond: frames / (last.at - first.at),
    cpuMsPerFrame: (last.cpuMs - first.cpuMs) / frames,
  };
}

function figuresOf(rounds: readonly Round[], side: Side): ProcessFigures {
  const stretches = rounds.flatMap((round) => round.stretches.map((one) => one[side]));
  const latencies = rounds.flatMap((round) => round.latencies[side]);
  return {
    framesPerSecond: medianOf(stretches.map((one) => one.framesPerSecond)),
    cpuMsPerFrame: medianOf(stretches.map((one) => one.cpuMsPerFrame)),
    p50: percentileOf(latencies, 50),
    p99: percentileOf(latencies, 99),
    residentMegabytes: Math.max(...rounds.map((round) => round.residentMegabytes[side])),
  };
}
