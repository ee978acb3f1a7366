import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { assert, unreachable } from '../base/assert.ts';
import { failure, fault, type Outcome } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import type { SourceRequest } from '../contract/threads.ts';
import type { FrameSource } from './source.ts';
import type { FoundCamera } from './v4l2/find.ts';

/** Opens the source that the config names, again and again, and remembers which camera it was. */
export interface SourceOpener {
  open(request: SourceRequest, stop: AbortSignal): Promise<Outcome<FrameSource>>;
  /** Changes when a camera may have come or gone; always the same where that cannot be seen. */
  presence(request: SourceRequest): Promise<string>;
}

/** Each kind is loaded only when it is wanted: decoding images alone brings 20 MB of libraries. */
export function createSourceOpener(clock: Clock): SourceOpener {
  let known: { readonly device: string | undefined; readonly camera: FoundCamera } | undefined;

  const openV4l2 = async (request: SourceRequest): Promise<Outcome<FrameSource>> => {
    const { device } = request.config;
    const { chooseCamera, findCameras } = await import('./v4l2/find.ts');
    // Only as long as the config asks for the same camera.
    const before = known?.device === device ? known?.camera : undefined;
    const camera = chooseCamera(findCameras(), device, before);
    if (!camera.ok) return camera;
    const { openV4l2Source } = await import('./v4l2/source.ts');
    const opened = await openV4l2Source(camera.value.path, request, clock);
    if (opened.ok) known = { device, camera: camera.value };
    return opened;
  };

  const openRpicam = async (
    request: SourceRequest,
    stop: AbortSignal,
  ): Promise<Outcome<FrameSource>> =>
    (await import('./rpicam/source.ts')).openRpicamSource(request, clock, stop);

  return {
    open: async (request, stop) => {
      switch (request.config.source) {
        case 'auto':
          return openBest(await openV4l2(request), () => openRpicam(request, stop));
        case 'v4l2':
          return openV4l2(request);
        case 'rpicam':
          return openRpicam(request, stop);
        case 'scene':
          return (await import('./scene-source.ts')).openSceneSource(request.config, clock);
        case 'replay':
          return openReplay(request, clock, stop);
        default:
          return unreachable(request.config.source);
      }
    },
    presence: async ({ config }) => {
      switch (config.source) {
        case 'auto':
        case 'v4l2':
          return (await import('./v4l2/find.ts')).presenceOfCameras();
        case 'rpicam':
          // A camera at this connector neither comes nor goes; the program that reads it may.
          return (await import('./rpicam/tool.ts')).presenceOfTool(process.env['PATH']);
        case 'scene':
        case 'replay':
          return '';
        default:
          return unreachable(config.source);
      }
    },
  };
}

/** Where there is no V4L2 camera at all there may be one on the CSI connector. */
async function openBest(
  v4l2: Outcome<FrameSource>,
  openRpicam: () => Promise<Outcome<FrameSource>>,
): Promise<Outcome<FrameSource>> {
  if (v4l2.ok || v4l2.fault.code !== 'camera.none') return v4l2;
  const rpicam = await openRpicam();
  const isMissing =
    !rpicam.ok && ['camera.none', 'camera.tool-missing'].includes(rpicam.fault.code);
  return isMissing ? v4l2 : rpicam;
}

async function openReplay(
  { config }: SourceRequest,
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
