/** A source of chance: the next number in [0, 1). Seeded wherever a run must be repeatable. */
export type Random = () => number;

/**
 * A repeatable generator from one 32-bit seed (SplitMix32: a Weyl sequence through a 32-bit
 * finalizer). Good for jitter, fuzzing and pictures; not for secrets.
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 0x1_0000_0000;
  };
}
