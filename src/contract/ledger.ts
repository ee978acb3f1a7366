/** Why a captured frame was let go without being classified. */
export const dropReasons = ['superseded', 'full', 'driver', 'throttled', 'stopped'] as const;
export type DropReason = (typeof dropReasons)[number];
export const dropTexts: Readonly<Record<DropReason, string>> = {
  superseded: 'A newer, or more changed, frame was taken instead.',
  full: 'No slot was free.',
  driver: "Lost before they came: gaps in the camera's own count.",
  throttled: 'Let go to classify fewer frames, to keep cool.',
  stopped: 'Let go because the daemon stopped.',
};

/**
 * Where every frame went. At every instant
 * `captured = classified + gated + Σ dropped + failed + inFlight`.
 *
 * `gated`: nothing had changed. `failed`: broken at capture, or its classification failed.
 * `inFlight`: waiting in the ring or being classified.
 */
export type Ledger = {
  readonly captured: number;
  readonly classified: number;
  readonly gated: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly failed: number;
  readonly inFlight: number;
};

/** Of a session that has captured nothing yet. */
export const emptyLedger: Ledger = {
  captured: 0,
  classified: 0,
  gated: 0,
  dropped: { superseded: 0, full: 0, driver: 0, throttled: 0, stopped: 0 },
  failed: 0,
  inFlight: 0,
};

/** Dropped frames, whatever the reason. */
export function droppedOf(ledger: Ledger): number {
  return dropReasons.reduce((sum, reason) => sum + ledger.dropped[reason], 0);
}

/** What two parts of one session's ledger say together. */
export function sumOf(a: Ledger, b: Ledger): Ledger {
  return {
    captured: a.captured + b.captured,
    classified: a.classified + b.classified,
    gated: a.gated + b.gated,
    dropped: {
      superseded: a.dropped.superseded + b.dropped.superseded,
      full: a.dropped.full + b.dropped.full,
      driver: a.dropped.driver + b.dropped.driver,
      throttled: a.dropped.throttled + b.dropped.throttled,
      stopped: a.dropped.stopped + b.dropped.stopped,
    },
    failed: a.failed + b.failed,
    inFlight: a.inFlight + b.inFlight,
  };
}

/** Frames that the right-hand side misses or has too many of; 0 whenever the ledger is right. */
export function imbalanceOf(ledger: Ledger): number {
  const { captured, classified, gated, failed, inFlight } = ledger;
  return captured - (classified + gated + droppedOf(ledger) + failed + inFlight);
}
