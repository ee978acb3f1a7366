import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel says of a process in a quiet moment. */
export type Sample = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly residentMegabytes: number;
  readonly openFiles: number;
  readonly threads: number;
};

export function sampleOf(pid: number): Sample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const openFiles = readdirSync(`/proc/${pid}/fd`).length;
    const number = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    const [kilobytes, threads] = [number('VmRSS'), number('Threads')];
    if (!Number.isFinite(kilobytes)) return undefined;
    return { at: Date.now(), residentMegabytes: kilobytes / 1024, openFiles, threads };
  } catch {
    // It has just ended.
    return undefined;
  }
}

export type Growth = {
  readonly minutes: number;
  readonly samples: number;
  readonly first: Bin;
  readonly last: Bin;
  readonly residentMax: number;
  /** MB an hour, and what it may be off by: 95 of 100 such intervals hold the true slope. */
  readonly slope: number;
  readonly error: number;
  readonly openFiles: Range;
  readonly threads: Range;
};

export type Bin = Sample;
export type Range = { readonly first: number; readonly least: number; readonly most: number };

/** In so many seconds each thread's garbage is collected twice: the least that is resident is what is kept. */
const binSeconds = 60;
/** The first times of everything: code is compiled, which takes ten minutes, heaps and caches find their size. */
const warmUpShare = 0.45;

/** What became of a session's memory, files and threads after it had warmed up. */
export function growthOf(samples: readonly Sample[]): Growth | undefined {
  const begin = samples[0]?.at ?? 0;
  const length = (samples.at(-1)?.at ?? 0) - begin;
  const warm = samples.filter(({ at }) => at >= begin + length * warmUpShare);
  const bins = binsOf(warm);
  const [first, last] = [bins[0], bins.at(-1)];
  if (first === undefined || last === undefined || bins.length < 4) return undefined;
  const { slope, error } = lineOf(
    bins.map(({ at }) => at / 3_600_000),
    bins.map(({ residentMegabytes }) => residentMegabytes),
  );
  const rangeOf = (key: 'openFiles' | 'threads'): Range => {
    const values = bins.map((bin) => bin[key]);
    return { first: first[key], least: Math.min(...values), most: Math.max(...values) };
  };
  return {
    minutes: (last.at - first.at) / 60_000,
    samples: warm.length,
    ...{ first, last, slope, error },
    residentMax: Math.max(...samples.map(({ residentMegabytes }) => residentMegabytes)),
    openFiles: rangeOf('openFiles'),
    threads: rangeOf('threads'),
  };
}

function binsOf(samples: readonly Sample[]): Bin[] {
  const groups = new Map<number, Sample[]>();
  for (const sample of samples) {
    const key = Math.floor(sample.at / (binSeconds * 1000));
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map((group) => ({
    at: medianOf(group.map(({ at }) => at)),
    residentMegabytes: Math.min(...group.map(({ residentMegabytes }) => residentMegabytes)),
    openFiles: medianOf(group.map(({ openFiles }) => openFiles)),
    threads: medianOf(group.map(({ threads }) => threads)),
  }));
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * The straight line that is nearest by least squares, and twice the standard error of its slope. Memory
 * wanders: neighbours that are off to the same side say less than as many that know nothing of each other
 * (a process of first order, whose correlation widens the error).
 */
export function lineOf(x: readonly number[], y: readonly number[]) {
  const n = x.length;
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / n;
  const [meanX, meanY] = [mean(x), mean(y)];
  let spread = 0;
  let common = 0;
  for (let i = 0; i < n; i += 1) {
    const dx = (x[i] ?? 0) - meanX;
    spread += dx * dx;
    common += dx * ((y[i] ?? 0) - meanY);
  }
  const slope = common / spread;
  const off = y.map((value, i) => value - meanY - slope * ((x[i] ?? 0) - meanX));
  const residue = off.reduce((sum, value) => sum + value * value, 0);
  const together = off.reduce((sum, value, i) => sum + value * (off[i - 1] ?? 0), 0);
  const correlation = residue === 0 ? 0 : Math.min(0.95, Math.max(0, together / residue));
  const widened = Math.sqrt((1 + correlation) / (1 - correlation));
  return { slope, error: 2 * Math.sqrt(residue / (n - 2) / spread) * widened };
}
