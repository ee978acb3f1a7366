/** A message that must not be lost; an event, a label change or the verdict on a config. */
export type Entry = {
  /** Rises with every message of the device, also across restarts. */
  readonly id: number;
  readonly kind: EntryKind;
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
};

export const entryKinds = ['label', 'event', 'verdict'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** How many messages had to be given up, and which ids they had. */
export type Losses = Readonly<Record<EntryKind, number>> & {
  /** Lowest and highest; 0 where nothing was lost. */
  readonly firstId: number;
  readonly lastId: number;
};

export const noLosses: Losses = { label: 0, event: 0, verdict: 0, firstId: 0, lastId: 0 };

export const lossCount = (losses: Losses): number => losses.label + losses.event + losses.verdict;

export function addLoss(losses: Losses, { kind, id }: Pick<Entry, 'kind' | 'id'>): Losses {
  return {
    ...losses,
    [kind]: losses[kind] + 1,
    firstId: losses.firstId === 0 ? id : Math.min(losses.firstId, id),
    lastId: Math.max(losses.lastId, id),
  };
}

/** What an entry counts against the bound on bytes: its topic and payload as they are sent. */
export const bytesOf = ({ topic, payload }: Pick<Entry, 'topic' | 'payload'>): number =>
  Buffer.byteLength(topic) + Buffer.byteLength(payload);
