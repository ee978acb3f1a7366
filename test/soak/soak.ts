import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableOf } from '../../bench/figures.ts';
import { createRandom, type Random } from '../../src/base/random.ts';
import { startBroker } from './broker.ts';
import { type Device, type Kind, kinds, writeConfig } from './kinds.ts';
import { type Growth, growthOf, type Sample, sampleOf } from './leak.ts';
import { isWell, type Outcome, type Steps, tryFault } from './trial.ts';
import { startUnit } from './unit.ts';
import { openWatch } from './watch.ts';

/*
 * `npm run soak`: a device and its broker, hundreds of faults from a seed, and what is promised held
 * against what happens. Two thirds of the time are one session, which only sees what it must survive and
 * whose memory is watched; in the rest the process ends again and again.
 */

const numberOf = (name: string, usual: number): number => {
  const value = Number(process.env[name] ?? usual);
  if (!Number.isFinite(value) || value <= 0) {
    process.stderr.write(`${name} is no number above 0\n`);
    process.exit(64);
  }
  return value;
};
const minutes = numberOf('SOAK_MINUTES', 30);
const faults = numberOf('SOAK_FAULTS', 200);
const seed = numberOf('SOAK_SEED', randomInt(1, 2 ** 31));
/** Only faults whose names match. */
const only = new RegExp(process.env['SOAK_ONLY'] ?? '');
const isJson = process.argv.includes('--json');
const isEach = process.stderr.isTTY === true || process.argv.includes('--each');
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** A step of recovery must have proved itself before the next one may be the gentlest again. */
const apartMs = { camera: 62_000, inference: 125_000 } as const;
const longShare = 2 / 3;
/** In that part faults are fewer, so that there are quiet moments to measure in. */
const longFaults = 0.6;
const slopeMax = 1;
/** A line over less says nothing. */
const judgedFromMinutes = 9;
const spread = 2;

const random = createRandom(seed);
const folder = mkdtempSync(join(tmpdir(), 'sightd-soak-'));
say(`${faults} faults in ${minutes} minutes; SOAK_SEED=${seed}`);
const broker = await startBroker(folder);
const configPath = join(folder, 'config.yaml');
const configure: Device['configure'] = (change) =>
  writeConfig(configPath, broker.url, join(folder, 'state'), change);
configure({});
const watch = openWatch(broker.url, 'soak');
const unit = startUnit(folder, configPath);
const device: Device = { unit, watch, broker, random, configure };
const begun = Date.now();
// Whatever becomes of this program, nothing of it stays behind.
process.once('exit', () => {
  unit.kill('SIGKILL');
  broker.killAtOnce();
  rmSync(folder, { recursive: true, force: true });
});
const outcomes: Outcome[] = [];
const problems: string[] = [];
const samples: Sample[] = [];
const history: Steps = [];
let isQuiet = false;
let isInterrupted = false;
/** The first signal lets the fault that is under way end, the second waits for nothing. */
function onSignal(): void {
  if (isInterrupted) process.exit(1);
  isInterrupted = true;
}
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

const progress = setInterval(() => {
  if (!isEach) say(progressLine());
}, 30_000);
const isUp = await watch.until(() => {
  const health = watch.healths.at(-1);
  return health !== undefined && isWell(health) && watch.results.length > 0;
}, 60_000);
if (isUp) {
  const long = Math.round(faults * longFaults);
  const sampling = setInterval(() => {
    const sample = isQuiet ? sampleOf(unit.pid()) : undefined;
    if (sample !== undefined) samples.push(sample);
  }, 1000);
  const pid = unit.pid();
  await runPhase('long', long, minutes * longShare);
  clearInterval(sampling);
  if (pid !== unit.pid()) problems.push('the long session ended before its time');
  await runPhase('short', faults - long, minutes * (1 - longShare));
} else {
  problems.push(`the daemon did not start:\n${unit.lines().slice(-10).join('\n')}`);
}
clearInterval(progress);
await unit.stop();
const last = unit.ends.at(-1);
if (last?.code !== 0) problems.push(`the last end was ${last?.signal ?? `exit ${last?.code}`}`);
await watch.until(() => watch.events.at(-1)?.code === 'daemon.stopping', 5000);
if (watch.events.at(-1)?.code !== 'daemon.stopping') problems.push('the last stop was not told');
await watch.close();
await broker.stop();
rmSync(folder, { recursive: true, force: true });

const growth = growthOf(samples);
problems.push(...growthProblems(growth), ...watch.problems, ...unit.problems);
if (isInterrupted) problems.push('interrupted');
if (isJson) process.stdout.write(`${JSON.stringify(figures())}\n`);
else process.stdout.write(report());
process.exitCode = problems.length === 0 ? 0 : 1;

/** Makes faults one after the other, evenly over the time. */
async function runPhase(phase: 'long' | 'short', count: number, length: number): Promise<void> {
  const from = Date.now();
  const plan = planOf(phase, count, length);
  const total = plan.length;
  const ladders = new Map<string, number>();
  for (let number = 0; number < total && !isInterrupted; number += 1) {
    const due = from + ((number + 0.5) / count) * length * 60_000;
    isQuiet = true;
    await untilTime(due);
    const kind = await nextOf(plan, ladders, phase === 'long');
    isQuiet = false;
    const outcome = await tryFault(device, kind, history);
    if (kind.ladder !== undefined) ladders.set(kind.ladder.component, Date.now());
    outcomes.push(outcome);
    const where = `fault ${outcomes.length}, ${outcome.kind}`;
    if (outcome.problems.length > 0) {
      problems.push(...outcome.problems.map((problem) => `${where}: ${problem}`));
      say(`${where}: ${outcome.problems.join('; ')}\n  ${unit.lines().slice(-12).join('\n  ')}`);
    }
    if (isEach) say(lineOf(outcome));
    if (problems.length > 20) isInterrupted = true;
  }
  isQuiet = true;
  if (!isInterrupted) await untilTime(from + length * 60_000);
  isQuiet = false;
}

async function nextOf(plan: Kind[], ladders: Map<string, number>, isLong: boolean): Promise<Kind> {
  const isFree = ({ ladder }: Kind): boolean =>
    !isLong ||
    ladder === undefined ||
    Date.now() - (ladders.get(ladder.component) ?? 0) > apartMs[ladder.component];
  for (;;) {
    const at = plan.findIndex(isFree);
    const [kind] = at < 0 ? [] : plan.splice(at, 1);
    if (kind !== undefined) return kind;
    await untilTime(Date.now() + 500);
  }
}

/** So many of each kind as its share is, in an order of chance. */
function planOf(phase: 'long' | 'short', count: number, length: number): Kind[] {
  const isClimbing = ({ ladder }: Kind): boolean => ladder !== undefined && phase === 'long';
  const able = kinds.filter((kind) => only.test(kind.name) && isClimbing(kind));
  const climbers = shared(able, phase, climbersMax('camera', length));
  const camera = climbers.filter(({ ladder }) => ladder?.component === 'camera');
  const inference = climbers
    .filter(({ ladder }) => ladder?.component === 'inference')
    .slice(0, climbersMax('inference', length));
  const chosen = [...camera, ...inference].slice(0, Math.floor(count / 4));
  const others = kinds.filter((kind) => only.test(kind.name) && !isClimbing(kind));
  return shuffled([...chosen, ...shared(others, phase, count - chosen.length)], random);
}

function climbersMax(component: keyof typeof apartMs, length: number): number {
  return Math.max(1, Math.floor((length * 60_000) / (apartMs[component] * 1.3)));
}

function shared(from: readonly Kind[], phase: 'long' | 'short', count: number): Kind[] {
  const total = from.reduce((sum, { share }) => sum + share[phase], 0);
  if (total === 0) return [];
  const parts = from.map((kind) => ({ kind, exact: (kind.share[phase] / total) * count }));
  const whole = parts.flatMap(({ kind, exact }) => Array<Kind>(Math.floor(exact)).fill(kind));
  const rest = shuffled(parts, random)
    .sort((a, b) => (b.exact % 1) - (a.exact % 1))
    .slice(0, count - whole.length);
  return shuffled([...whole, ...rest.map(({ kind }) => kind)], random);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], chance: Random): T[] {
  const list = [...items];
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(chance() * (at + 1));
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
  return list;
}

async function untilTime(time: number): Promise<void> {
  while (!isInterrupted && Date.now() < time) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(250, time - Date.now())));
  }
}

function growthProblems(found: Growth | undefined): string[] {
  if (found === undefined || found.minutes < judgedFromMinutes) return [];
  const { slope, error, openFiles, threads } = found;
  const rangeProblem = (name: string, { first, least, most }: Growth['threads']): string[] =>
    most - first <= spread && first - least <= spread
      ? []
      : [`${name} went from ${first} to between ${least} and ${most}`];
  return [
    ...(slope - error > slopeMax
      ? [`memory grows by ${slope.toFixed(1)} ± ${error.toFixed(1)} MB an hour`]
      : []),
    ...rangeProblem('open files', openFiles),
    ...rangeProblem('threads', threads),
  ];
}

function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function lineOf({ kind, by, ms, deadlineMs, problems: wrong }: Outcome): string {
  const at = secondsOf(Date.now() - begun).padStart(7);
  const took = `${secondsOf(ms).padStart(5)} s of ${secondsOf(deadlineMs)} s`;
  const verdict = wrong.length === 0 ? 'ok' : wrong.join('; ');
  return `${at}  ${String(outcomes.length).padStart(3)}  ${kind.padEnd(38)} ${(by ?? '').padEnd(8)} ${took}  ${verdict}`;
}

function progressLine(): string {
  const { results, sessions } = watch.counts();
  const sample = sampleOf(unit.pid());
  const memory = sample === undefined ? '' : `, ${sample.residentMegabytes.toFixed(1)} MiB`;
  return `${Math.round((Date.now() - begun) / 1000)} s: ${outcomes.length} of ${faults} faults, ${sessions} sessions, ${results} results${memory}, ${problems.length} promises broken`;
}

type Row = {
  readonly kind: string;
  readonly by: string;
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly deadline: number;
};

function rows(): Row[] {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const key = `${outcome.kind}|${outcome.by ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups.values()]
    .map((group) => {
      const sorted = group.map(({ ms }) => ms).sort((a, b) => a - b);
      const at = (share: number): number =>
        sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
      return {
        ...{ kind: group[0]?.kind ?? '', by: group[0]?.by ?? '', n: group.length },
        ...{ p50: at(0.5), p99: at(0.99), max: at(1) },
        // Where the steps differ, so do the deadlines.
        deadline: Math.max(...group.map(({ deadlineMs }) => deadlineMs)),
      };
    })
    .sort((a, b) => orderOf(a.kind) - orderOf(b.kind));
}

function orderOf(name: string): number {
  return kinds.findIndex((kind) => kind.name === name);
}

function figures() {
  const ends = unit.ends.length;
  return {
    seed,
    minutes,
    faults: outcomes.length,
    ends,
    ...watch.counts(),
    rows: rows(),
    growth,
    problems,
  };
}

function report(): string {
  const { results, healths, numbered, duplicates, sessions } = watch.counts();
  const table = tableOf([
    ['fault', 'last step', 'n', 'p50 s', 'p99 s', 'max s', 'deadline s'],
    ...rows().map(({ kind, by, n, p50, p99, max, deadline }) => [
      ...[kind, by, String(n)],
      ...[p50, p99, max, deadline].map(secondsOf),
    ]),
  ]);
  const took = ((Date.now() - begun) / 60_000).toFixed(1);
  const lines = [
    `${outcomes.length} faults in ${took} minutes, SOAK_SEED=${seed}`,
    table,
    `${sessions} sessions, ${unit.ends.length} ends; ${results} results; ${healths} health messages, every ledger adds up; ${numbered} labels, events and verdicts without a gap, ${duplicates} duplicates`,
    growthText(growth),
    problems.length === 0 ? 'every promise was kept' : problemsText(),
  ];
  return `\n${lines.join('\n\n')}\n`;
}

function problemsText(): string {
  return `${problems.length} promises were broken (SOAK_SEED=${seed}):\n${problems.map((one) => `  ${one}`).join('\n')}`;
}

function growthText(found: Growth | undefined): string {
  if (found === undefined) return 'the long session was too short to see its memory grow';
  const { minutes: length, first, last: end, slope, error, openFiles, threads } = found;
  const range = ({ least, most }: Growth['threads']): string =>
    least === most ? String(least) : `${least} to ${most}`;
  const verdict =
    length < judgedFromMinutes ? ' (too short to judge)' : `, at most ${slopeMax} is allowed`;
  return `long session after its warm-up: ${length.toFixed(1)} minutes, resident memory ${first.residentMegabytes.toFixed(1)} to ${end.residentMegabytes.toFixed(1)} MiB, ${slope.toFixed(2)} ± ${error.toFixed(2)} MB an hour${verdict}; open files ${range(openFiles)}, threads ${range(threads)}`;
}
