import { createRandom } from '../../src/base/random.ts';
import type { StressPlan } from './ring-stress.ts';

/**
 * Stress runs that together make `handoffs` handoffs: every order, tiny and ordinary rings, one and
 * several readers, with and without killed threads. The seed decides what is left to chance.
 */
export function stressPlans(handoffs: number, seed: number): readonly StressPlan[] {
  const shapes: readonly Omit<StressPlan, 'seed' | 'handoffs' | 'kills'>[] = [
    { order: 'fifo', lossless: true, slots: 1, readers: 1 },
    { order: 'fifo', lossless: true, slots: 2, readers: 3 },
    { order: 'fifo', lossless: true, slots: 3, readers: 2 },
    { order: 'fifo', lossless: true, slots: 6, readers: 1 },
    { order: 'fifo', lossless: false, slots: 3, readers: 2 },
    { order: 'latest', lossless: false, slots: 1, readers: 1 },
    { order: 'latest', lossless: false, slots: 2, readers: 2 },
    { order: 'latest', lossless: false, slots: 6, readers: 3 },
    { order: 'priority', lossless: false, slots: 1, readers: 2 },
    { order: 'priority', lossless: false, slots: 3, readers: 1 },
    { order: 'priority', lossless: false, slots: 6, readers: 2 },
  ];
  const random = createRandom(seed);
  const each = Math.ceil(handoffs / shapes.length / 2);
  return shapes.flatMap((shape) =>
    [0, 25].map((kills) => ({
      ...shape,
      kills,
      handoffs: each,
      seed: Math.floor(random() * 2 ** 31),
    })),
  );
}
