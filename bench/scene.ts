import { micros, systemClock } from '../src/base/time.ts';
import { createScene } from '../src/camera/scene.ts';

/**
 * Mean milliseconds to draw one 640×480 frame of the built-in scene: what the pipeline's figures hold
 * that a camera's driver would do by itself.
 */
export function benchScene(): number {
  const scene = createScene({ width: 640, height: 480, seed: 1 });
  const pages = Math.ceil((640 * 480 * 2) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const target = new Uint8Array(memory.buffer);
  const frames = 3600; // One day and night of the scene, so that every visitor comes by.
  const draw = (first: number): number => {
    const begun = systemClock.now();
    for (let frame = 0; frame < frames; frame += 1) {
      scene.draw(target, micros(((first + frame) * 1_000_000) / 30));
    }
    return (systemClock.now() - begun) / 1000 / frames;
  };
  draw(0);
  return draw(frames);
}
