/** Why a captured frame was let go without being classified. */
export const dropReasons = ['superseded', 'full', 'driver', 'stopped'] as const;
export type DropReason = (typeof dropReasons)[number];

/**
 * Where every frame went. At every instant
 * `captured = classified + gated + Σ dropped + failed + inFlight`.
 *
 * `superseded`: a newer (or more changed) frame was taken instead. `full`: no slot was free.
 * `driver`: the driver's sequence number had a gap. `stopped`: let go because the daemon stopped.
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
