import { type Micros, micros } from '../base/time.ts';
import type { LabelConfig } from '../contract/config.ts';
import type { ScoredLabel } from '../contract/messages.ts';

/**
 * What the classifications settle on. Scores are smoothed per label (an exponential average in which
 * a label that is not among the best counts as 0); a label is taken up from `enter` and given up
 * below `exit`; one with a threshold of its own goes before those without.
 */
export type LabelState = {
  /** Smoothed scores, by label; only what is worth keeping. */
  readonly smoothed: ReadonlyMap<string, number>;
  readonly settled: Settled | undefined;
};

export type Settled = { readonly label: string; readonly score: number; readonly since: Micros };

export const unsettled: LabelState = { smoothed: new Map(), settled: undefined };

/** Smoothed scores below this are forgotten; they could not be taken up before rising again. */
const forgottenBelow = 0.001;

export function stepLabel(
  state: LabelState,
  scores: readonly Pick<ScoredLabel, 'label' | 'score'>[],
  at: Micros,
  config: LabelConfig,
): LabelState {
  const smoothed = smooth(state.smoothed, scores, config.smoothing);
  const { settled } = state;
  const isHeld =
    settled !== undefined && at - settled.since < micros(config.holdSeconds * 1_000_000);
  const current = settled === undefined ? 0 : (smoothed.get(settled.label) ?? 0);
  const best = candidateOf(smoothed, config);
  const isKept =
    settled !== undefined &&
    (isHeld ||
      (current >= exitOf(settled.label, config) &&
        !(best !== undefined && outranks(best, settled.label, smoothed, config))));
  if (settled !== undefined && isKept) {
    return { smoothed, settled: { ...settled, score: current } };
  }
  if (best === undefined) return { smoothed, settled: undefined };
  return { smoothed, settled: { label: best, score: smoothed.get(best) ?? 0, since: at } };
}

function smooth(
  before: ReadonlyMap<string, number>,
  scores: readonly Pick<ScoredLabel, 'label' | 'score'>[],
  weight: number,
): Map<string, number> {
  const after = new Map<string, number>();
  for (const [label, score] of before) {
    if (score * weight >= forgottenBelow) after.set(label, score * weight);
  }
  for (const { label, score } of scores) {
    // The first frames of a label are not held back by a past that was never seen.
    const past = before.size === 0 ? score * weight : (before.get(label) ?? 0) * weight;
    after.set(label, past + score * (1 - weight));
  }
  return after;
}

const ownOf = (label: string, config: LabelConfig): number | undefined =>
  Object.hasOwn(config.thresholds, label) ? config.thresholds[label] : undefined;

const enterOf = (label: string, config: LabelConfig): number =>
  ownOf(label, config) ?? config.enter;

const exitOf = (label: string, config: LabelConfig): number => {
  const own = ownOf(label, config);
  return own === undefined ? config.exit : own * (config.exit / config.enter);
};

const hasOwn = (label: string, config: LabelConfig): boolean => ownOf(label, config) !== undefined;

/** Whether `label` goes before `other`: a threshold of its own first, then the score in relation to it. */
function outranks(
  label: string,
  other: string,
  smoothed: ReadonlyMap<string, number>,
  config: LabelConfig,
): boolean {
  if (hasOwn(label, config) !== hasOwn(other, config)) return hasOwn(label, config);
  const worth = (name: string): number => (smoothed.get(name) ?? 0) / enterOf(name, config);
  return worth(label) > worth(other);
}

/** The label to take up, if any. */
function candidateOf(
  smoothed: ReadonlyMap<string, number>,
  config: LabelConfig,
): string | undefined {
  let best: string | undefined;
  for (const [label, score] of smoothed) {
    if (score < enterOf(label, config)) continue;
    if (best === undefined || outranks(label, best, smoothed, config)) best = label;
  }
  return best;
}
