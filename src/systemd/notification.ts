import { unreachable } from '../base/assert.ts';
import type { Micros, Millis } from '../base/time.ts';

/** What can be said to systemd: newline-separated assignments, as sd_notify(3) has them. */
export type Notification =
  /** Started, or done with reloading. */
  | { readonly kind: 'ready'; readonly status: string }
  | { readonly kind: 'status'; readonly text: string }
  /** The time for starting, stopping or the watchdog shall end `by` from now, not before. */
  | { readonly kind: 'extend-timeout'; readonly by: Millis }
  | { readonly kind: 'reloading'; readonly at: Micros }
  | { readonly kind: 'stopping'; readonly status: string }
  | { readonly kind: 'keep-alive' };

/**
 * `systemctl status` shows it on one line. systemd takes 4096 bytes a message (PIPE_BUF); UTF-8 makes at
 * most three of each of these.
 */
const statusLengthMax = 250;

export function notificationText(notification: Notification): string {
  switch (notification.kind) {
    case 'ready':
      return `READY=1\n${statusLine(notification.status)}`;
    case 'status':
      return statusLine(notification.text);
    case 'extend-timeout':
      return `EXTEND_TIMEOUT_USEC=${Math.max(0, Math.round(notification.by * 1000))}`;
    case 'reloading':
      // sd_notify(3): Type=notify-reload wants to know when, so that it can tell this from one before.
      return `RELOADING=1\nMONOTONIC_USEC=${Math.round(notification.at)}`;
    case 'stopping':
      return `STOPPING=1\n${statusLine(notification.status)}`;
    case 'keep-alive':
      return 'WATCHDOG=1';
    default:
      return unreachable(notification);
  }
}

/** A newline would begin another assignment; other control characters have no place in a terminal. */
function statusLine(text: string): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return `STATUS=${line.length <= statusLengthMax ? line : cut(line)}`;
}

function cut(line: string): string {
  // Not between the halves of a surrogate pair: systemd refuses text that is not UTF-8.
  const head = line.slice(0, statusLengthMax - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${head}…`;
}

/**
 * How often systemd wants to hear at least that this process is alive; undefined where it does not.
 * sd_watchdog_enabled(3): a WATCHDOG_PID that is another's means that other process.
 */
export function watchdogMicros(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC: text, WATCHDOG_PID: owner } = environment;
  if (text === undefined || !/^\d{1,15}$/.test(text) || Number(text) === 0) return undefined;
  if (owner !== undefined && owner !== String(pid)) return undefined;
  return Number(text);
}
