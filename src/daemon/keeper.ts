import { components } from '../base/fault.ts';
import { type Clock, type Micros, type Millis, micros, seconds } from '../base/time.ts';
import type { Components, HealthState } from '../contract/messages.ts';
import type { Notifier } from '../systemd/notifier.ts';
import { createRate } from './statistics.ts';

/** Tells systemd how the daemon is: that it has started, what it does, and that it makes progress. */
export interface Keeper {
  /** To be called at least every `period`; nothing else feeds the watchdog. */
  look(seen: Seen): void;
  readonly period: Millis;
}

export type Seen = {
  /** Whether there is something to see of it: a classified frame, or what it waits for. */
  readonly isReady: boolean;
  readonly isProgressing: boolean;
  readonly state: HealthState;
  readonly components: Components;
  /** Frames classified so far. */
  readonly classified: number;
  readonly label: { readonly name: string; readonly score: number } | undefined;
};

const periodMost = seconds(1);
/** How often the line in `systemctl status` may change. */
const statusEvery = seconds(2);
/** While it starts it asks for this much more, again and again, as long as it makes progress. */
const extension = seconds(60);

export function createKeeper(notifier: Notifier, clock: Clock): Keeper {
  const watchdog = notifier.watchdog;
  const period = Math.min(periodMost, (watchdog ?? Number.POSITIVE_INFINITY) / 3) as Millis;
  const rate = createRate();
  let isReady = false;
  let said = '';
  let saidAt: Micros | undefined;
  let extendedAt: Micros | undefined;

  return {
    period,
    look: (seen) => {
      const now = clock.now();
      // sd_notify(3): the watchdog wants to hear at least this often; a third leaves room for a late turn.
      if (watchdog !== undefined && seen.isProgressing) notifier.keepAlive();
      const isDue = saidAt === undefined || now - saidAt >= statusEvery * 1000;
      const isNow = seen.isReady && !isReady;
      if (!isDue && !isNow) return;
      const fps = rate(seen.classified, now / 1_000_000);
      saidAt = now;
      const sentence = sentenceOf(seen, fps);
      if (isNow) {
        isReady = true;
        notifier.ready(sentence);
      } else if (sentence !== said) {
        notifier.status(sentence);
      }
      said = sentence;
      if (!isReady && seen.isProgressing && isOlder(extendedAt, now)) {
        extendedAt = now;
        notifier.extendTimeout(extension);
      }
    },
  };
}

const isOlder = (at: Micros | undefined, now: Micros): boolean =>
  at === undefined || now - at > micros((extension * 1000) / 4);

/** `person 93 %, 4.8 frames/s, ok`; or what is wrong first. */
export function sentenceOf({ state, components: parts, label }: Seen, fps: number): string {
  const doing = [
    ...(label === undefined ? [] : [`${label.name} ${Math.round(label.score * 100)} %`]),
    `${fps.toFixed(1)} frames/s`,
  ].join(', ');
  if (state === 'ok') return `${doing}, ok`;
  const troubles = components.flatMap((name) => {
    const { message } = parts[name];
    return message === undefined ? [] : [`${name}: ${message}`];
  });
  return [state, ...troubles.slice(0, 2), ...(fps > 0 ? [doing] : [])].join('; ');
}
