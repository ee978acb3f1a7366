import { type Micros, type Millis, seconds } from '../base/time.ts';

/**
 * A flag that flickers, such as a voltage alarm: on once it was seen twice within ten seconds, off once
 * it was not seen for longer. One wrong reading changes nothing.
 */
export type Debounced = { readonly isOn: boolean; readonly seenAt: Micros | undefined };

export const isOff: Debounced = { isOn: false, seenAt: undefined };

const onWithin = seconds(10);

export function stepDebounced(
  state: Debounced,
  isSeen: boolean,
  now: Micros,
  offAfter: Millis,
): Debounced {
  const age = state.seenAt === undefined ? Number.POSITIVE_INFINITY : (now - state.seenAt) / 1000;
  if (isSeen) return { isOn: state.isOn || age <= onWithin, seenAt: now };
  return age >= offAfter ? isOff : state;
}
