import { setMaxListeners } from 'node:events';
import { unreachable } from '../base/assert.ts';
import type { Log } from '../base/log.ts';
import { abortNatively, hangNatively, readWildly, takeMemory } from '../base/native-faults.ts';
import { type Clock, millis, seconds } from '../base/time.ts';
import { cameraFaults, type Injection, inferenceFaults } from '../contract/injections.ts';
import type { CameraInjection, InferenceInjection } from '../contract/threads.ts';
import { type InjectionFile, openInjectionFile, parseInjection } from './injection-lines.ts';

/** What the daemon is made to read of its surroundings for a while, instead of what is so. */
export type SurroundingsOverride =
  | { readonly kind: 'temperature'; readonly celsius: number; readonly seconds: number }
  | { readonly kind: 'under-voltage'; readonly seconds: number }
  | { readonly kind: 'disk-full'; readonly seconds: number }
  /** So many MiB of resident memory. */
  | { readonly kind: 'memory'; readonly megabytes: number; readonly seconds: number };

/** Who makes the faults that are not this thread's own. */
export type InjectionTargets = {
  camera(injection: CameraInjection): void;
  inference(injection: InferenceInjection): void;
  surroundings(override: SurroundingsOverride): void;
  /** The supervisor takes note of nothing for so long. */
  deafen(seconds: number): void;
};

export type InjectionOptions = {
  /** A file of lines as src/contract/injections.ts has them; more may be added to it at any time. */
  readonly path: string;
  readonly clock: Clock;
  readonly targets: InjectionTargets;
  readonly log: Log;
};

/** A person who adds a line to the file sees it done at once. */
const pollPeriod = millis(200);
/** So many may wait for their time, or come again and again. */
const pendingMax = 1000;

/** Makes the faults that a file asks for, each at its time, until disposal. */
export const openInjections = (options: InjectionOptions): Disposable =>
  followInjections(openInjectionFile(options.path), options);

/** The same for a file that is open already. */
export function followInjections(
  file: InjectionFile,
  { path, clock, targets, log }: InjectionOptions,
): Disposable {
  const closed = new AbortController();
  const { signal } = closed;
  // Each of those that wait listens to it.
  setMaxListeners(pendingMax + 1, signal);
  let pending = 0;

  const take = (): void => {
    for (const { number, text } of file.added()) {
      const parsed = parseInjection(text);
      if (!parsed.ok) {
        const problem = parsed.fault.message;
        log.warn({ path, line: number, problem }, 'a line of injections is left out');
      } else if (pending >= pendingMax) {
        log.warn({ path, line: number, pendingMax }, 'too many injections; this one is left out');
      } else if ((parsed.value.process ?? process.pid) === process.pid) {
        void execute(parsed.value);
      }
    }
  };

  const execute = async (injection: Injection): Promise<void> => {
    const { afterSeconds, everySeconds } = injection;
    pending += 1;
    let due = clock.now() + seconds(afterSeconds) * 1000;
    for (;;) {
      await clock.sleep(millis(Math.max(0, (due - clock.now()) / 1000)), signal);
      if (signal.aborted) return;
      // Written before it is done: it may be the last that this process does.
      log.warn({ injection }, 'a fault is injected');
      inject(injection, targets, clock, signal);
      if (everySeconds === undefined) break;
      // What a blocked thread has missed is not made up for.
      due = Math.max(due + seconds(everySeconds) * 1000, clock.now());
    }
    pending -= 1;
  };

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      take();
      await clock.sleep(pollPeriod, signal);
    }
  };

  void follow();
  return { [Symbol.dispose]: () => closed.abort() };
}

type CameraFault = Extract<Injection, { fault: keyof typeof cameraFaults }>;
type InferenceFault = Extract<Injection, { fault: keyof typeof inferenceFaults }>;

const isOfCamera = (injection: Injection): injection is CameraFault =>
  Object.hasOwn(cameraFaults, injection.fault);
const isOfInference = (injection: Injection): injection is InferenceFault =>
  Object.hasOwn(inferenceFaults, injection.fault);

function inject(
  injection: Injection,
  targets: InjectionTargets,
  clock: Clock,
  signal: AbortSignal,
): void {
  const duration = injection.seconds;
  if (isOfCamera(injection)) {
    const { fault, mendedBy } = injection;
    targets.camera({ what: cameraFaults[fault], seconds: duration, mendedBy });
  } else if (isOfInference(injection)) {
    targets.inference({ what: inferenceFaults[injection.fault], seconds: duration });
  } else {
    injectElsewhere(injection, targets, (memory) => {
      void clock.sleep(seconds(duration), signal).then(() => memory[Symbol.dispose]());
    });
  }
}

function injectElsewhere(
  injection: Exclude<Injection, CameraFault | InferenceFault>,
  targets: InjectionTargets,
  freeLater: (memory: Disposable) => void,
): void {
  const duration = injection.seconds;
  switch (injection.fault) {
    case 'loop.block':
      hangNatively(seconds(duration));
      break;
    case 'process.kill':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'process.abort':
      abortNatively();
      break;
    case 'process.segv':
      readWildly();
      break;
    case 'memory.grow':
      freeLater(takeMemory(injection.megabytes * 2 ** 20));
      break;
    case 'supervisor.deaf':
      targets.deafen(duration);
      break;
    case 'disk.full':
      targets.surroundings({ kind: 'disk-full', seconds: duration });
      break;
    case 'under-voltage':
      targets.surroundings({ kind: 'under-voltage', seconds: duration });
      break;
    case 'temperature':
      targets.surroundings({
        kind: 'temperature',
        celsius: injection.celsius,
        seconds: duration,
      });
      break;
    case 'memory':
      targets.surroundings({
        kind: 'memory',
        megabytes: injection.megabytes,
        seconds: duration,
      });
      break;
    default:
      unreachable(injection);
  }
}
