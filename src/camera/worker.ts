import { randomInt } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { assert, unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import { createRandom } from '../base/random.ts';
import { millis, systemClock } from '../base/time.ts';
import type { CameraCommand, CameraReport, SourceRequest } from '../contract/threads.ts';
import { type FrameProducer, openProducer } from '../ring/producer.ts';
import { type CaptureEnd, captureFrames } from './capture.ts';
import { createChangeMeter } from './change.ts';
import { createSourceOpener } from './open.ts';
import { presencePeriod, reopenDelay, settledAfter } from './reopen-policy.ts';
import type { FrameSource } from './source.ts';

/*
 * The camera worker's thread: it opens what it is asked to, tells what that is, is given a ring for
 * it, and captures. A live camera that fails is opened again, for ever; a replay ends.
 */

type StartCommand = Extract<CameraCommand, { kind: 'start' }>;

assert(parentPort !== null, 'the camera worker is a thread');
const port = parentPort;
const report = (message: CameraReport): void => port.postMessage(message);
const clock = systemClock;
const opener = createSourceOpener(clock);
// Only waits are left to chance.
const random = createRandom(randomInt(2 ** 31));
const stop = new AbortController();
/** Aborts when something else is to be opened. */
let changed = new AbortController();
let request: SourceRequest | undefined;
let producer: FrameProducer | undefined;
let onStart: (command: StartCommand | undefined) => void = () => {};
let opening = 0;
let running: Promise<void> | undefined;

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
    const presence = await opener.presence(asked);
    const begun = clock.now();
    const end = await runSource(asked, signal);
    if (end.kind === 'aborted') {
      failures = 0;
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
  return config.source !== 'scene' && config.source !== 'replay';
}

async function runSource(asked: SourceRequest, signal: AbortSignal): Promise<CaptureEnd> {
  const opened = await opener.open(asked, signal);
  if (!opened.ok) {
    if (signal.aborted) return { kind: 'aborted' };
    return { kind: 'broken', fault: opened.fault };
  }
  await using source = opened.value;
  if (signal.aborted) return { kind: 'aborted' };
  const begun = await untilStarted(source);
  if (begun === undefined) return { kind: 'aborted' };
  producer = openProducer(begun.ring, begun.owner);
  await source.discard(signal);
  const end = await captureFrames({
    source,
    producer,
    meter: createChangeMeter(),
    clock,
    onFrameFailed: (fault: Fault) => report({ kind: 'frame-failed', fault }),
    signal,
  });
  if (end.kind !== 'broken' || !isLive(asked)) endStream(end);
  return end;
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

async function finish(): Promise<void> {
  report({ kind: 'stopped' });
  port.close();
}
