import { assert } from '../../base/assert.ts';
import { type Fault, failure, fault, type Outcome } from '../../base/fault.ts';
import { type Clock, type Micros, type Millis, millis } from '../../base/time.ts';
import { frameBytesOf } from '../../contract/frame.ts';
import type { Reading } from '../source.ts';
import type { FrameLayout } from './layout.ts';
import { captureTimeOf, createFrameTally } from './metadata.ts';
import { createMetadataPipe, noMetadata } from './metadata-pipe.ts';
import type { Exit, Program } from './program.ts';

/** Reads a program's frames, and finds out when there will be no more. */
export interface FrameReader {
  /** Waits for the first bytes of the first frame; then its layout can be told. To be called first. */
  begin(signal: AbortSignal): Promise<Outcome<FrameLayout>>;
  /** Resolves when the first bytes of the next frame are there, when there will be none, or aborted. */
  due(signal: AbortSignal): Promise<void>;
  read(target: Uint8Array, signal: AbortSignal): Promise<Reading>;
  skip(signal: AbortSignal): Promise<boolean>;
  discard(signal: AbortSignal): Promise<void>;
  /** From now on `due` waits no longer, and `read` says that it has ended. */
  close(): void;
}

export type FrameReaderOptions = {
  readonly program: Program;
  readonly clock: Clock;
  /** How long the first frame may take, and then every other one. */
  readonly startPatience: Millis;
  readonly framePatience: Millis;
  /** Of the rate that was asked for. */
  readonly period: Millis;
  /** Asked once the first bytes are there. */
  readonly decideLayout: () => Promise<Outcome<FrameLayout>>;
};

type Stage =
  | { readonly kind: 'open' }
  /** No more frames will come, for this reason. */
  | { readonly kind: 'broken'; readonly fault: Fault }
  | { readonly kind: 'closed' };

export function createFrameReader(options: FrameReaderOptions): FrameReader {
  const { program, clock } = options;
  const pipe = program.frames;
  const metadata =
    program.metadata === undefined ? noMetadata : createMetadataPipe(program.metadata, clock);
  const tally = createFrameTally();
  const watching = new AbortController();
  let stage: Stage = { kind: 'open' };
  let layout: FrameLayout | undefined;
  let scratch = new Uint8Array(0);
  let arrived: Micros = clock.now();
  /** Since when a frame is waited for; undefined while nobody waits. */
  let waitingSince: Micros | undefined;

  const isOver = (signal: AbortSignal): boolean => stage.kind !== 'open' || signal.aborted;
  const breakOff = (reason: Fault): void => {
    if (stage.kind === 'open') stage = { kind: 'broken', fault: reason };
    watching.abort();
    pipe.wake();
  };

  /** One timer for all frames: it looks again when the wait that it saw last would be too long. */
  const watch = async (): Promise<void> => {
    while (!isOver(watching.signal)) {
      const patience = tally.came === 0 ? options.startPatience : options.framePatience;
      const waited = waitingSince === undefined ? 0 : (clock.now() - waitingSince) / 1000;
      if (waited >= patience) breakOff(stalled(patience, program.log.isTimedOut));
      else {
        // Never longer than a frame may take: the first one may come meanwhile.
        const rest = Math.min(patience - waited, options.framePatience);
        await clock.sleep(millis(rest), watching.signal);
      }
    }
  };
  void watch();

  const waitForBytes = async (signal: AbortSignal): Promise<void> => {
    waitingSince ??= clock.now();
    if (isOver(signal)) return;
    signal.addEventListener('abort', pipe.wake);
    await pipe.untilReadable();
    signal.removeEventListener('abort', pipe.wake);
  };

  /** Fills `target` from the pipe; how many bytes it came to before the end. */
  const fill = async (target: Uint8Array, signal: AbortSignal): Promise<number> => {
    let filled = 0;
    while (filled < target.length && !isOver(signal)) {
      const taken = pipe.take(target.subarray(filled));
      if (taken === 'ended') break;
      if (taken === 'nothing yet') await waitForBytes(signal);
      else filled += taken;
    }
    return filled;
  };

  /** Notes a frame that has come whole; or finds out why it has not. */
  const finish = async (
    filled: number,
    wireBytes: number,
    signal: AbortSignal,
  ): Promise<Reading | undefined> => {
    if (filled === wireBytes) {
      waitingSince = undefined;
      program.log.noteFrame();
      tally.note(await metadata.of(tally.came));
      return undefined;
    }
    if (!isOver(signal)) {
      breakOff(await faultOfEnd(program, clock));
      if (filled > 0) return { kind: 'failed', fault: cutOff(filled) };
    }
    // Whoever aborts within a frame leaves the rest of it in the pipe: the next would begin there.
    if (stage.kind === 'open' && filled > 0) stage = { kind: 'closed' };
    return stage.kind === 'broken' ? stage : { kind: 'ended' };
  };

  const skip = async (signal: AbortSignal): Promise<boolean> => {
    const filled = await fill(scratch, signal);
    return (await finish(filled, scratch.length, signal)) === undefined;
  };

  return {
    begin: async (signal) => {
      await waitForBytes(signal);
      if (signal.aborted) return failure(stoppedEarly);
      if (stage.kind === 'broken') return failure(stage.fault);
      if (pipe.available() === 0) return failure(await faultOfEnd(program, clock));
      const decided = await options.decideLayout();
      if (!decided.ok) return decided;
      waitingSince = undefined;
      layout = decided.value;
      scratch = new Uint8Array(layout.wireBytes);
      // A frame's worth: in less, the program waits for us in the middle of every frame.
      pipe.reserve(layout.wireBytes);
      return decided;
    },
    due: async (signal) => {
      await waitForBytes(signal);
      arrived = clock.now();
    },
    read: async (target, signal) => {
      assert(layout !== undefined, 'the first frame has begun');
      const { geometry, wireBytes } = layout;
      const bytesUsed = frameBytesOf(geometry);
      let filled = await fill(target.subarray(0, bytesUsed), signal);
      if (filled === bytesUsed) filled += await fill(scratch.subarray(bytesUsed), signal);
      const over = await finish(filled, wireBytes, signal);
      if (over !== undefined) return over;
      const capturedAt = captureTimeOf(tally.last, arrived, clock.now());
      return { kind: 'frame', capturedAt, geometry, bytesUsed, ...tally.take() };
    },
    skip,
    discard: async (signal) => {
      // Old frames wait in the pipe and in the program's buffers; the first to make us wait is new.
      let left = pipe.available() > 0 ? staleFramesMax : 0;
      while (left > 0 && (await skip(signal))) {
        const asked = clock.now();
        await waitForBytes(signal);
        left = (clock.now() - asked) / 1000 > options.period / 2 ? 0 : left - 1;
      }
      waitingSince = undefined;
      tally.take();
    },
    close: () => {
      stage = { kind: 'closed' };
      watching.abort();
      pipe.wake();
    },
  };
}

/** The pipe holds one frame, rpicam-vid's six buffers one each; some leave while others come. */
const staleFramesMax = 16;

const stalled = (patience: Millis, isTimedOut: boolean): Fault =>
  fault(
    'camera.stalled',
    isTimedOut
      ? `the camera has given no frame for ${patience / 1000} s; libcamera says that its sensor has timed out`
      : `rpicam-vid has given no frame for ${patience / 1000} s`,
    'Power off and check the ribbon cable at both ends; a camera that stops now and then often has a bad cable or too little power.',
  );

const cutOff = (bytes: number): Fault =>
  fault(
    'camera.frame-broken',
    `rpicam-vid ended ${bytes} bytes into a frame`,
    'Nothing: the camera is opened again.',
  );

const stoppedEarly = fault(
  'camera.broken',
  'rpicam-vid was stopped before its first frame',
  'Nothing: sightd was asked to stop.',
);

/** An exit and the last lines of stderr follow the end of the pipe at once. */
const farewell = millis(1000);

/** Why the program has ended, in its own words if it is not a known fault. */
async function faultOfEnd({ ended, log }: Program, clock: Clock): Promise<Fault> {
  const over = new AbortController();
  const exit = await Promise.race([
    ended,
    clock.sleep(farewell, over.signal).then(() => undefined),
  ]);
  over.abort();
  if (log.fault !== undefined) return log.fault;
  const words = log.lastWords === '' ? '' : `: ${log.lastWords}`;
  return fault(
    log.isTimedOut ? 'camera.stalled' : 'camera.broken',
    `rpicam-vid ended by itself (${mannerOf(exit)})${words}`,
    'Run `rpicam-hello --timeout 0 --nopreview` to see whether the camera works without sightd.',
  );
}

function mannerOf(exit: Exit | undefined): string {
  if (exit === undefined) return 'it has closed its output';
  if (exit.kind === 'unstarted') return exit.reason;
  return exit.signal === null ? `exit code ${exit.code}` : exit.signal;
}
