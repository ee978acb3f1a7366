import { z } from 'zod';
import type { Micros } from '../../base/time.ts';

/*
 * What a run leaves behind about itself, as JSON, for the one that follows it.
 */

const instant = z
  .int()
  .min(0)
  .transform((value) => value as Micros);
const count = z.int().min(0);

/** Monotonic, and in UTC milliseconds; the latter is null while nothing keeps the wall clock right. */
const momentSchema = z.object({ at: instant, wall: z.number().min(0).nullable() });
export type Moment = z.infer<typeof momentSchema>;

const reasonSchema = z.object({ code: z.string(), message: z.string() });
/** A fault, as far as it is kept. */
export type Reason = Readonly<z.infer<typeof reasonSchema>>;

/** How a run said that it ends, from the least telling to the most. */
export const endings = [
  'asked',
  'restart',
  'source-ended',
  /** It could not go on. */
  'fault',
  /** The stop deadline passed. */
  'hung',
  /** By an internal error. */
  'crashed',
  /** By its own decision, to be started again: a step of the recovery ladder. */
  'planned',
] as const;

const lifeSchema = z.object({
  session: z.string().min(1),
  /** Whose state this is: daemons with other folders may share the one for what is gone after a boot. */
  stateDir: z.string(),
  pid: count,
  /** When the process started, in clock ticks since boot: tells it from another with its number. */
  startTicks: count.nullable(),
  bootId: z.string(),
  /** systemd's name for the run. */
  invocation: z.string().nullable(),
  started: momentSchema,
  beat: momentSchema,
  /** The last classified frame; a run that has none yet keeps what the run before knew. */
  classified: momentSchema.extend({ bootId: z.string() }).nullable(),
  /** How many processes of the machine were killed for want of memory, at the last beat. */
  oomKills: count.nullable(),
  ended: z.object({ how: z.enum(endings), fault: reasonSchema.nullable() }).nullable(),
});
export type Life = Readonly<z.infer<typeof lifeSchema>>;
export type Ended = Readonly<NonNullable<Life['ended']>>;

/** A file that is not whole, or of another sort, is none. */
export function parseLife(text: string | undefined): Life | undefined {
  if (text === undefined) return undefined;
  try {
    return lifeSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Which of two records tells more of the last run here. */
export function newerLife(
  one: Life | undefined,
  other: Life | undefined,
  bootId: string,
): Life | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.session === other.session) {
    const latest = one.beat.at >= other.beat.at ? one : other;
    return { ...latest, ended: latest.ended ?? one.ended ?? other.ended };
  }
  // Instants of different boots do not compare: what is of this boot is the newer.
  if (one.bootId !== other.bootId) return other.bootId === bootId ? other : one;
  return other.started.at > one.started.at ? other : one;
}

const reasonCharactersMax = 500;

/**
 * What is recorded when a run says how it ends after it has said so before: a reason is not lost to what
 * follows from it, such as the stop that a recovery step begins.
 */
export function endedOf(
  before: Ended | null,
  how: Ended['how'],
  reason: Reason | undefined,
): Ended {
  if (before !== null && rankOf(how) < rankOf(before.how)) return before;
  if (reason === undefined) return { how, fault: before?.fault ?? null };
  const { code, message } = reason;
  return { how, fault: { code, message: message.slice(0, reasonCharactersMax) } };
}

/** The ends without trouble are of one rank: the last word counts. */
const rankOf = (how: Ended['how']): number =>
  Math.max(endings.indexOf(how), endings.indexOf('source-ended'));
