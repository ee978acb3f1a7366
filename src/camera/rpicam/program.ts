import { type ChildProcess, spawn } from 'node:child_process';
import { type Fault, failure, fault, messageOf, type Outcome, success } from '../../base/fault.ts';
import { type Clock, millis } from '../../base/time.ts';
import { createToolLog, type ToolLog } from './log.ts';
import { openPipe, type Pipe } from './pipe.ts';
import { findTool, type Tool, toolEnvironmentOf } from './tool.ts';

/** How a program ended. */
export type Exit =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'unstarted'; readonly reason: string };

/** rpicam-vid, running. */
export interface Program {
  readonly pid: number | undefined;
  /** The frames, one after the other. */
  readonly frames: Pipe;
  /** What it says of each frame, if it can. */
  readonly metadata: Pipe | undefined;
  readonly log: ToolLog;
  /** What could not be had in starting it. */
  readonly notices: readonly Fault[];
  /** Resolves when it is gone and all that it wrote on stderr is read. */
  readonly ended: Promise<Exit>;
  /** Ends it, politely and then firmly, and closes its pipes. */
  close(): Promise<void>;
}

export type ProgramRequest = {
  readonly tool: Tool;
  /** `metadata` is where the program shall write it, if it can. */
  readonly argumentsOf: (metadata: string | undefined) => readonly string[];
  readonly clock: Clock;
  readonly onFrameBytes: () => void;
};

/** Time to stop the camera; libcamera takes a few frames for it. */
const politeEnd = millis(1000);
/** After SIGKILL only a driver that hangs in the kernel keeps a process. */
const firmEnd = millis(1000);

/** libcamera-vid alone, without rpicam-vid, may be too old for `--metadata`. */
const knowsMetadata = (tool: Tool): boolean => tool.name === 'rpicam-vid';

/** Where the child finds the metadata pipe: the descriptor after stderr. */
const metadataPath = '/dev/fd/3';

export function startProgram(request: ProgramRequest): Outcome<Program> {
  const frames = openPipe();
  if (!frames.ok) return frames;
  const metadata = knowsMetadata(request.tool) ? openPipe() : undefined;
  if (metadata?.ok === false) {
    frames.value[Symbol.dispose]();
    return failure(metadata.fault);
  }
  const pipes = { frames: frames.value, metadata: metadata?.value };
  const { child, notices } = launch(request, pipes);
  pipes.frames.closeWriteEnd();
  pipes.metadata?.closeWriteEnd();
  const log = createToolLog(request.onFrameBytes);
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => log.write(text));
  const { exited, ended } = endsOf(child);
  let closing: Promise<void> | undefined;
  return success({
    pid: child.pid,
    ...pipes,
    log,
    notices,
    ended,
    close: () => {
      closing ??= close(child, exited, pipes, request.clock);
      return closing;
    },
  });
}

type Pipes = { readonly frames: Pipe; readonly metadata: Pipe | undefined };

/**
 * Starts it as the leader of a process group of its own, so that a Ctrl-C at the terminal reaches us
 * first, and whatever it starts can be ended with it. `setpriv --pdeathsig` has the kernel kill it when
 * the thread that started it ends, however that happens.
 */
function launch(request: ProgramRequest, pipes: Pipes): { child: ChildProcess; notices: Fault[] } {
  const { tool } = request;
  const setpriv = findTool(['setpriv'], process.env['PATH']);
  const args = request.argumentsOf(pipes.metadata === undefined ? undefined : metadataPath);
  const [command, ...before] =
    setpriv === undefined ? [tool.path] : [setpriv.path, '--pdeathsig', 'KILL', '--', tool.path];
  const child = spawn(command ?? tool.path, [...before, ...args], {
    detached: true,
    env: toolEnvironmentOf(process.env),
    stdio: [
      'ignore',
      pipes.frames.writeEnd,
      'pipe',
      ...(pipes.metadata === undefined ? [] : [pipes.metadata.writeEnd]),
    ],
  });
  return { child, notices: setpriv === undefined ? [withoutSetpriv] : [] };
}

const withoutSetpriv = fault(
  'camera.tool-missing',
  'setpriv is not installed: if sightd is killed with SIGKILL, rpicam-vid may stay behind',
  'Install it: sudo apt install util-linux.',
);

function endsOf(child: ChildProcess): { exited: Promise<Exit>; ended: Promise<Exit> } {
  const unstarted = new Promise<Exit>((resolve) =>
    child.once('error', (error) => resolve({ kind: 'unstarted', reason: messageOf(error) })),
  );
  const exitOn = (event: 'exit' | 'close'): Promise<Exit> =>
    new Promise((resolve) =>
      child.once(event, (code: number | null, signal: string | null) =>
        resolve({ kind: 'exited', code, signal }),
      ),
    );
  return {
    exited: Promise.race([unstarted, exitOn('exit')]),
    ended: Promise.race([unstarted, exitOn('close')]),
  };
}

async function close(
  child: ChildProcess,
  exited: Promise<Exit>,
  pipes: Pipes,
  clock: Clock,
): Promise<void> {
  // A reader that waits sees that it is over; from here on the pipe is drained.
  pipes.frames.wake();
  pipes.metadata?.wake();
  // rpicam-vid stops the camera on SIGINT at its next frame; SIGTERM would end it on the spot.
  if (child.exitCode === null && child.signalCode === null) signalGroup(child, 'SIGINT');
  // It must be able to write what it has begun, or it would never see the signal.
  const gone = Promise.all([exited, drain(pipes.frames)]);
  if (!(await isWithin(gone, politeEnd, clock))) {
    signalGroup(child, 'SIGKILL');
    await isWithin(gone, firmEnd, clock);
  }
  child.stderr?.destroy();
  child.unref();
  pipes.frames[Symbol.dispose]();
  pipes.metadata?.[Symbol.dispose]();
}

/** Only while the leader runs or one of the group holds the pipe: nobody else has its number then. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
}

const drainBytes = 2 ** 16;

async function drain(pipe: Pipe): Promise<void> {
  const scratch = new Uint8Array(drainBytes);
  for (;;) {
    const taken = pipe.take(scratch);
    if (taken === 'ended') return;
    if (taken === 'nothing yet') await pipe.untilReadable();
  }
}

async function isWithin(
  done: Promise<unknown>,
  duration: ReturnType<typeof millis>,
  clock: Clock,
): Promise<boolean> {
  const over = new AbortController();
  const late = clock.sleep(duration, over.signal).then(() => false);
  const isDone = await Promise.race([done.then(() => true), late]);
  over.abort();
  return isDone;
}
