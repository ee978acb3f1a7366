import type { Clock, Micros, WallClock } from '../base/time.ts';
import { millis } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { contract, type Topics } from '../contract/contract.ts';
import type { LabelMessage, ResultMessage, ScoredLabel } from '../contract/messages.ts';
import type { Classification, ModelFile } from '../contract/threads.ts';
import type { Link } from '../mqtt/link.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import { type LabelState, stepLabel, unsettled } from './label.ts';
import { createDurations, type Durations } from './statistics.ts';

/** What classifications become: results, the label, and figures for health. */
export interface Publisher {
  publish(classification: Classification): void;
  /** Goes on with these; what was seen so far still counts towards the label. */
  configure(next: PublisherSetup): void;
  /** What health says about it; durations are those since the last call. */
  figures(): {
    readonly latencyMs: ReturnType<Durations['take']>;
    readonly inferenceMs: ReturnType<Durations['take']>;
    readonly results: { published: number; thinned: number; unsent: number };
  };
}

export type Published = {
  readonly classification: Classification;
  readonly latencyMs: number;
  readonly label: string | undefined;
};

export type PublisherSetup = {
  readonly config: Pick<Config, 'label' | 'publish'>;
  readonly model: ModelFile;
};

export type PublisherOptions = PublisherSetup & {
  readonly session: string;
  readonly topics: Topics;
  readonly link: Pick<Link, 'send'>;
  readonly outbox: Pick<Outbox, 'offer'>;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly isLossless: () => boolean;
  readonly onPublished: ((published: Published) => void) | undefined;
};

export function createPublisher(options: PublisherOptions): Publisher {
  const { clock, topics, link } = options;
  let { config, model }: PublisherSetup = options;
  const latency = createDurations();
  const inference = createDurations();
  const counts = { published: 0, thinned: 0, unsent: 0 };
  let label: LabelState = unsettled;
  let nextResultAt = 0;
  let newest = 0;

  const publishResult = (classification: Classification, now: Micros): void => {
    if (!config.publish.results) return;
    const rate = config.publish.resultsPerSecondMax;
    if (rate > 0 && !options.isLossless()) {
      if (now < nextResultAt) {
        counts.thinned += 1;
        return;
      }
      // On a schedule, so that the rate is met on average; after a pause it begins anew.
      const period = 1_000_000 / rate;
      nextResultAt = (now - nextResultAt > period ? now : nextResultAt) + period;
    }
    const sent = link.send(
      topics.result,
      JSON.stringify(resultOf(classification, now, model, options)),
    );
    if (sent) counts.published += 1;
    else counts.unsent += 1;
  };

  const settleLabel = (classification: Classification): void => {
    const before = label.settled;
    label = stepLabel(label, scoresOf(classification), classification.capturedAt, config.label);
    if (label.settled?.label === before?.label) return;
    const message: Omit<LabelMessage, 'id'> = {
      session: options.session,
      label: label.settled?.label ?? null,
      score: label.settled?.score ?? 0,
      previous: before?.label ?? null,
      sequence: classification.sequence,
      since: options.wallClock.isoOf(classification.capturedAt),
      clockSynced: options.wallClock.isSynced(),
    };
    const payloadOf = (id: number): string =>
      JSON.stringify({ ...message, id } satisfies LabelMessage);
    options.outbox.offer('label', topics.label, payloadOf, contract.label.retained);
  };

  return {
    publish: (classification) => {
      const now = clock.now();
      const latencyMs = (now - classification.capturedAt) / 1000;
      latency.record(millis(latencyMs));
      inference.record(classification.inference);
      if (classification.sequence < newest) {
        // Another worker was faster with a newer frame: subscribers never go back in time.
        counts.thinned += 1;
        return;
      }
      newest = classification.sequence;
      publishResult(classification, now);
      settleLabel(classification);
      options.onPublished?.({ classification, latencyMs, label: label.settled?.label });
    },
    configure: (next) => {
      // Another model's scores say nothing about this one's labels.
      if (next.model !== model) label = { ...label, smoothed: new Map() };
      ({ config, model } = next);
    },
    figures: () => ({
      latencyMs: latency.take(),
      inferenceMs: inference.take(),
      results: { ...counts },
    }),
  };
}

function resultOf(
  classification: Classification,
  now: Micros,
  { name, version }: ModelFile,
  options: Pick<PublisherOptions, 'session' | 'wallClock'>,
): ResultMessage {
  return {
    session: options.session,
    sequence: classification.sequence,
    capturedAt: options.wallClock.isoOf(classification.capturedAt),
    clockSynced: options.wallClock.isSynced(),
    latencyMs: rounded((now - classification.capturedAt) / 1000),
    inferenceMs: rounded(classification.inference),
    model: { name, version },
    top: classification.top.map(({ label, index, score }) => ({
      label,
      index,
      score: rounded(score, 5),
    })),
  };
}

/** The best labels, and the watched ones wherever they rank. */
function scoresOf({ top, watched }: Classification): Pick<ScoredLabel, 'label' | 'score'>[] {
  const others = watched.filter(({ label }) => !top.some((entry) => entry.label === label));
  return [...top, ...others];
}

function rounded(value: number, digits = 2): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
