import { parentPort, workerData } from 'node:worker_threads';
import { assert, unreachable } from '../base/assert.ts';
import { failure, type Outcome } from '../base/fault.ts';
import { type Micros, millisOf, systemClock } from '../base/time.ts';
import { createTurn } from '../base/turn.ts';
import type { FrameView } from '../contract/frame.ts';
import { packClassifications } from '../contract/packed-classifications.ts';
import type {
  Classification,
  InferenceCommand,
  InferenceInjection,
  InferenceReport,
  StartCommand,
  WantedScores,
  WorkerBirth,
} from '../contract/threads.ts';
import { type FrameConsumer, openConsumer, type ReadableFrame } from '../ring/consumer.ts';
import { beatPeriod, openPulse } from '../ring/pulse.ts';
import { createPhotographer } from './frame-picture.ts';
import { goldenFault } from './golden.ts';
import type { InjectedFaults } from './injection.ts';
import { openTensorKernel, type TensorKernel } from './kernel.ts';
import { openSession } from './open.ts';
import { softmax, topK } from './scores.ts';
import type { ModelSession } from './session.ts';

/*
 * The inference worker's thread. A running model occupies it whole, so nothing else lives here: it
 * takes a frame, prepares the tensor where the frame lies, runs the model, reports, and gives the
 * slot back. Ending the thread while the model runs would abort the process; it ends by being asked.
 */

type Reader = {
  consumer: FrameConsumer;
  kernel: TensorKernel;
  /** The ring to read from instead, once the frame at hand is done. */
  next: RingCommand | undefined;
  reportTogether: number;
  readonly session: ModelSession;
  readonly start: StartCommand;
  wanted: Wanted;
  /** Classified frames whose slots are still held, since nobody was told yet. */
  readonly unreported: {
    readonly frame: ReadableFrame;
    readonly classification: Classification;
    readonly begun: Micros;
  }[];
};
type RingCommand = Extract<InferenceCommand, { kind: 'ring' }>;
type Wanted = {
  readonly topK: number;
  readonly watched: readonly { readonly label: string; readonly index: number }[];
};

assert(parentPort !== null, 'the inference worker is a thread');
const port = parentPort;
const report = (message: InferenceReport): void => port.postMessage(message);
const pulse = openPulse((workerData as WorkerBirth).pulse, systemClock);
/** Often enough for deadlines of seconds, and no work to speak of. */
const stop = new AbortController();
const turn = createTurn(systemClock);
const photographer = createPhotographer(systemClock);
let reader: Reader | undefined;
let reading: Promise<void> = Promise.resolve();
/** What came while the model was still loading. */
let ringGiven: RingCommand | undefined;
let viewGiven: FrameView | undefined;
let scoresGiven: WantedScores | undefined;
/** Undefined until the first one is asked for: never, but in a test. */
let injected: InjectedFaults | undefined;

setInterval(pulse.beat, beatPeriod).unref();

port.on('message', (command: InferenceCommand) => {
  switch (command.kind) {
    case 'start':
      reading = start(command);
      break;
    case 'ring':
      if (reader === undefined) ringGiven = command;
      else reader.next = command;
      reader?.consumer.wake();
      break;
    case 'view':
      viewGiven = command.view;
      reader?.kernel.setView(command.view);
      break;
    case 'want':
      scoresGiven = command.wanted;
      if (reader !== undefined) reader.wanted = wantedOf(reader.start, command.wanted);
      break;
    case 'photograph':
      photographer.ask(command.request);
      break;
    case 'inject':
      void inject(command.injection);
      break;
    case 'stop':
      stop.abort();
      reader?.consumer.wake();
      void reading.then(finish);
      break;
    default:
      unreachable(command);
  }
});

async function start(command: StartCommand): Promise<void> {
  const { model } = command;
  const consumer = openConsumer(command.ring, command.owner, command.reader);
  const kernel = openTensorKernel(consumer.workspace, model.input, command.view);
  pulse.begin();
  const session = await load(command, kernel);
  pulse.end();
  if (!session.ok) return report({ kind: 'fault', fault: session.fault });
  if (viewGiven !== undefined) kernel.setView(viewGiven);
  reader = {
    next: ringGiven,
    reportTogether: command.reportTogether,
    consumer,
    kernel,
    session: session.value,
    start: command,
    wanted: wantedOf(command, scoresGiven ?? command.wanted),
    unreported: [],
  };
  report({ kind: 'loaded' });
  await readFrames(reader);
}

/** Loads the model and, where it has a golden picture, looks at that. */
async function load(
  { model, threads, golden }: StartCommand,
  { tensor }: TensorKernel,
): Promise<Outcome<ModelSession>> {
  const session = await openSession(model, tensor, threads);
  if (!session.ok || golden === undefined) return session;
  const wrong = await goldenFault(session.value, tensor, model, golden);
  return wrong === undefined ? session : failure(wrong);
}

async function inject(injection: InferenceInjection): Promise<void> {
  const { createInjectedFaults } = await import('./injection.ts');
  injected ??= createInjectedFaults();
  injected.inject(injection);
}

const wantedOf = ({ model }: StartCommand, { topK: best, watched }: WantedScores): Wanted => ({
  topK: best,
  watched: watched
    .map((label) => ({ label, index: model.labels.indexOf(label) }))
    .filter(({ index }) => index >= 0),
});

async function readFrames(current: Reader): Promise<void> {
  let drained = false;
  while (!stop.signal.aborted) {
    if (current.next !== undefined) moveTo(current, current.next);
    const { consumer } = current;
    const frame = consumer.claim();
    if (frame !== undefined) {
      drained = false;
      await classify(current, frame);
      await turn();
      continue;
    }
    // Before anybody waits for anybody: the slots held back are what the camera may be waiting for.
    reportUnreported(current);
    if (!drained && consumer.isDrained()) {
      drained = true;
      report({ kind: 'drained' });
    }
    await consumer.untilReady();
  }
  reportUnreported(current);
}

function moveTo(current: Reader, { ring, reportTogether }: RingCommand): void {
  reportUnreported(current);
  const { owner, reader: number } = current.start;
  current.next = undefined;
  current.reportTogether = reportTogether;
  current.consumer = openConsumer(ring, owner, number);
  current.kernel = current.kernel.moveTo(current.consumer.workspace);
  current.session.bind(current.kernel.tensor);
}

async function classify(current: Reader, frame: ReadableFrame): Promise<void> {
  const begun = systemClock.now();
  current.kernel.prepare(frame.geometry, frame.offset);
  pulse.begin();
  const outcome = await (injected?.run(current.session) ?? current.session.run());
  pulse.end();
  if (outcome.ok) {
    const classification = classificationOf(current, frame, outcome.value, begun);
    photographer.copy(frame);
    current.unreported.push({ frame, classification, begun });
    const isEnough = current.unreported.length >= current.reportTogether;
    if (isEnough || isLate(current)) reportUnreported(current);
    reportPicture(classification);
  } else {
    reportUnreported(current);
    const { fault } = outcome;
    if (fault.retryable) report({ kind: 'frame-failed', ordinal: frame.ordinal, fault });
    else report({ kind: 'fault', fault });
    current.consumer.settle(frame, 'failed');
  }
}

/** A slow model's classifications are not held back for others: nobody would hear of it. */
const heldBackMax = 1_000_000;
const isLate = ({ unreported }: Reader): boolean =>
  systemClock.now() - (unreported[0]?.begun ?? systemClock.now()) >= heldBackMax;

/**
 * Reports first and gives the slots back after: a thread that dies in between has told of a frame
 * that counts as failed, but never counts one as classified that nobody hears of.
 */
function reportUnreported({ consumer, unreported }: Reader): void {
  if (unreported.length === 0) return;
  const packed = packClassifications(unreported.map((one) => one.classification));
  report({ kind: 'classified', packed });
  for (const { frame } of unreported) consumer.settle(frame, 'classified');
  unreported.length = 0;
}

/** After the slot was given back: it takes as long as a frame's preparation, or longer. */
function reportPicture(classification: Classification): void {
  const picture = photographer.develop(classification);
  if (picture === undefined) return;
  const message: InferenceReport = { kind: 'picture', picture };
  port.postMessage(message, [picture.pixels.buffer as ArrayBuffer]);
}

function classificationOf(
  current: Reader,
  frame: ReadableFrame,
  scores: Float32Array,
  begun: Micros,
): Classification {
  const { model } = current.start;
  if (model.outputKind === 'logits') softmax(scores);
  return {
    sequence: frame.sequence,
    ordinal: frame.ordinal,
    capturedAt: frame.capturedAt,
    inference: millisOf((systemClock.now() - begun) as Micros),
    top: topK(scores, model.labels, current.wanted.topK),
    watched: current.wanted.watched.map(({ label, index }) => ({
      label,
      index,
      score: scores[index] ?? 0,
    })),
  };
}

async function finish(): Promise<void> {
  await reader?.session.close();
  report({ kind: 'stopped' });
  port.close();
}
