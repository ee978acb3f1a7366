import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { assert, unreachable } from '../base/assert.ts';
import { type Fault, failure, fault, type Outcome } from '../base/fault.ts';
import type { Clock } from '../base/time.ts';
import type { SourceRequest } from '../contract/threads.ts';
import type { Pulse } from '../ring/pulse.ts';
import type { FrameSource } from './source.ts';
import { isStuck } from './stuck.ts';
import type { FoundCamera } from './v4l2/find.ts';

/** Opens the source that the config names, again and again, and remembers which camera it was. */
export interface SourceOpener {
  open(request: SourceRequest, stop: AbortSignal): Promise<Outcome<FrameSource>>;
  /** Changes when a camera may have come or gone; always the same where that cannot be seen. */
  presence(request: SourceRequest): Promise<string>;
  /**
   * Whether the camera that was opened last, or could not be, has left since then: why it is not there, or
   * that it is not the one that it was. Undefined while it is there, or where that cannot be seen.
   */
  absence(request: SourceRequest): Promise<Fault | undefined>;
}

/** Each kind is loaded only when it is wanted: decoding images alone brings 20 MB of libraries. */
export function createSourceOpener(clock: Clock, pulse: Pulse): SourceOpener {
  let known: { readonly device: string | undefined; readonly camera: FoundCamera } | undefined;
  /** The node that was opened, or tried, last; undefined where there was none. */
  let tried: string | undefined;

  const choose = async (device: string | undefined): Promise<Outcome<FoundCamera>> => {
    const { chooseCamera, findCameras } = await import('./v4l2/find.ts');
    // Only as long as the config asks for the same camera.
    const before = known?.device === device ? known?.camera : undefined;
    pulse.begin();
    const camera = chooseCamera(findCameras(), device, before);
    pulse.end();
    return camera;
  };

  const openV4l2 = async (request: SourceRequest): Promise<Outcome<FrameSource>> => {
    const { device } = request.config;
    tried = undefined;
    const camera = await choose(device);
    if (!camera.ok) return camera;
    tried = nodeOf(camera.value);
    const { openV4l2Source } = await import('./v4l2/source.ts');
    const opened = await openV4l2Source(camera.value.path, request, { clock, pulse });
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
    absence: async ({ config }) => {
      if (tried === undefined) return undefined;
      const camera = await choose(config.device);
      if (!camera.ok) return isStuck(camera.fault.code) ? undefined : camera.fault;
      return nodeOf(camera.value) === tried ? undefined : replugged(camera.value.path);
    },
  };
}

/** Another one at each plugging, though its name be the same. */
function nodeOf({ path }: FoundCamera): string {
  return `${path} ${statSync(path, { throwIfNoEntry: false })?.ino}`;
}

const replugged = (path: string): Fault =>
  fault(
    'camera.unplugged',
    `${path}: the camera was unplugged and plugged in again`,
    'Nothing: it is opened again by itself.',
  );

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
