import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Micros } from '../base/time.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { Components, HealthState } from '../contract/messages.ts';
import type { LinkState } from '../mqtt/connection.ts';
import type { OutboxFigures } from '../mqtt/outbox.ts';
import type { SignsOfLife } from '../ring/pulse.ts';
import type { PipelinePhase } from './pipeline-events.ts';
import type { Pipeline } from './pipeline-interface.ts';

/** What is known of the daemon's parts at one moment. */
export type DiagnosticParts = {
  readonly now: Micros;
  readonly phase: PipelinePhase;
  readonly ledger: Ledger;
  readonly restarts: { readonly camera: number; readonly inference: number };
  readonly state: HealthState;
  /** As health last said; undefined before the first time. */
  readonly components: Components | undefined;
  readonly link: LinkState;
  /** Results that wait for the broker. */
  readonly queued: number;
  readonly outbox: OutboxFigures;
  /** Of each thread, by its name. */
  readonly pulses: Readonly<Record<string, SignsOfLife>>;
};

/** What Node.js and the kernel tell of this process. */
export type ProcessFigures = {
  readonly uptimeSeconds: number;
  /** Since the process started. */
  readonly cpuSeconds: { readonly user: number; readonly system: number };
  /** The part of its time for which the main thread's event loop was busy. */
  readonly loopUtilization: number;
  /** In MiB, as all memory here. */
  readonly memory: Readonly<Record<keyof NodeJS.MemoryUsage | 'peak', number>>;
  readonly heap: Readonly<Record<'used' | 'total' | 'limit' | 'malloced', number>> & {
    /** Contexts that were given up and are still there: leaks. */
    readonly detachedContexts: number;
  };
  /** What keeps the event loop going: timers, sockets, pipes, by their kinds. */
  readonly resources: Readonly<Record<string, number>>;
  /** Undefined where there is no /proc. */
  readonly openFiles: number | undefined;
  readonly threads: number | undefined;
};

/** Each thread's signs of life, by its name; those that died have none. */
export function pulsesOf(pipeline: Pick<Pipeline, 'vitals'>): DiagnosticParts['pulses'] {
  const { camera, readers } = pipeline.vitals();
  const all = [
    ['camera', camera] as const,
    ...readers.map((reader, index) => [`inference ${index + 1}`, reader] as const),
  ];
  return Object.fromEntries(
    all.flatMap(([name, { signs }]) => (signs === undefined ? [] : [[name, signs] as const])),
  );
}

export type Diagnostics = ReturnType<typeof diagnosticsOf>;

/** All that a person who looks for what is wrong may want to know, as one object. */
export function diagnosticsOf(parts: DiagnosticParts, figures: ProcessFigures) {
  const { now, link, state, components, ...rest } = parts;
  return {
    process: figures,
    health: { state, ...(components === undefined ? {} : { components: unwellOf(components) }) },
    link: linkOf(link, now),
    ...rest,
  };
}

/** Those that are not ok; the rest would only fill the line. */
const unwellOf = (components: Components): Partial<Components> =>
  Object.fromEntries(Object.entries(components).filter(([, { state }]) => state !== 'ok'));

function linkOf(state: LinkState, now: Micros): Readonly<Record<string, string | number>> {
  switch (state.kind) {
    case 'online': {
      const { kind, protocol, since } = state;
      return { kind, protocol, seconds: Math.round((now - since) / 1e6) };
    }
    case 'waiting':
      return { kind: state.kind, attempt: state.attempt, fault: state.fault.code };
    default:
      return { ...state };
  }
}

export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage();
  const heap = getHeapStatistics();
  const memory = process.memoryUsage();
  // Linux gives the peak in kilobytes, and brings it up to date a little later than what is resident.
  const peak = Math.max(memory.rss, process.resourceUsage().maxRSS * 1024);
  return {
    uptimeSeconds: Math.round(process.uptime()),
    cpuSeconds: { user: Math.round(user / 1e4) / 100, system: Math.round(system / 1e4) / 100 },
    loopUtilization: Math.round(performance.eventLoopUtilization().utilization * 1000) / 1000,
    memory: inMegabytes({ ...memory, peak }),
    heap: {
      ...inMegabytes({
        used: heap.used_heap_size,
        total: heap.total_heap_size,
        limit: heap.heap_size_limit,
        malloced: heap.malloced_memory,
      }),
      detachedContexts: heap.number_of_detached_contexts,
    },
    resources: countedBy(process.getActiveResourcesInfo()),
    openFiles: countIn('/proc/self/fd'),
    threads: countIn('/proc/self/task'),
  };
}

const inMegabytes = <Name extends string>(
  bytes: Readonly<Record<Name, number>>,
): Readonly<Record<Name, number>> =>
  Object.fromEntries(
    Object.entries<number>(bytes).map(([name, count]) => [name, Math.round(count / 104857.6) / 10]),
  ) as Record<Name, number>;

function countedBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function countIn(folder: string): number | undefined {
  try {
    return readdirSync(folder).length;
  } catch {
    return undefined;
  }
}
