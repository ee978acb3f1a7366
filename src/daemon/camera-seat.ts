import { compiled } from '../base/compiled.ts';
import type { Fault } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import { sceneCode } from '../camera/scene-kernel.ts';
import type { CameraCommand, CameraReport, SourceRequest } from '../contract/threads.ts';
import { openSeat, type Seat } from './seat.ts';

export type CameraSeat = Seat<CameraCommand>;

export type CameraSeatOptions = {
  readonly clock: Clock;
  /** What whoever takes the seat is to open. */
  readonly request: () => SourceRequest;
  /** No more frames a second than these; undefined for all. */
  readonly fpsMax: () => number | undefined;
  readonly onReport: (report: CameraReport) => void;
  readonly onLeft: () => void;
  readonly onDied: (reason: Fault) => void;
};

const cameraUrl = new URL('../camera/worker.js', import.meta.url);

/** Seats the camera worker; whoever takes the seat is told what holds then. */
export function openCameraSeat(options: CameraSeatOptions): CameraSeat {
  compiled(sceneCode);
  return openSeat<CameraCommand, CameraReport>({
    ...options,
    name: 'camera',
    url: cameraUrl,
    died: 'camera.died',
    stop: { kind: 'stop' },
    onSeated: (child) => {
      const fps = options.fpsMax();
      if (fps !== undefined) child.send({ kind: 'limit', fps });
      child.send({ kind: 'open', request: options.request() });
    },
  });
}
