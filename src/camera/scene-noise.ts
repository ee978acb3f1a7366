import { createRandom } from '../base/random.ts';

/** Value noise for the scene's surfaces: smooth in between the points of a lattice of chance. */
export type Noise = (x: number, y: number) => number;

const latticeSide = 256;

function createLattice(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: latticeSide * latticeSide }, () => random());
}

/**
 * Sums octaves of noise, each twice as fine and half as strong; in [0, 1). It repeats in x every
 * `period`: a power of two, at most 256 / 2 ** octaves where that must hold for the finest octave.
 */
export function createFractal(seed: number, period: number, octaves: number): Noise {
  const lattice = createLattice(seed);
  const total = 2 - 2 ** (1 - octaves);
  return (x, y) => {
    let sum = 0;
    let strength = 1;
    let cells = period;
    for (let octave = 0; octave < octaves; octave += 1) {
      sum += strength * valueAt(lattice, x, y + octave * 37, Math.min(cells, latticeSide) - 1);
      strength /= 2;
      cells *= 2;
      x *= 2;
      y *= 2;
    }
    return sum / total;
  };
}

function valueAt(lattice: Float32Array, x: number, y: number, mask: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const fx = x - column;
  const fy = y - row;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const c0 = column & mask;
  const c1 = (column + 1) & mask;
  const r0 = (row & (latticeSide - 1)) * latticeSide;
  const r1 = ((row + 1) & (latticeSide - 1)) * latticeSide;
  const a = lattice[r0 + c0] as number;
  const b = lattice[r0 + c1] as number;
  const c = lattice[r1 + c0] as number;
  const d = lattice[r1 + c1] as number;
  const above = a + (b - a) * sx;
  return above + (c + (d - c) * sx - above) * sy;
}
