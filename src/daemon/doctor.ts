import { unreachable } from '../base/assert.ts';
import type { Checkup, DoctorResult } from '../contract/commands.ts';
import type { LinkState } from '../mqtt/connection.ts';
import type { CameraState, PipelinePhase } from './pipeline-events.ts';

/** What the daemon knows of its parts. */
export type DoctorFacts = {
  readonly camera: CameraState;
  readonly phase: PipelinePhase;
  readonly isRestarting: boolean;
  readonly model: { readonly name: string; readonly version: string };
  /** Frames a second, while the doctor looked. */
  readonly rates: FrameRates;
  readonly link: LinkState;
  readonly outbox: { readonly waiting: number; readonly lost: number; readonly stored: boolean };
  /** Milliseconds since 1970, and how far that is from what the session's messages are stamped by. */
  readonly wall: number;
  readonly stepMs: number;
  /** Whether something keeps it right. */
  readonly clockSynced: boolean;
  /** Undefined where nothing is to be kept. */
  readonly stateDir: string | undefined;
  /** Undefined where it cannot be told. */
  readonly diskFreeBytes: number | undefined;
  readonly memory: {
    readonly ownBytes: number;
    readonly freeBytes: number;
    readonly totalBytes: number;
  };
};

export type FrameRates = { readonly captured: number; readonly classified: number };

const mebibyte = 1024 * 1024;
/** The outbox's own bound and a store's tables: with less the next weeks are not certain. */
const diskFreeLeast = 64 * mebibyte;
/** A picture, a model that is loaded anew and the kernel's caches need about this. */
const memoryFreeLeast = 64 * mebibyte;
/** sightd did not exist before: a clock that says so was never set. */
const clockLeast = Date.UTC(2026, 0, 1);
/** Within this a clock that is kept by NTP stays. */
const stepMost = 2000;

/** Goes through the parts, in the order in which frames do. */
export function examine(facts: DoctorFacts): DoctorResult {
  const parts = [
    cameraOf(facts),
    modelOf(facts),
    brokerOf(facts),
    clockOf(facts),
    diskOf(facts),
    memoryOf(facts),
  ];
  const isAny = (state: Checkup['state']): boolean => parts.some((part) => part.state === state);
  return { state: isAny('fail') ? 'fail' : isAny('warn') ? 'warn' : 'ok', parts };
}

type Part = Checkup['part'];
const ok = (part: Part, message: string): Checkup => ({ part, state: 'ok', message });
const warn = (part: Part, message: string, mend: string): Checkup => ({
  part,
  state: 'warn',
  message,
  mend,
});
const fail = (part: Part, message: string, mend: string): Checkup => ({
  ...warn(part, message, mend),
  state: 'fail',
});

function cameraOf({ camera, rates }: DoctorFacts): Checkup {
  switch (camera.kind) {
    case 'waiting':
      return fail('camera', camera.fault.message, camera.fault.mend);
    case 'opening':
      return warn('camera', 'the camera is being opened', 'Ask again in a few seconds.');
    case 'streaming': {
      const { name } = camera.source;
      if (rates.captured > 0) return ok('camera', `${name}, ${rates.captured} frames/s`);
      const mend = 'Ask again; if it stays so, restart the camera.';
      return warn('camera', `${name}: no frame came meanwhile`, mend);
    }
    default:
      return unreachable(camera);
  }
}

function modelOf({ model, phase, isRestarting, rates, camera }: DoctorFacts): Checkup {
  const name = `${model.name} ${model.version}`;
  if (phase !== 'running' || isRestarting) {
    const mend = 'Ask again in a few seconds; the log says more if it stays so.';
    return warn('model', `${name} is not running: ${isRestarting ? 'restarting' : phase}`, mend);
  }
  if (camera.kind !== 'streaming') return ok('model', name);
  const { captured, classified } = rates;
  if (captured > 0 && classified === 0) {
    const mend = 'Restart inference; if it stays so, report this with the log.';
    return warn('model', `${name} classifies nothing of ${captured} frames/s`, mend);
  }
  return ok('model', `${name}, ${classified} frames/s classified`);
}

function brokerOf({ link, outbox }: DoctorFacts): Checkup {
  if (link.kind !== 'online') {
    const [sentence, mend] =
      link.kind === 'waiting'
        ? [link.fault.message, link.fault.mend]
        : ['not connected', 'Ask again in a few seconds.'];
    return fail('broker', sentence, mend);
  }
  const spoken = `connected with MQTT ${link.protocol}`;
  if (outbox.lost > 0) {
    const sentence = `${spoken}; ${outbox.lost} labels and events were given up since the start`;
    return warn('broker', sentence, 'Raise outbox.messagesMax, or look at what keeps it away.');
  }
  const wait = outbox.waiting === 0 ? '' : `; ${outbox.waiting} labels and events wait`;
  return ok('broker', spoken + wait);
}

function clockOf({ wall, stepMs, clockSynced }: DoctorFacts): Checkup {
  const time = new Date(wall).toISOString();
  if (wall < clockLeast) {
    const mend = 'Let the system set it (NTP), or add a battery-backed clock.';
    return fail('clock', `the clock was never set: it is ${time}`, mend);
  }
  if (Math.abs(stepMs) > stepMost) {
    const step = `${Math.round(Math.abs(stepMs) / 1000)} s ${stepMs > 0 ? 'ahead of' : 'behind'}`;
    const sentence = `it is ${time}, ${step} what messages of this session are stamped by`;
    return warn('clock', sentence, 'Restart the process, so that messages follow the clock.');
  }
  if (!clockSynced) {
    const sentence = `it is ${time}, and nothing is known to keep it right`;
    return warn('clock', sentence, 'Have the system set it from the network (NTP).');
  }
  return ok('clock', `it is ${time}`);
}

function diskOf({ stateDir, diskFreeBytes, outbox }: DoctorFacts): Checkup {
  if (stateDir === undefined) return ok('disk', 'nothing is to be kept in this run');
  if (!outbox.stored) {
    const sentence = `what waits for the broker is not stored: ${stateDir} cannot be used`;
    return fail('disk', sentence, 'See the log for the reason, mend it and restart the process.');
  }
  if (diskFreeBytes === undefined) return ok('disk', `${stateDir} is in use`);
  const free = `${Math.round(diskFreeBytes / mebibyte)} MiB free for ${stateDir}`;
  return diskFreeBytes < diskFreeLeast
    ? warn('disk', `only ${free}`, 'Remove what is not needed from this disk.')
    : ok('disk', free);
}

function memoryOf({ memory }: DoctorFacts): Checkup {
  const [own, free, total] = [memory.ownBytes, memory.freeBytes, memory.totalBytes].map((bytes) =>
    Math.round(bytes / mebibyte),
  );
  const sentence = `sightd uses ${own} MiB; ${free} of ${total} MiB are free`;
  return memory.freeBytes < memoryFreeLeast
    ? warn('memory', sentence, 'Stop other programs, or lower camera size, queue.slots or workers.')
    : ok('memory', sentence);
}
