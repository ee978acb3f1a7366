import { unreachable } from '../base/assert.ts';
import type { Log } from '../base/log.ts';
import type { LinkState } from '../mqtt/link.ts';
import type { CameraState } from './pipeline.ts';

/*
 * Changes of state as log lines: one where something changed, none for every attempt after it.
 */

/** The same fault is said once; the attempts that follow it are the state's business. */
export function createCameraLog(log: Log): (camera: CameraState) => void {
  let said: string | undefined;
  return (camera) => {
    switch (camera.kind) {
      case 'streaming':
        log.info({ source: camera.source.name }, 'camera open');
        said = undefined;
        break;
      case 'waiting':
        if (said === camera.fault.code) log.debug({ fault: camera.fault }, 'no camera yet');
        else log.warn({ fault: camera.fault }, 'no camera; waiting for it');
        said = camera.fault.code;
        break;
      case 'opening':
        break;
      default:
        unreachable(camera);
    }
  };
}

export function logLink(log: Log, state: LinkState): void {
  switch (state.kind) {
    case 'online':
      log.info({}, 'connected to the broker');
      break;
    case 'waiting':
      // Said once an outage; the attempts that follow are the state's business.
      if (state.attempt <= 1) log.warn({ fault: state.fault }, 'no broker; going on without');
      else log.debug({ fault: state.fault, attempt: state.attempt }, 'no broker yet');
      break;
    case 'connecting':
    case 'closed':
      break;
  }
}
