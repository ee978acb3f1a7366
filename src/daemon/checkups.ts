import type { Checkup } from '../contract/commands.ts';

/*
 * What is the same for a daemon that examines itself and for `sightd doctor` beside it: how a part is
 * said to be, and what of the machine is too little.
 */

export type CheckupState = Checkup['state'];
export type CheckupOf<Part extends string> = Omit<Checkup, 'part'> & { readonly part: Part };

export const ok = <Part extends string>(part: Part, message: string): CheckupOf<Part> => ({
  part,
  state: 'ok',
  message,
});
export const warn = <Part extends string>(
  part: Part,
  message: string,
  mend: string,
): CheckupOf<Part> => ({ part, state: 'warn', message, mend });
export const fail = <Part extends string>(
  part: Part,
  message: string,
  mend: string,
): CheckupOf<Part> => ({ part, state: 'fail', message, mend });

export function worstOf(parts: readonly { readonly state: CheckupState }[]): CheckupState {
  const isAny = (state: CheckupState): boolean => parts.some((part) => part.state === state);
  return isAny('fail') ? 'fail' : isAny('warn') ? 'warn' : 'ok';
}

const mebibyte = 1024 * 1024;
/** The outbox's own bound and a store's tables: with less the next weeks are not certain. */
const diskFreeLeast = 64 * mebibyte;
/** A picture, a model that is loaded anew and the kernel's caches need about this. */
const memoryFreeLeast = 64 * mebibyte;
/** sightd did not exist before: a clock that says so was never set. */
const clockLeast = Date.UTC(2026, 0, 1);

export const mebibytesOf = (bytes: number): number => Math.round(bytes / mebibyte);

/** Of the time itself, in milliseconds since 1970; `isSynced` when something keeps it right. */
export function checkClock(wall: number, isSynced: boolean): CheckupOf<'clock'> {
  const time = new Date(wall).toISOString();
  if (wall < clockLeast) {
    const mend = 'Let the system set it (NTP), or add a battery-backed clock.';
    return fail('clock', `the clock was never set: it is ${time}`, mend);
  }
  if (!isSynced) {
    const sentence = `it is ${time}, and nothing is known to keep it right`;
    return warn('clock', sentence, 'Have the system set it from the network (NTP).');
  }
  return ok('clock', `it is ${time}`);
}

/** Of the room that is left for what is kept in `folder`. */
export function checkDiskRoom(folder: string, freeBytes: number): CheckupOf<'disk'> {
  const free = `${mebibytesOf(freeBytes)} MiB free for ${folder}`;
  return freeBytes < diskFreeLeast
    ? warn('disk', `only ${free}`, 'Remove what is not needed from this disk.')
    : ok('disk', free);
}

/** Of what is left for whoever asks next; `sentence` has the figures. */
export function checkMemoryRoom(sentence: string, freeBytes: number): CheckupOf<'memory'> {
  return freeBytes < memoryFreeLeast
    ? warn('memory', sentence, 'Stop other programs, or lower camera size, queue.slots or workers.')
    : ok('memory', sentence);
}
