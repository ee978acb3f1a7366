import { openLibrary } from './ffi.ts';

/** struct timex of adjtimex(2): 208 bytes on x86-64 and arm64. All zero asks and changes nothing. */
const timexBytes = 208;
/** Returned while the clock is not synchronized. */
const TIME_ERROR = 5;

let adjtimex: ((timex: Uint8Array) => number) | undefined;

/**
 * Whether the kernel holds this machine's clock for right: NTP, PTP or GPS has set it and still keeps it.
 * False where the kernel does not say.
 */
export function isClockSynced(): boolean {
  adjtimex ??= bindAdjtimex();
  const state = adjtimex(new Uint8Array(timexBytes));
  return state >= 0 && state !== TIME_ERROR;
}

function bindAdjtimex(): (timex: Uint8Array) => number {
  try {
    const call = openLibrary(null).bind('int adjtimex(void *timex)');
    return (timex) => Number(call(timex));
  } catch {
    // Another libc.
    return () => -1;
  }
}
