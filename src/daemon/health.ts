import { type Component, type Fault, fault } from '../base/fault.ts';
import type { Millis } from '../base/time.ts';
import { millis, seconds } from '../base/time.ts';
import type { Rung } from '../contract/messages.ts';
import type { LinkState } from '../mqtt/connection.ts';
import type { SignsOfLife } from '../ring/pulse.ts';
import type { CameraState, PipelinePhase } from './pipeline-events.ts';

/*
 * How each part of the daemon is, as a pure function of what is known of it. Durations are of the
 * monotonic clock: a clock that is set is no deadline that has passed.
 */

/** What is known of a thread. */
export type ThreadFacts = {
  /** Undefined where there is none at the moment. */
  readonly signs: SignsOfLife | undefined;
  /** Why there is none, until one has taken the place. */
  readonly died: Fault | undefined;
};

export type Facts = {
  readonly phase: PipelinePhase;
  readonly camera: ThreadFacts & {
    readonly state: CameraState;
    /** Of a live camera that frames are read from: since the last one. */
    readonly sinceFrame: Millis | undefined;
    /** Whether one has come since the source was opened or begun anew. */
    readonly hasFrame: boolean;
    readonly frameDeadline: Millis;
  };
  /** Whether a frame was ever captured. */
  readonly hasBegun: boolean;
  readonly readers: readonly (ThreadFacts & { readonly isLoaded: boolean })[];
  readonly inferenceDeadline: Millis;
  /** How long frames have been waiting without one being classified. */
  readonly sinceClassified: Millis | undefined;
  /** How long every frame has come to nothing, and why the last one did. */
  readonly failing: { readonly since: Millis; readonly fault: Fault } | undefined;
  /** How long the ledger of frames has not added up. */
  readonly unbalanced: Millis | undefined;
  /** How long classified frames have not reached the main thread. */
  readonly unheard: Millis | undefined;
  readonly link: LinkState;
  /** How long a connected broker has left messages without an answer. */
  readonly unacknowledged: Millis | undefined;
  /** What is wrong with these, if anything; none of it is mended by restarting. */
  readonly outbox: Fault | undefined;
  readonly config: Fault | undefined;
  readonly disk: Fault | undefined;
  readonly power: Fault | undefined;
  /** Over its budget. */
  readonly memory: Fault | undefined;
  /** Count reports of trouble: tell a new one from the one that is being seen to. */
  readonly troubles: { readonly camera: number; readonly inference: number };
};

export type ComponentHealth =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ok' }
  /** For something outside of the daemon. */
  | { readonly kind: 'waiting'; readonly fault: Fault }
  /** It works with less. */
  | { readonly kind: 'degraded'; readonly fault: Fault }
  /** It does not work; a step of the ladder, from `least` on, may help. */
  | {
      readonly kind: 'broken';
      readonly fault: Fault;
      readonly least: Rung;
      readonly trouble: number;
    };

export type Assessment = Readonly<Record<Component, ComponentHealth>>;

/** A driver that opens, reads or closes has its own time limits, of up to five seconds a call. */
const callMax = seconds(5);
/** Several calls in a row. Who is in one for so long hears of no step: only the process's end is left. */
const driverMax = seconds(30);
/** A thread's beat comes twice a second; a machine that is out of breath is given time. */
const silenceMax = seconds(20);
/** From a slow card, on a slow processor, with a golden picture. */
export const loadMax = seconds(180);
/** What is counted at any instant is right at any instant. */
const unbalancedMax = seconds(5);
const unheardMax = seconds(15);
/** Single frames fail; nothing but failures for so long is a part that does not work. */
const failingMax = seconds(15);
/** MQTT brokers answer at once; what is lost with a connection shows within its keepalive. */
const unacknowledgedMax = seconds(60);

export function assess(facts: Facts): Assessment {
  return {
    camera: assessCamera(facts),
    ring: assessRing(facts),
    inference: assessInference(facts),
    label: assessLabel(facts),
    link: assessLink(facts),
    outbox: lessWith(facts.outbox),
    config: lessWith(facts.config),
    disk: lessWith(facts.disk),
    power: lessWith(facts.power),
    daemon: assessDaemon(facts),
  };
}

const ok: ComponentHealth = { kind: 'ok' };
const starting: ComponentHealth = { kind: 'starting' };

const lessWith = (reason: Fault | undefined): ComponentHealth =>
  reason === undefined ? ok : { kind: 'degraded', fault: reason };

const isOver = (duration: Millis | undefined, max: Millis): boolean =>
  duration !== undefined && duration > max;

const secondsOf = (duration: Millis | undefined): string =>
  `${Math.round((duration ?? 0) / 1000)} s`;

function assessCamera(facts: Facts): ComponentHealth {
  const { camera, phase, troubles } = facts;
  const { state, signs, died } = camera;
  const broken = (reason: Fault, least: Rung): ComponentHealth => ({
    ...{ kind: 'broken', fault: reason, least },
    trouble: troubles.camera,
  });
  if (phase === 'held') return starting;
  if (died !== undefined) return broken(died, 'worker');
  if (isOver(signs?.busy, driverMax)) return broken(cameraHung(signs?.busy), 'process');
  // A thread that has just been started loads its code first.
  const quietMax = state.kind === 'opening' ? loadMax : silenceMax;
  if (signs?.busy === undefined && isOver(signs?.silent, quietMax)) {
    return broken(cameraHung(signs?.silent), 'process');
  }
  switch (state.kind) {
    case 'opening':
      return starting;
    case 'waiting':
      return { kind: 'waiting', fault: state.fault };
    case 'stuck':
      return broken(state.fault, leastOf(state.fault));
    case 'streaming':
      // The thread says so itself, and sooner; unless it cannot. One that is in a call is given its time.
      if (
        !isOver(signs?.busy, callMax) &&
        isOver(camera.sinceFrame, millis(3 * camera.frameDeadline + silenceMax))
      ) {
        return broken(noFrame(camera.sinceFrame), 'device');
      }
      if (isFailing(facts, 'camera')) return broken(facts.failing.fault, 'stream');
      return camera.hasFrame ? ok : starting;
  }
}

type Failing = { readonly failing: NonNullable<Facts['failing']> };

/** Whether no frame comes to anything any more, because of this component. */
const isFailing = (facts: Facts, component: Component): facts is Facts & Failing =>
  isOver(facts.failing?.since, failingMax) && facts.failing?.fault.component === component;

/** The gentlest step that may mend a camera: a frozen picture outlives its stream's restart. */
const leastOf = ({ code }: Fault): Rung =>
  code === 'camera.stalled' || code === 'camera.broken' ? 'stream' : 'device';

const cameraHung = (since: Millis | undefined): Fault =>
  fault(
    'camera.hung',
    `the camera's thread has not answered for ${secondsOf(since)}`,
    'A driver hangs: it is restarted by itself; if it comes again, check the cable and the kernel log.',
  );

const noFrame = (since: Millis | undefined): Fault =>
  fault(
    'camera.stalled',
    `no frame for ${secondsOf(since)}`,
    'It is opened again by itself; if it stays so, check its cable and power supply.',
  );

function assessRing({ phase, unbalanced }: Facts): ComponentHealth {
  if (isOver(unbalanced, unbalancedMax)) {
    const sentence = `the ledger of frames has not added up for ${secondsOf(unbalanced)}`;
    const reason = fault('ring.unbalanced', sentence, 'Report this, with the log.');
    return { kind: 'broken', fault: reason, least: 'process', trouble: 0 };
  }
  return phase === 'opening' || phase === 'held' ? starting : ok;
}

function assessInference(facts: Facts): ComponentHealth {
  const { phase, readers, inferenceDeadline, troubles } = facts;
  const broken = (reason: Fault, least: Rung): ComponentHealth => ({
    ...{ kind: 'broken', fault: reason, least },
    trouble: troubles.inference,
  });
  for (const { died, signs, isLoaded } of readers) {
    if (died !== undefined) return broken(died, 'worker');
    const busyMax = isLoaded ? inferenceDeadline : loadMax;
    if (isOver(signs?.busy, busyMax))
      return broken(inferenceHung(signs?.busy, isLoaded), 'process');
    if (signs?.busy === undefined && isOver(signs?.silent, isLoaded ? silenceMax : loadMax)) {
      return broken(inferenceHung(signs?.silent, isLoaded), 'process');
    }
  }
  if (phase === 'opening' || phase === 'loading' || phase === 'held' || phase === 'rebuilding') {
    return starting;
  }
  if (!readers.every(({ isLoaded }) => isLoaded)) return starting;
  if (isOver(facts.sinceClassified, millis(inferenceDeadline + silenceMax))) {
    return broken(notClassified(facts.sinceClassified), 'worker');
  }
  if (isFailing(facts, 'inference')) return broken(facts.failing.fault, 'worker');
  return ok;
}

const inferenceHung = (since: Millis | undefined, isLoaded: boolean): Fault =>
  fault(
    'inference.hung',
    `the model has been ${isLoaded ? 'running' : 'loading'} for ${secondsOf(since)}`,
    'The process is restarted by itself; if it comes again, try another model.',
  );

const notClassified = (since: Millis | undefined): Fault =>
  fault(
    'inference.hung',
    `frames wait, and none was classified for ${secondsOf(since)}`,
    'The thread is replaced by itself; if it comes again, report this with the log.',
  );

function assessLabel({ phase, unheard }: Facts): ComponentHealth {
  if (isOver(unheard, unheardMax)) {
    const sentence = `classified frames have not been heard of for ${secondsOf(unheard)}`;
    const reason = fault('label.silent', sentence, 'Report this, with the log.');
    return { kind: 'broken', fault: reason, least: 'process', trouble: 0 };
  }
  return phase === 'running' ? ok : starting;
}

/** Nothing that the daemon could restart brings a broker back. */
function assessLink({ link, unacknowledged }: Facts): ComponentHealth {
  switch (link.kind) {
    case 'online': {
      if (!isOver(unacknowledged, unacknowledgedMax)) return ok;
      const sentence = `the broker is connected and has acknowledged nothing for ${secondsOf(unacknowledged)}`;
      return { kind: 'degraded', fault: fault('mqtt.silent', sentence, 'Look at the broker.') };
    }
    case 'waiting':
      return { kind: 'waiting', fault: link.fault };
    case 'connecting':
    case 'closed':
      return starting;
  }
}

function assessDaemon({ memory }: Facts): ComponentHealth {
  if (memory === undefined) return ok;
  return { kind: 'broken', fault: memory, least: 'process', trouble: 0 };
}
