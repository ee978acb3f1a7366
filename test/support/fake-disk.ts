import { type Fault, failure, success } from '../../src/base/fault.ts';
import { type Entry, noLosses } from '../../src/mqtt/outbox-entry.ts';
import type { Books, OutboxDisk, StoreChange } from '../../src/mqtt/outbox-store.ts';

/** A disk whose writes end when they are told to, and that can crash, lose its power and fail. */
export type FakeDisk = OutboxDisk & {
  /** What opening it now would find. */
  contents(): { readonly entries: readonly Entry[]; readonly books: Books };
  /** Ends the oldest write under way; false when there is none. */
  complete(): boolean;
  /** All that was to be written. */
  readonly changes: StoreChange[];
  /** Every write ends at once. */
  isQuick: boolean;
  /** The process is gone: of the writes under way the first few are done, the others not. */
  crash(done: number): void;
  /** And the power: of what was not to be durable the last few changes are gone too. */
  losePower(lost: number): void;
  /** What opens, or the next write, from now on ends with; undefined mends it. */
  failing: { open?: Fault | undefined; write?: Fault | undefined };
  readonly setAsideAs: string[];
};

export function createFakeDisk(): FakeDisk {
  let log: StoreChange[] = [];
  let underWay: { change: StoreChange; resolve: (trouble: Fault | undefined) => void }[] = [];
  const changes: StoreChange[] = [];
  const setAsideAs: string[] = [];
  let life = 0;

  const contents = () => {
    const entries = new Map<number, Entry>();
    let books: Books = { messages: 0, nextId: 0, unreported: noLosses };
    for (const change of log) {
      for (const id of change.removed) entries.delete(id);
      for (const entry of change.added) entries.set(entry.id, entry);
      books = change.books;
    }
    return { entries: [...entries.values()].sort((a, b) => a.id - b.id), books };
  };

  const disk: FakeDisk = {
    changes,
    setAsideAs,
    isQuick: false,
    failing: {},
    contents,
    open: async () => {
      if (disk.failing.open !== undefined) return failure(disk.failing.open);
      const openedIn = life;
      let isOpen = true;
      return success({
        store: {
          write: (change: StoreChange): Promise<Fault | undefined> => {
            // Of a process that is gone.
            if (openedIn !== life) return new Promise(() => {});
            changes.push(change);
            if (disk.failing.write !== undefined) return Promise.resolve(disk.failing.write);
            if (disk.isQuick) {
              log.push(change);
              return Promise.resolve(undefined);
            }
            return new Promise((resolve) => {
              underWay.push({ change, resolve: (trouble) => isOpen && resolve(trouble) });
            });
          },
          close: async () => {
            isOpen = false;
          },
        },
        ...contents(),
        damage: undefined,
      });
    },
    setAside: (stamp) => {
      setAsideAs.push(stamp);
      log = [];
      disk.failing = {};
      return success(`outbox.broken-${stamp}`);
    },
    complete: () => {
      const first = underWay.shift();
      if (first === undefined) return false;
      log.push(first.change);
      first.resolve(undefined);
      return true;
    },
    crash: (done) => {
      log.push(...underWay.slice(0, done).map(({ change }) => change));
      underWay = [];
      life += 1;
    },
    losePower: (lost) => {
      const durable = log.findLastIndex(({ isDurable }) => isDurable) + 1;
      log.length = Math.max(durable, log.length - lost);
    },
  };
  return disk;
}
