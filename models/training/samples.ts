import { createRandom, type Random } from '../../src/base/random.ts';
import { micros } from '../../src/base/time.ts';
import { createScene, type Scene, sceneLabels } from '../../src/camera/scene.ts';
import { frameBytesOf } from '../../src/contract/frame.ts';
import { shrink } from './shrink.ts';

/** The side of the model's picture, in pixels. */
export const pictureSide = 96;
export const pictureBytes = pictureSide * pictureSide * 3;

/** Pictures of pictureSide × pictureSide × 3 RGB bytes, one after the other, and their labels. */
export type Samples = { readonly pictures: Uint8Array; readonly labels: Uint8Array };

/** A visitor less visible than this is neither there nor away: such frames are left out. */
const visibleMin = 0.6;
/** Scene time that samples are drawn from: 30 days of two minutes, every hour of them alike. */
const timeMax = 3600e6;

/** Every label as often as the others, and for training twice the two that are easily confused. */
export const balanced: readonly number[] = [0, 1, 2, 3];
export const harder: readonly number[] = [0, 2, 1, 0, 2, 3];

/** How often each frame size occurs. */
const sizes = [
  { width: 320, height: 240, share: 0.68 },
  { width: 640, height: 480, share: 0.24 },
  { width: 1280, height: 720, share: 0.08 },
] as const;

/**
 * Renders `count` samples, their labels in turn from `mix`, from scenes of which no two have the same seed;
 * `firstSeed` keeps training and evaluation apart. `jitter` shifts and blurs the resizing a little,
 * so that the model does not depend on one resizing kernel.
 */
export function renderSamples(options: {
  readonly count: number;
  readonly firstSeed: number;
  readonly perScene: number;
  readonly jitter: boolean;
  readonly mix: readonly number[];
}): Samples {
  const { count, firstSeed, perScene, jitter, mix } = options;
  const pictures = new Uint8Array(count * pictureBytes);
  const labels = Uint8Array.from(
    { length: count },
    (_, index) => mix[index % mix.length] as number,
  );
  for (let first = 0; first < count; first += perScene) {
    const seed = firstSeed + first / perScene;
    const random = createRandom(seed);
    const scene = createScene({ ...sizeBy(random()), seed });
    const frame = new Uint8Array(frameBytesOf(scene.geometry));
    for (let index = first; index < Math.min(count, first + perScene); index += 1) {
      scene.draw(frame, timeOf(scene, labels[index] as number, random));
      const picture = pictures.subarray(index * pictureBytes, (index + 1) * pictureBytes);
      shrink(frame, scene.geometry, picture, pictureSide, jitter ? jitterBy(random) : still);
    }
  }
  return { pictures, labels };
}

const still = { reach: 1, left: 0, top: 0 };

function jitterBy(random: Random): { reach: number; left: number; top: number } {
  return { reach: 1 + 0.7 * random(), left: random() - 0.5, top: random() - 0.5 };
}

function sizeBy(chance: number): { readonly width: number; readonly height: number } {
  let rest = chance;
  for (const { width, height, share } of sizes) {
    if (rest < share) return { width, height };
    rest -= share;
  }
  return sizes[0];
}

/** A time at which the scene shows the label: by chance, until it does. */
function timeOf(scene: Scene, label: number, random: Random): ReturnType<typeof micros> {
  for (;;) {
    const at = micros(Math.floor(random() * timeMax));
    const truth = scene.truthAt(at);
    if (sceneLabels.indexOf(truth.label) !== label) continue;
    if (truth.label === 'empty' || truth.visible >= visibleMin) return at;
  }
}
