import type { Fault } from '../base/fault.ts';
import type { Classification, FramePicture, SourceDescription } from '../contract/threads.ts';

/** `rebuilding`: the inference workers are asked to end, others take their places. */
export type PipelinePhase =
  /** Not begun: what would be started has crashed too often. */
  'held' | 'opening' | 'loading' | 'running' | 'rebuilding' | 'stopping';

export type CameraState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'streaming'; readonly source: SourceDescription }
  /** There is none to read now; it is tried again by itself. */
  | { readonly kind: 'waiting'; readonly fault: Fault }
  /** There is one that does not do; it is told what to do about it. */
  | { readonly kind: 'stuck'; readonly fault: Fault };

/** What the pipeline tells of itself as it goes. */
export type PipelineEvents = {
  readonly onRunning: (source: SourceDescription) => void;
  readonly onCamera: (camera: CameraState) => void;
  readonly onNotice: (notice: Fault) => void;
  readonly onClassified: (classification: Classification) => void;
  readonly onPicture: (picture: FramePicture) => void;
  readonly onFrameFailed: (reason: Fault) => void;
  /** True when another setup was given in answer: it is not the end then. */
  readonly onFault: (reason: Fault) => boolean;
  /** A thread died; it is put in its place again when that is decided. */
  readonly onDied: (thread: string, reason: Fault) => void;
  /** Something may be wrong, or right again. */
  readonly onChange: () => void;
};

export type PipelineEnd =
  | { readonly kind: 'drained' }
  | { readonly kind: 'fault'; readonly fault: Fault };
