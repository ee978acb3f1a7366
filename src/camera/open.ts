import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { assert, unreachable } from '../base/assert.ts';
import { failure, fault, type Outcome } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import type { CameraConfig } from '../contract/config.ts';
import type { FrameSource } from './source.ts';

/**
 * Opens the source that the config names; `auto` takes the best one that there is. Each kind is loaded
 * only when it is wanted: decoding images alone brings 20 MB of libraries.
 */
export async function openSource(
  config: CameraConfig,
  clock: Clock,
  stop: AbortSignal,
): Promise<Outcome<FrameSource>> {
  switch (config.source) {
    case 'auto':
    case 'scene':
      return (await import('./scene-source.ts')).openSceneSource(config, clock);
    case 'replay':
      return openReplay(config, clock, stop);
    default:
      return unreachable(config.source);
  }
}

async function openReplay(
  config: CameraConfig,
  clock: Clock,
  stop: AbortSignal,
): Promise<Outcome<FrameSource>> {
  assert(config.path !== undefined, 'the schema asks a replay for its path');
  const path = resolve(config.path);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    return failure(
      fault('camera.replay-missing', `there is nothing at ${path}`, 'Correct camera.path.'),
    );
  }
  if (found.isDirectory()) {
    return (await import('./replay-images.ts')).openImageReplay(path, config, clock);
  }
  return (await import('./replay-video.ts')).openVideoReplay(path, config, clock, stop);
}
