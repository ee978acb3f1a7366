import { type Outcome, success } from '../base/fault.ts';
import { type Clock, micros } from '../base/time.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import { frameBytesOf, frameSizeOf } from '../contract/frame.ts';
import { createPace } from './pace.ts';
import { createScene, type Scene } from './scene.ts';
import type { FrameSource } from './source.ts';

/**
 * The scene that was closed last. One is megabytes outside V8's heap, which is in no hurry to collect them:
 * a camera that is opened again and again would pile up fifty.
 */
let closed: { readonly key: string; readonly scene: Scene } | undefined;

/**
 * The built-in scene as a camera. In real time the picture shows the time since the start; at
 * `pace: fast` it advances by one frame's period per frame, however long that takes.
 */
export function openSceneSource(config: CameraConfig, clock: Clock): Outcome<FrameSource> {
  const { fps, seed } = config;
  const { width, height } = frameSizeOf(config);
  const key = `${width}×${height} ${seed}`;
  const scene = closed?.key === key ? closed.scene : createScene({ width, height, seed });
  closed = undefined;
  const lossless = config.pace === 'fast';
  const pace = createPace(clock, fps);
  const started = clock.now();
  let frames = 0;
  return success({
    notices: [],
    description: {
      name: `scene ${width}×${height}`,
      geometryMax: scene.geometry,
      lossless,
    },
    discard: async () => {},
    due: async (signal) => {
      if (!lossless) await pace.next(signal);
    },
    read: async (target) => {
      const at = lossless ? (frames * 1_000_000) / fps : clock.now() - started;
      scene.draw(target, micros(at));
      frames += 1;
      return {
        kind: 'frame',
        // As V4L2 stamps frames: when the whole of it is there.
        capturedAt: clock.now(),
        driverSequence: frames - 1,
        geometry: scene.geometry,
        bytesUsed: frameBytesOf(scene.geometry),
        lost: 0,
      };
    },
    skip: async () => {
      frames += 1;
      return true;
    },
    // A camera that is painted has nothing to begin anew.
    restart: async () => success(undefined),
    [Symbol.asyncDispose]: async () => {
      closed = { key, scene };
    },
  });
}
