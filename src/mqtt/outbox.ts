import { assert } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import { type Clock, type Micros, type Millis, millis, seconds } from '../base/time.ts';
import {
  addLoss,
  bytesOf,
  type Entry,
  type EntryKind,
  type Losses,
  lossCount,
  noLosses,
} from './outbox-entry.ts';
import type { OpenedStore, OutboxDisk, OutboxStore, StoreChange } from './outbox-store.ts';
import { commitWait, fullBudget, spendCommit } from './write-budget.ts';

/**
 * Messages that must not be lost, in order, from when they are recorded until the broker has them.
 * Memory holds them all, bounded; the store is their copy for the next start, and none is delivered
 * before it is in there. Without a usable store memory alone goes on.
 */
export interface Outbox {
  /**
   * Records a message under the next id and returns the id. When full the oldest label goes before
   * anything else, the new one too, then the oldest of the rest; what goes is counted.
   */
  offer(kind: EntryKind, topic: string, payloadOf: (id: number) => string, retain: boolean): number;
  /** The oldest messages that may be delivered, in order. */
  oldest(countMax: number): Entry[];
  /** Forgets a delivered message. The store follows a little later: a crash means a duplicate. */
  remove(id: number): void;
  figures(): OutboxFigures;
  /** The last that was wrong with the store, for as long as it is not used; else undefined. */
  trouble(): Fault | undefined;
  /** Has `listener` called when more may be delivered. */
  onReady(listener: () => void): void;
  /** Brings all to the store at once and closes it. */
  close(): Promise<void>;
}

export type OutboxFigures = {
  readonly waiting: number;
  readonly bytes: number;
  /** Given up since the start because of the bounds. */
  readonly lost: number;
  /** Whether what waits would survive a restart. */
  readonly stored: boolean;
};

export type OutboxOptions = {
  /** Undefined: memory only. */
  readonly disk: OutboxDisk | undefined;
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly onTrouble: (trouble: Fault) => void;
  /** There is room again after messages were lost; it is called once, then they are accounted for. */
  readonly onOverflow: (losses: Losses) => void;
};

/** A burst of losses is over, and told of, when no more than this part of the bounds is used. */
const roomyBelow = 0.75;
/** Removals wait so long for a message to be written with. */
const removalDelay = seconds(2);

/** Opens the outbox, whatever state its disk is in; `troubles` says what was wrong. */
export async function openOutbox(
  options: OutboxOptions,
): Promise<{ readonly outbox: Outbox; readonly troubles: readonly Fault[] }> {
  const troubles: Fault[] = [];
  const { disk, wallNow } = options;
  const opened =
    disk && (await openOrSetAside(disk, wallNow(), (trouble) => troubles.push(trouble)));
  return { outbox: createOutbox(options, opened, troubles.at(-1)), troubles };
}

/** A damaged store makes way for a new one; without a usable one, undefined. */
async function openOrSetAside(
  disk: OutboxDisk,
  wallNow: number,
  say: (trouble: Fault) => void,
): Promise<OpenedStore | undefined> {
  const first = await disk.open();
  if (first.ok) {
    if (first.value.damage !== undefined) say(first.value.damage);
    return first.value;
  }
  if (first.fault.code === 'outbox.corrupt') return renew(disk, first.fault, wallNow, say);
  say(first.fault);
  return undefined;
}

async function renew(
  disk: OutboxDisk,
  damage: Fault,
  wallNow: number,
  say: (trouble: Fault) => void,
): Promise<OpenedStore | undefined> {
  const aside = disk.setAside(new Date(wallNow).toISOString().replace(/[-:]|\.\d+/g, ''));
  say(aside.ok ? { ...damage, message: `${damage.message}; it is now ${aside.value}` } : damage);
  if (!aside.ok) say(aside.fault);
  const again = aside.ok ? await disk.open() : aside;
  if (again.ok) return again.value;
  if (aside.ok) say(again.fault);
  return undefined;
}

function createOutbox(
  options: OutboxOptions,
  opened: OpenedStore | undefined,
  unopened: Fault | undefined,
): Outbox {
  const { clock } = options;
  let lastTrouble = unopened;
  const entries = new Map<number, Entry>();
  let store: OutboxStore | undefined = opened?.store;
  let bytes = 0;
  let lost = 0;
  let unreported = opened?.books.unreported ?? noLosses;
  // Where the counter was lost with its store, the clock keeps ids rising.
  let nextId = Math.max(Math.floor(options.wallNow()), opened?.books.nextId ?? 0);
  let added: Entry[] = [];
  let removed: number[] = [];
  let removedAt: Micros | undefined;
  /** Ids up to this have been handed to the store, and up to `durableId` are safely in it. */
  let handedId = 0;
  let durableId = store === undefined ? Number.POSITIVE_INFINITY : 0;
  let budget = fullBudget(clock.now());
  let hurry = new AbortController();
  let isClosing = false;
  let isRenewed = false;
  let writing: Promise<void> | undefined;
  let ready = (): void => {};

  const isOver = (): boolean => entries.size > options.messagesMax || bytes > options.bytesMax;

  const take = (entry: Entry): void => {
    entries.delete(entry.id);
    bytes -= bytesOf(entry);
    // What the store has not been handed is left out when it would be.
    if (store === undefined || entry.id > handedId) return;
    removed.push(entry.id);
    removedAt ??= clock.now();
    write();
  };

  const giveUp = (entry: Entry): void => {
    take(entry);
    lost += 1;
    unreported = addLoss(unreported, entry);
  };

  /** Tells of losses, not at each but when there is room: telling can so never cause another. */
  const reportLosses = (): void => {
    if (lossCount(unreported) === 0 || entries.size > options.messagesMax * roomyBelow) return;
    if (bytes > options.bytesMax * roomyBelow) return;
    const losses = unreported;
    unreported = noLosses;
    options.onOverflow(losses);
  };

  const offer: Outbox['offer'] = (kind, topic, payloadOf, retain) => {
    reportLosses();
    const id = nextId;
    nextId += 1;
    const entry: Entry = { id, kind, topic, payload: payloadOf(id), retain };
    const size = bytesOf(entry);
    entries.set(id, entry);
    bytes += size;
    if (size > options.bytesMax) giveUp(entry);
    while (isOver()) giveUp(victimOf(entries));
    if (!entries.has(id)) return id;
    if (store === undefined) {
      ready();
    } else {
      added.push(entry);
      write();
    }
    return id;
  };

  const takeChange = (): StoreChange => {
    const change: StoreChange = {
      added: added.filter(({ id }) => entries.has(id)),
      removed,
      books: { messages: entries.size, nextId, unreported },
      isDurable: added.length > 0,
    };
    handedId = nextId - 1;
    added = [];
    removed = [];
    removedAt = undefined;
    return change;
  };

  const waitOf = (now: Micros): Millis => {
    if (isClosing) return millis(0);
    const wait = commitWait(budget, now);
    if (added.length > 0 || removedAt === undefined) return wait;
    return millis(Math.max(wait, removalDelay - (now - removedAt) / 1000));
  };

  const lose = async (broken: OutboxStore, trouble: Fault): Promise<void> => {
    await broken.close();
    const say = (one: Fault): void => {
      lastTrouble = one;
      options.onTrouble(one);
    };
    let fresh: OpenedStore | undefined;
    if (trouble.code === 'outbox.corrupt' && options.disk !== undefined && !isRenewed) {
      isRenewed = true;
      fresh = await renew(options.disk, trouble, options.wallNow(), say);
    } else {
      say(trouble);
    }
    store = fresh?.store;
    removed = [];
    removedAt = undefined;
    added = store === undefined ? [] : [...entries.values()];
    if (store === undefined) durableId = Number.POSITIVE_INFINITY;
  };

  const writeAll = async (): Promise<void> => {
    while (store !== undefined && (added.length > 0 || removed.length > 0)) {
      const wait = waitOf(clock.now());
      if (wait > 0) {
        hurry = new AbortController();
        await clock.sleep(wait, hurry.signal);
        // Something more urgent came meanwhile.
        if (hurry.signal.aborted) continue;
      }
      const change = takeChange();
      const upTo = handedId;
      budget = spendCommit(budget, clock.now());
      const trouble = await store.write(change);
      if (trouble === undefined) durableId = upTo;
      else await lose(store, trouble);
      ready();
    }
    // At once, not when the promise is seen to be settled: a message could come between.
    writing = undefined;
  };

  const write = (): void => {
    // The first message after a pause must not wait for as long as a removal may.
    if (added.length === 1 || isClosing) hurry.abort();
    // In a microtask, so that what is recorded together is written together.
    writing ??= Promise.resolve().then(writeAll);
  };

  for (const entry of opened?.entries ?? []) {
    entries.set(entry.id, entry);
    bytes += bytesOf(entry);
    nextId = Math.max(nextId, entry.id + 1);
    handedId = durableId = entry.id;
  }
  if (store === undefined) durableId = Number.POSITIVE_INFINITY;
  // The bounds may have been lowered since.
  while (isOver()) giveUp(victimOf(entries));

  return {
    offer,
    oldest: (countMax) => {
      const found: Entry[] = [];
      for (const entry of entries.values()) {
        if (found.length >= countMax || entry.id > durableId) break;
        found.push(entry);
      }
      return found;
    },
    remove: (id) => {
      const entry = entries.get(id);
      if (entry === undefined) return;
      take(entry);
      reportLosses();
    },
    figures: () => ({ waiting: entries.size, bytes, lost, stored: store !== undefined }),
    trouble: () => (store === undefined ? lastTrouble : undefined),
    onReady: (listener) => {
      ready = listener;
    },
    close: async () => {
      isClosing = true;
      hurry.abort();
      while (writing !== undefined) await writing;
      await store?.close();
      store = undefined;
    },
  };
}

/** The oldest label, or without one the oldest of the rest. */
function victimOf(entries: ReadonlyMap<number, Entry>): Entry {
  let oldest: Entry | undefined;
  for (const entry of entries.values()) {
    if (entry.kind === 'label') return entry;
    oldest ??= entry;
  }
  assert(oldest !== undefined, 'an empty outbox is within its bounds');
  return oldest;
}
