import { isDeepStrictEqual } from 'node:util';
import { type Outcome, success } from '../base/fault.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import type { Config } from '../contract/config.ts';
import { askedSizeOf, type FrameView } from '../contract/frame.ts';
import type {
  ModelFile,
  SourceDescription,
  SourceRequest,
  WantedScores,
} from '../contract/threads.ts';
import { frameNeedOf } from './frame-need.ts';
import { prepareGolden } from './golden.ts';
import type { ReaderStart } from './readers.ts';

/** What frames are captured, queued and classified by; and what each thread has to know of it. */
export type Setup = { readonly config: Config; readonly model: ModelFile };

export const viewOf = ({ region, rotate }: CameraConfig): FrameView => ({ region, rotate });

export const wantedOf = ({ config }: Setup): WantedScores => ({
  topK: config.publish.topK,
  watched: Object.keys(config.label.thresholds),
});

export function requestOf({ config, model }: Setup): SourceRequest {
  return {
    config: config.camera,
    need: frameNeedOf(model.input, viewOf(config.camera)),
    frameDeadline: seconds(config.health.frameDeadlineSeconds),
    frozenAfter: frozenAfterOf(config),
  };
}

/** A replay may well show the same picture for long. */
const frozenAfterOf = ({ camera, health }: Config): Millis | undefined =>
  camera.source === 'replay' || health.frozenSeconds === 0
    ? undefined
    : seconds(health.frozenSeconds);

/** Whether what is asked of the camera is the same; how its frames are looked at is not its business. */
export function isSameRequest(a: SourceRequest, b: SourceRequest): boolean {
  const essenceOf = ({ config, need, frameDeadline, frozenAfter }: SourceRequest) => {
    const { region, rotate, ...asked } = config;
    // The size that the model needs matters only where none is asked for.
    return [asked, frameDeadline, frozenAfter, askedSizeOf(asked) === undefined ? need : undefined];
  };
  return isDeepStrictEqual(essenceOf(a), essenceOf(b));
}

/** Whether the inference workers can go on as they are, or be told what is new: another ring, too. */
export function isSameForReaders(a: Setup, b: Setup): boolean {
  const essenceOf = ({ config, model }: Setup) => [config.inference, model];
  return isDeepStrictEqual(essenceOf(a), essenceOf(b));
}

/**
 * Nobody waits for a single result of a lossless run. Each worker works on one frame; of the rest of
 * the ring all may wait to be reported, since the camera fills a ring in less than a model's time.
 */
export function reportTogetherOf({ config }: Setup, source: SourceDescription | undefined): number {
  const { workers } = config.inference;
  const resting = config.queue.slots - workers;
  return source?.lossless ? Math.max(1, Math.floor(resting / workers)) : 1;
}

/** What an inference worker is started with, besides its place. */
export async function startOf(
  setup: Setup,
  source: SourceDescription | undefined,
): Promise<Outcome<ReaderStart>> {
  const { config, model } = setup;
  const golden = await prepareGolden(model);
  if (!golden.ok) return golden;
  return success({
    model,
    golden: golden.value,
    threads: config.inference.threads,
    wanted: wantedOf(setup),
    view: viewOf(config.camera),
    reportTogether: reportTogetherOf(setup, source),
  });
}
