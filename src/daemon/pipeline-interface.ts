import type { Fault } from '../base/fault.ts';
import type { Clock, Micros, Millis } from '../base/time.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { PictureRequest, WorkerInjection } from '../contract/threads.ts';
import type { ThreadFacts } from './health.ts';
import type { CameraState, PipelineEnd, PipelineEvents, PipelinePhase } from './pipeline-events.ts';
import type { Setup } from './setup.ts';

/** What is known of the pipeline's threads at this moment. */
export type PipelineVitals = {
  readonly camera: ThreadFacts;
  readonly readers: readonly (ThreadFacts & { readonly isLoaded: boolean })[];
  /** Classified frames that the inference workers have told of, and when the last one was. */
  readonly heard: { readonly count: number; readonly at: Micros | undefined };
  /** Why a frame last came to nothing. */
  readonly lastFailure: Fault | undefined;
  /** Since when frames have been read from the source that is open; undefined while there is none. */
  readonly streamingSince: Micros | undefined;
  readonly isLossless: boolean;
  /** Count reports of trouble, of each kind of thread. */
  readonly troubles: { readonly camera: number; readonly inference: number };
};

/** Camera worker, ring and inference workers as one thing that runs and stops. */
export interface Pipeline {
  phase(): PipelinePhase;
  ledger(): Ledger;
  camera(): CameraState;
  /** Whether a thread that died is not yet working again. */
  isRestarting(): boolean;
  restarts(): { readonly camera: number; readonly inference: number };
  /** How often a camera was opened after the first time. */
  reopens(): number;
  /**
   * Goes on with another setup. A camera section is applied by the camera worker alone, and thresholds
   * and views reach the inference workers as they run; another model, queue or number of workers
   * puts others in their places.
   */
  configure(next: Setup): void;
  /** What its threads and its ledger show of it. */
  vitals(): PipelineVitals;
  /** Begins, where it was started held. */
  begin(): void;
  /** Takes a step of the recovery ladder after `wait`; how it went shows in the vitals. */
  recover(
    component: 'camera' | 'inference',
    rung: 'stream' | 'device' | 'worker',
    wait: Millis,
  ): void;
  /** No more frames a second than these are captured; undefined for all. */
  limit(fps: number | undefined): void;
  /** Opens the camera again, or replaces the inference workers; false while that is under way. */
  restart(part: 'camera' | 'inference'): boolean;
  /** Has a picture made of the frame that is classified next; only the newest request is kept. */
  photograph(request: PictureRequest): void;
  /** Has the camera's thread, or the first inference thread, make a fault. */
  inject(...what: WorkerInjection): void;
  /** Resolves when there is nothing more to do: the source ended and all is classified, or a fault. */
  readonly ended: Promise<PipelineEnd>;
  /** Stops the source, drains the ring, and ends the threads; `pending` names what is waited for. */
  stop(pending: Set<string>): Promise<void>;
}

export type PipelineOptions = {
  readonly setup: Setup;
  readonly clock: Clock;
  readonly events: PipelineEvents;
  /** Nothing is started until `begin`. */
  readonly isHeld: boolean;
};
