import type { Millis } from '../../base/time.ts';
import { version } from '../../base/version.ts';
import { isClean, type PreviousRun } from './previous-run.ts';

/** What `daemon.started` tells. */
export type Started = {
  readonly message: string;
  readonly data: Readonly<Record<string, string | number>>;
};

/** The start, and after an end that nobody asked for how the run before ended. */
export function startedOf(previous: PreviousRun | undefined): Started {
  const plain = { message: `sightd ${version} started`, data: { version } };
  if (previous === undefined || isClean(previous.end)) return plain;
  const { end, fault, signal, blind, sentence } = previous;
  const blindness = blind === undefined ? '' : `; blind for ${durationText(blind)}`;
  return {
    message: `${plain.message} after ${sentence}${blindness}`,
    data: {
      version,
      previousEnd: end,
      ...(fault === undefined ? {} : { previousFault: fault.code }),
      ...(signal === undefined ? {} : { previousSignal: signal }),
      ...(blind === undefined ? {} : { blindSeconds: tenthsOf(blind / 1000) }),
    },
  };
}

const tenthsOf = (value: number): number => Math.round(value * 10) / 10;

/** In the unit that leaves a number one can imagine. */
function durationText(duration: Millis): string {
  const minutes = duration / 60_000;
  if (minutes < 2) return `${tenthsOf(duration / 1000)} s`;
  if (minutes < 120) return `${Math.round(minutes)} min`;
  return minutes < 2880 ? `${tenthsOf(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
