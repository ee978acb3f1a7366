/**
 * What the sun, the moon and the visitor hide for one frame, in the order it was hidden: runs, two
 * words each (the address in the picture, how many bytes), and their bytes one after the other.
 */
import { KEPT, RUNS } from '../scene-plan.ts';

let runs: usize = 0;
let kept: usize = 0;

/** Keeps `count` pairs of the picture from address `at` on, to be put back by `restore`. */
export function keep(plan: usize, at: usize, count: i32): void {
  // In whole vectors: what is put back beside the run is what was there when it was kept.
  const bytes = (<usize>(count + 3) << 2) & ~15;
  const run = load<usize>(plan, RUNS) + (runs << 3);
  store<usize>(run, at);
  store<usize>(run, bytes, 4);
  copyVectors(load<usize>(plan, KEPT) + kept, at, bytes);
  runs += 1;
  kept += bytes;
}

/** Puts back all that was kept, the last first: things drawn over one another come off in turn. */
export function restore(plan: usize): void {
  const start = load<usize>(plan, RUNS);
  const words = load<usize>(plan, KEPT);
  for (; runs > 0; runs -= 1) {
    const run = start + ((runs - 1) << 3);
    const bytes = load<usize>(run, 4);
    kept -= bytes;
    copyVectors(load<usize>(run), words + kept, bytes);
  }
}

/** A row or less: quicker than `memory.copy`, which leaves the module. */
// @ts-ignore: decorator
@inline
function copyVectors(to: usize, from: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
}
