import type { Fault } from '../base/fault.ts';
import type { Micros, Millis } from '../base/time.ts';
import type { CameraConfig } from './camera-config.ts';
import type { FrameGeometry, FrameSize, FrameView } from './frame.ts';
import type { ModelInput } from './manifest.ts';
import type { ScoredLabel } from './messages.ts';
import type { RingHandle } from './ring.ts';

/**
 * What the main thread and its workers say to each other. These messages never leave the process
 * and both ends are compiled together, so their types are trusted.
 */

/** What each worker is born with. */
export type WorkerBirth = { readonly pulse: PulseHandle };

/** Where a thread leaves its signs of life: shared words, made and read by src/ring/pulse.ts. */
export type PulseHandle = { readonly words: Int32Array };

/** What the camera worker is to open. */
export type SourceRequest = {
  readonly config: CameraConfig;
  /** The least frame that has all that the model looks at; for sources that can choose their size. */
  readonly need: FrameSize;
  /** A live camera that gives no frame for so long is broken. */
  readonly frameDeadline: Millis;
  /** A live picture that is the same for so long is frozen; undefined for one that may be. */
  readonly frozenAfter: Millis | undefined;
};

export type CameraCommand =
  /** Opens a source, or another one in place of the one that is open. */
  | { readonly kind: 'open'; readonly request: SourceRequest }
  /** Answers the `opened` with this number: frames may be written to this ring from now on. */
  | {
      readonly kind: 'start';
      readonly opening: number;
      readonly ring: RingHandle;
      readonly owner: number;
    }
  /**
   * Answers `stuck`: what to do about it. `stream` is answered by `resumed`; where the stream cannot begin
   * anew, it is `device`, which is answered by `opened`, `waiting` or `stuck`. Unasked it means nothing.
   */
  | { readonly kind: 'recover'; readonly by: CameraRecovery }
  /** Holds for this thread, whatever it opens. Lets frames go so that no more than these are classified a second; undefined takes all. */
  | { readonly kind: 'limit'; readonly fps: number | undefined }
  /** Makes something go wrong; in builds that have their tests only. */
  | { readonly kind: 'inject'; readonly injection: CameraInjection }
  | { readonly kind: 'stop' };

/** `stream`: the camera stays open, its stream begins anew. `device`: it is closed and opened again. */
export type CameraRecovery = 'stream' | 'device';

/**
 * `stall`: no frames for so long. `freeze`: the same bytes again and again. `broken`: the source says
 * that it is at its end. `unopenable`: the same, and opening fails as `camera.broken`; `missing`: it is
 * unplugged, and opening fails as `camera.missing`. Several of these may go on at once. `hang`: the thread answers nothing. `throw`: it dies.
 */
export type CameraInjection = {
  readonly what: 'stall' | 'freeze' | 'broken' | 'unopenable' | 'missing' | 'hang' | 'throw';
  readonly seconds: number;
  /** A stall, freeze or unopenable camera that ends by this recovery before its time; undefined by none. */
  readonly mendedBy: CameraRecovery | 'worker' | undefined;
};

/**
 * `hang`: a native call that does not return for so long. `abort`, `segv`: what native code does to the
 * process. `throw`: the thread dies. `fail`: the next run fails.
 */
export type InferenceInjection = {
  readonly what: 'hang' | 'abort' | 'segv' | 'throw' | 'fail';
  readonly seconds: number;
};

/** What a worker is made to do wrong, and which. */
export type WorkerInjection =
  | [part: 'camera', injection: CameraInjection]
  | [part: 'inference', injection: InferenceInjection];

/** What a source says about itself once it is open. */
export type SourceDescription = {
  readonly name: string;
  /** The largest frame it will deliver; a slot must hold it. */
  readonly geometryMax: FrameGeometry;
  /** Whether no frame may be lost: the source then waits for a free slot. */
  readonly lossless: boolean;
};

export type CameraReport =
  /** `opening` counts them; the answer to an earlier one does not count. */
  | { readonly kind: 'opened'; readonly opening: number; readonly source: SourceDescription }
  /** There is no camera to read now; it is tried again by itself. */
  | { readonly kind: 'waiting'; readonly fault: Fault }
  /**
   * There is a camera, but it does not do: no frames, always the same one, or it cannot be opened. The
   * thread does nothing about it until it is told what (`recover`, or another `open`). Should the camera
   * leave, or come back from a while without its cable, `waiting` follows by itself.
   */
  | { readonly kind: 'stuck'; readonly fault: Fault }
  /** The stream of the source that is open has begun anew, for the ring that it had; as with `opened`, no frame has come yet. */
  | { readonly kind: 'resumed' }
  /** Something asked for could not be had; the source works without it. */
  | { readonly kind: 'notice'; readonly fault: Fault }
  /** A frame that could not be captured; it is counted already. */
  | { readonly kind: 'frame-failed'; readonly fault: Fault }
  /** The source has no more frames. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'stopped' };

/** A model whose manifest and file have been checked. */
export type ModelFile = {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly labels: readonly string[];
  readonly input: ModelInput;
  readonly outputKind: 'probabilities' | 'logits';
  /** A picture of which it is known what the model says. */
  readonly golden?: { readonly image: string; readonly label: string; readonly scoreMin: number };
};

/** The golden picture as the model takes it; `index` is the output that must be the best. */
export type GoldenTensor = {
  readonly tensor: Uint8Array | Float32Array;
  readonly image: string;
  readonly index: number;
  readonly scoreMin: number;
};

/** Which of a model's scores are reported. */
export type WantedScores = {
  readonly topK: number;
  /** Labels whose scores are wanted for every frame, whatever their rank. */
  readonly watched: readonly string[];
};

/** `reportTogether`: classifications to report at once; waking the main thread costs as much as a tensor. */
export type InferenceCommand =
  | {
      readonly kind: 'start';
      readonly model: ModelFile;
      readonly golden: GoldenTensor | undefined;
      readonly threads: number;
      readonly wanted: WantedScores;
      readonly view: FrameView;
      readonly ring: RingHandle;
      readonly owner: number;
      /** Which of the ring's workspaces is this worker's. */
      readonly reader: number;
      readonly reportTogether: number;
    }
  /** Frames come through another ring from now on. */
  | { readonly kind: 'ring'; readonly ring: RingHandle; readonly reportTogether: number }
  | { readonly kind: 'view'; readonly view: FrameView }
  | { readonly kind: 'want'; readonly wanted: WantedScores }
  /** Answers `picture`, with the frame that is classified next. */
  | { readonly kind: 'photograph'; readonly request: PictureRequest }
  /** Makes something go wrong; in builds that have their tests only. */
  | { readonly kind: 'inject'; readonly injection: InferenceInjection }
  | { readonly kind: 'stop' };

/** A picture of a whole frame that is wanted. */
export type PictureRequest = {
  readonly id: number;
  /** Longest side in pixels. */
  readonly sideMax: number;
  readonly rotate: FrameView['rotate'];
};

/** A frame as a picture: R G B, three bytes a pixel, rows without padding. */
export type FramePicture = {
  /** Of the request. */
  readonly id: number;
  readonly width: number;
  readonly height: number;
  /** Handed over, not copied: the thread that sends it has it no longer. */
  readonly pixels: Uint8Array;
} & Pick<Classification, 'sequence' | 'capturedAt' | 'top'>;

export type StartCommand = Extract<InferenceCommand, { readonly kind: 'start' }>;

export type Classification = {
  readonly sequence: number;
  readonly ordinal: number;
  readonly capturedAt: Micros;
  readonly inference: Millis;
  /** The best labels, best first. */
  readonly top: readonly ScoredLabel[];
  /** The scores of the watched labels, as far as the model has them. */
  readonly watched: readonly ScoredLabel[];
};

export type InferenceReport =
  | { readonly kind: 'loaded' }
  /** See `packClassifications`. */
  | { readonly kind: 'classified'; readonly packed: Float64Array }
  | { readonly kind: 'frame-failed'; readonly ordinal: number; readonly fault: Fault }
  | { readonly kind: 'picture'; readonly picture: FramePicture }
  /** The producer has ended and this worker found nothing more to read. */
  | { readonly kind: 'drained' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'stopped' };
