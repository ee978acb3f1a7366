import { type Outcome, success } from '../base/fault.ts';
import { emptyLedger, type Ledger, sumOf } from '../contract/ledger.ts';
import type { RingHandle } from '../contract/ring.ts';
import type { SourceDescription } from '../contract/threads.ts';
import { openCustodian, type RingCustodian } from '../ring/custodian.ts';
import { fitsRing, makeRing } from './make-ring.ts';
import type { Setup } from './setup.ts';

/** The ring in use, and what is left of rings before it: the ledger is of all of them. */
export interface Rings {
  /** Undefined until the first source is open. */
  current(): RingHandle | undefined;
  /** Puts a ring in place of the current one, whose producer must have ended; its numbers go on. */
  replace(next: RingHandle): void;
  /**
   * Sees to a ring that a source's frames fit; the current one's producer must have ended.
   */
  provide(setup: Setup, source: SourceDescription): Outcome<'kept' | 'new'>;
  /** Whether the current ring is what a setup and a source need. */
  isFit(setup: Setup, source: SourceDescription | undefined): boolean;
  /** The current ring's stream was ended: another source needs another ring. */
  spend(): void;
  ledger(): Ledger;
  /** See `RingCustodian.reclaim`. */
  reclaim(owner: number): readonly number[];
  discardWaiting(outcome: 'stopped' | 'superseded', owner: number): void;
  end(): void;
}

export function createRings(): Rings {
  let current: { readonly handle: RingHandle; readonly custodian: RingCustodian } | undefined;
  let isSpent = false;
  /** Rings whose last frames are still being classified. */
  let leaving: readonly RingCustodian[] = [];
  /** The sum of rings in which nothing moves any more. */
  let past = emptyLedger;

  const settlePast = (): void => {
    leaving = leaving.filter((custodian) => {
      const ledger = custodian.ledger();
      if (ledger.inFlight > 0) return true;
      past = sumOf(past, ledger);
      return false;
    });
  };

  const all = (): readonly RingCustodian[] =>
    current === undefined ? leaving : [...leaving, current.custodian];

  const ledger = (): Ledger => {
    settlePast();
    return all().reduce((sum, custodian) => sumOf(sum, custodian.ledger()), past);
  };

  const replace = (next: RingHandle): void => {
    const custodian = openCustodian(next);
    if (current !== undefined) {
      custodian.continueFrom(current.custodian.numbers());
      leaving = [...leaving, current.custodian];
    }
    current = { handle: next, custodian };
    isSpent = false;
  };

  const isFit: Rings['isFit'] = ({ config, model }, source) =>
    current !== undefined &&
    source !== undefined &&
    !isSpent &&
    fitsRing(current.handle.shape, config, model, source);

  return {
    current: () => current?.handle,
    replace,
    provide: (setup, source) => {
      if (isFit(setup, source)) return success('kept');
      const made = makeRing(setup.config, setup.model, source);
      if (!made.ok) return made;
      replace(made.value);
      return success('new');
    },
    isFit,
    spend: () => {
      isSpent = true;
    },
    ledger,
    reclaim: (owner) => all().flatMap((custodian) => custodian.reclaim(owner)),
    discardWaiting: (outcome, owner) => {
      for (const custodian of all()) custodian.discardWaiting(outcome, owner);
    },
    end: () => current?.custodian.end(),
  };
}
