import { randomInt } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { assert, unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import { createRandom } from '../base/random.ts';
import { millis, systemClock } from '../base/time.ts';
import type {
  CameraCommand,
  CameraInjection,
  CameraRecovery,
  CameraReport,
  SourceRequest,
  WorkerBirth,
} from '../contract/threads.ts';
import { type FrameProducer, openProducer } from '../ring/producer.ts';
import { beatPeriod, openPulse } from '../ring/pulse.ts';
import { type CaptureEnd, captureFrames } from './capture.ts';
import { createChangeMeter } from './change.ts';
import { createFreezeMeter } from './freeze.ts';
import type { Injector } from './injection.ts';
import { createSourceOpener } from './open.ts';
import { presencePeriod, reopenDelay, settledAfter } from './reopen-policy.ts';
import type { FrameSource } from './source.ts';
import { isStuck } from './stuck.ts';
import { createThrottle } from './throttle.ts';

/*
 * The camera worker's thread: it opens what it is asked to, tells what that is, is given a ring for
 * it, and captures. A live camera that is not there is waited for and opened again, for ever; one that
 * is there and does not do is for the main thread to decide about; a replay ends.
 */

type StartCommand = Extract<CameraCommand, { kind: 'start' }>;

/** What comes after a source: its end, or another opening, as it was told. */
type SourceEnd = CaptureEnd | { readonly kind: 'told' };
type NextStep =
  | Extract<SourceEnd, { kind: 'aborted' | 'broken' | 'told' }>
  /** The stream begins anew, as it was told. */
  | { readonly kind: 'stream' };

/** A source that is open, and what it was opened for. */
type Held = { source: FrameSource; readonly asked: SourceRequest };

assert(parentPort !== null, 'the camera worker is a thread');
const port = parentPort;
const report = (message: CameraReport): void => port.postMessage(message);
const clock = systemClock;
const pulse = openPulse((workerData as WorkerBirth).pulse, clock);
let opener = createSourceOpener(clock, pulse);
const throttle = createThrottle(clock);
// Only waits are left to chance.
const random = createRandom(randomInt(2 ** 31));
const stop = new AbortController();
/** Aborts when something else is to be opened. */
let changed = new AbortController();
let request: SourceRequest | undefined;
let current: Held | undefined;
let producer: FrameProducer | undefined;
let onStart: (command: StartCommand | undefined) => void = () => {};
let onRecover: (by: CameraRecovery) => void = () => {};
let opening = 0;
let running: Promise<void> | undefined;
let injector: Injector | undefined;
/** Until the injections that came are in force. */
let injecting = Promise.resolve();

setInterval(pulse.beat, beatPeriod).unref();

port.on('message', (command: CameraCommand) => {
  switch (command.kind) {
    case 'open':
      request = command.request;
      interrupt(changed);
      running ??= run().finally(() => {
        running = undefined;
      });
      break;
    case 'start':
      // A late answer was to a source that is no longer open; its ring may be too small.
      if (command.opening === opening) onStart(command);
      break;
    case 'recover':
      onRecover(command.by);
      break;
    case 'limit':
      throttle.limit(command.fps);
      break;
    case 'inject':
      injecting = injecting.then(() => inject(command.injection));
      break;
    case 'stop':
      interrupt(stop);
      void (running ?? Promise.resolve()).then(finish);
      break;
    default:
      unreachable(command);
  }
});

function interrupt(what: AbortController): void {
  what.abort();
  onStart(undefined);
  producer?.wake();
}

/** Opens and captures, one source after the other, until stopped or at an end. */
async function run(): Promise<void> {
  let failures = 0;
  while (!stop.signal.aborted && request !== undefined) {
    const asked: SourceRequest = request;
    changed = new AbortController();
    const signal = AbortSignal.any([stop.signal, changed.signal]);
    await injecting;
    const presence = await opener.presence(asked);
    const begun = clock.now();
    const end = await runSource(asked, presence, signal);
    if (end.kind === 'aborted' || end.kind === 'told') {
      failures = 0;
      injector?.recovered('device');
      continue;
    }
    if (end.kind !== 'broken' || !isLive(asked)) {
      report(end.kind === 'ended' ? { kind: 'ended' } : { kind: 'fault', fault: end.fault });
      return;
    }
    report({ kind: 'waiting', fault: end.fault });
    failures = clock.now() - begun > settledAfter ? 1 : failures + 1;
    const isOther = await pause(asked, presence, end.fault, failures, signal);
    if (isOther) failures = 0;
  }
}

/** Frames that will never come again must not be waited for; cameras come back. */
function isLive({ config }: SourceRequest): boolean {
  return config.source !== 'replay' && !(config.source === 'scene' && config.pace === 'fast');
}

async function runSource(
  asked: SourceRequest,
  presence: string,
  signal: AbortSignal,
): Promise<SourceEnd> {
  const before = injector;
  const opened = await opener.open(asked, signal);
  if (!opened.ok) {
    if (signal.aborted) return { kind: 'aborted' };
    const end = { kind: 'broken', fault: opened.fault } as const;
    if (!isLive(asked)) return end;
    const next = await nextStep(asked, end.fault, presence, signal);
    // There is no stream to begin anew.
    return next.kind === 'stream' ? { kind: 'told' } : next;
  }
  // What is to have troubles since it was asked for.
  const source = before === injector ? opened.value : injector?.source(opened.value, asked);
  await using held = hold(source ?? opened.value, asked);
  return await runStreams(held, presence, signal);
}

function hold(source: FrameSource, asked: SourceRequest): Held & AsyncDisposable {
  const held = {
    source,
    asked,
    [Symbol.asyncDispose]: () => {
      current = undefined;
      return held.source[Symbol.asyncDispose]();
    },
  };
  current = held;
  return held;
}

/** Captures from an open source: one stream after the other, as long as it is told so. */
async function runStreams(held: Held, presence: string, signal: AbortSignal): Promise<SourceEnd> {
  if (signal.aborted) return { kind: 'aborted' };
  const begun = await untilStarted(held.source);
  if (begun === undefined) return { kind: 'aborted' };
  producer = openProducer(begun.ring, begun.owner);
  for (;;) {
    const end = await runStream(held, producer, signal);
    if (end.kind !== 'broken' || !isLive(held.asked)) {
      endStream(end);
      return end;
    }
    const next = await nextStep(held.asked, end.fault, presence, signal);
    if (next.kind !== 'stream') return next;
    injector?.recovered('stream');
    const restarted = await held.source.restart?.();
    if (signal.aborted) return { kind: 'aborted' };
    if (restarted?.ok !== true) return { kind: 'told' };
    report({ kind: 'resumed' });
  }
}

async function runStream(
  held: Held,
  into: FrameProducer,
  signal: AbortSignal,
): Promise<CaptureEnd> {
  const { frozenAfter } = held.asked;
  const { name, lossless } = held.source.description;
  const meter = createChangeMeter();
  await held.source.discard(signal);
  return captureFrames({
    // Once it is to have troubles, it is another one.
    get source() {
      return held.source;
    },
    producer: into,
    meter,
    freeze:
      frozenAfter === undefined || lossless
        ? undefined
        : createFreezeMeter({ name, after: frozenAfter, change: meter, clock }),
    throttle,
    clock,
    onFrameFailed: (fault: Fault) => report({ kind: 'frame-failed', fault }),
    signal,
  });
}

/** Tells what was opened and waits for the ring to write it to; undefined when interrupted. */
function untilStarted(source: FrameSource): Promise<StartCommand | undefined> {
  const started = new Promise<StartCommand | undefined>((resolve) => {
    onStart = resolve;
  });
  opening += 1;
  report({ kind: 'opened', opening, source: source.description });
  for (const notice of source.notices) report({ kind: 'notice', fault: notice });
  return started;
}

/** Readers see the end only where there will be no more: not when another source follows. */
function endStream(end: CaptureEnd): void {
  if (end.kind !== 'aborted' || stop.signal.aborted) producer?.end();
}

/**
 * What follows a live camera's fault. Where it is there and does not do, that is said and the answer
 * waited for, unless it leaves meanwhile: `presence` is what was seen when it was opened.
 */
async function nextStep(
  asked: SourceRequest,
  reason: Fault,
  presence: string,
  signal: AbortSignal,
): Promise<NextStep> {
  if (!isStuck(reason.code)) return { kind: 'broken', fault: reason };
  const answered = new AbortController();
  const over = AbortSignal.any([signal, answered.signal]);
  let seen = presence;
  let isSaid = false;
  while (!over.aborted) {
    const now = await opener.presence(asked);
    const gone = now === seen ? undefined : await opener.absence(asked);
    if (signal.aborted) break;
    if (gone !== undefined) return { kind: 'broken', fault: gone };
    seen = now;
    if (!isSaid) {
      onRecover = (by) => answered.abort(by);
      report({ kind: 'stuck', fault: reason });
      isSaid = true;
    }
    await clock.sleep(presencePeriod, over);
  }
  onRecover = () => {};
  if (signal.aborted) return { kind: 'aborted' };
  return { kind: answered.signal.reason === 'stream' ? 'stream' : 'told' };
}

/** Waits before the next try; sooner over when a camera came or went, and then true. */
async function pause(
  asked: SourceRequest,
  presence: string,
  reason: Fault,
  failures: number,
  signal: AbortSignal,
): Promise<boolean> {
  const until = clock.now() + reopenDelay(reason, failures, random) * 1000;
  while (!signal.aborted && clock.now() < until) {
    const left = millis((until - clock.now()) / 1000);
    await clock.sleep(millis(Math.min(left, presencePeriod)), signal);
    if ((await opener.presence(asked)) !== presence) return true;
  }
  return false;
}

async function inject(injection: CameraInjection): Promise<void> {
  if (injector === undefined) {
    const { createInjector } = await import('./injection.ts');
    injector = createInjector(clock, pulse);
    opener = injector.opener(opener);
    if (current !== undefined) current.source = injector.source(current.source, current.asked);
  }
  injector.inject(injection);
}

async function finish(): Promise<void> {
  report({ kind: 'stopped' });
  port.close();
}
