import { millis, seconds, systemClock } from '../../../src/base/time.ts';
import { openNotifier } from '../../../src/systemd/notifier.ts';

/*
 * A program that says to systemd all that a daemon can, in place of the daemon: it starts slowly, reloads
 * on SIGHUP, falls silent on SIGUSR1, and stops on SIGTERM. SPEAKER_START_MS: how long it takes to start.
 */

const notifier = openNotifier(process.env, systemClock);
const startMs = Number(process.env['SPEAKER_START_MS'] ?? 0);

notifier.status('starting');
notifier.extendTimeout(millis(startMs + 60_000));
await systemClock.sleep(millis(startMs), undefined);
notifier.ready(`watching, at least every ${notifier.watchdog} ms`);
const beats = setInterval(() => notifier.keepAlive(), (notifier.watchdog ?? seconds(10)) / 2);
process.on('SIGUSR1', () => {
  clearInterval(beats);
  notifier.status('silent');
  setInterval(() => {}, seconds(60));
});
process.on('SIGHUP', () => {
  notifier.reload(() => 'reloaded');
});
process.on('SIGTERM', () => {
  notifier.stopping('stopping');
  notifier[Symbol.dispose]();
  process.exit(0);
});
