import { unreachable } from '../base/assert.ts';
import type { Checkup, DoctorResult } from '../contract/commands.ts';
import type { LinkState } from '../mqtt/connection.ts';
import {
  checkClock,
  checkDiskRoom,
  checkMemoryRoom,
  fail,
  mebibytesOf,
  ok,
  warn,
  worstOf,
} from './checkups.ts';
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
  /** Milliseconds since 1970. */
  readonly wall: number;
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

/** Goes through the parts, in the order in which frames do. */
export function examine(facts: DoctorFacts): DoctorResult {
  const parts = [
    cameraOf(facts),
    modelOf(facts),
    brokerOf(facts),
    checkClock(facts.wall, facts.clockSynced),
    diskOf(facts),
    memoryOf(facts),
  ];
  return { state: worstOf(parts), parts };
}

function cameraOf({ camera, rates }: DoctorFacts): Checkup {
  switch (camera.kind) {
    case 'waiting':
    case 'stuck':
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

function diskOf({ stateDir, diskFreeBytes, outbox }: DoctorFacts): Checkup {
  if (stateDir === undefined) return ok('disk', 'nothing is to be kept in this run');
  if (!outbox.stored) {
    const sentence = `what waits for the broker is not stored: ${stateDir} cannot be used`;
    return fail('disk', sentence, 'See the log for the reason, mend it and restart the process.');
  }
  if (diskFreeBytes === undefined) return ok('disk', `${stateDir} is in use`);
  return checkDiskRoom(stateDir, diskFreeBytes);
}

function memoryOf({ memory }: DoctorFacts): Checkup {
  const { ownBytes, freeBytes, totalBytes } = memory;
  const free = `${mebibytesOf(freeBytes)} of ${mebibytesOf(totalBytes)} MiB are free`;
  return checkMemoryRoom(`sightd uses ${mebibytesOf(ownBytes)} MiB; ${free}`, freeBytes);
}
