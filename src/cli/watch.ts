import { randomBytes, randomInt } from 'node:crypto';
import { exitCodes, type Fault } from '../base/fault.ts';
import { createRandom } from '../base/random.ts';
import { type Millis, millisOf, systemClock } from '../base/time.ts';
import { configSchema } from '../contract/config.ts';
import { defaultBackoff, type LinkState } from '../mqtt/connection.ts';
import { readCredentials } from '../mqtt/credentials.ts';
import { openListener } from '../mqtt/listener.ts';
import { addressOf } from '../mqtt/refusals.ts';
import type { Incoming } from '../mqtt/subscriptions.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { type LoadedConfig, loadConfig } from './config-source.ts';
import { stopWithin } from './stop-within.ts';
import { complainOf, styled, type Terminal } from './terminal.ts';
import { changeLine, jsonLine } from './watch/lines.ts';
import { filtersOf, readWatched } from './watch/message.ts';
import { settingsOf, type WatchSettings, withOptions } from './watch/settings.ts';
import { initialWatch, stepWatch, type WatchInput } from './watch/state.ts';
import { renderWatch } from './watch/view.ts';

const redrawMs = 250;

export const watch: Command = {
  summary: 'the devices on a broker, live: state, labels, results, health, events',
  help: `Usage: sightd watch [--url URL] [--device ID] [--json] [--seconds N] [--config FILE] …

Shows what devices say over MQTT, live in the terminal. In a pipe it writes a line for each change.
It only listens. The broker is the config's; with --url no config is read unless --config names one.

      --url URL              the broker (default: the config's, else mqtt://localhost:1883)
      --base BASE            the devices' mqtt.base (default: the config's, else sightd)
      --device ID            only this device, on its exact topics
      --username NAME        to log in with
      --password-file FILE   the password on its first line
      --ca FILE              who may have signed the broker's certificate
      --cert FILE            a certificate of our own, and
      --key FILE             its private key, for a broker that asks for one
  -c, --config FILE          take all this from the section mqtt there (default: as \`sightd run\`)
      --json                 a line of JSON for each message: at, device, topic, retained, message
      --seconds N            stop by itself after so long
  -h, --help                 this text

A broker that cannot be reached at first, or refuses the login, ends it; one that is lost later is
waited for. Exit codes: 0 stopped, 64 wrong usage, 69 no broker, 78 wrong config or credentials.
`,
  run: async ({ args, terminal, environment, stop }) => {
    const parsed = parseArguments('watch', args, options, 0);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const loaded = configFor(parsed.value, environment, terminal);
    if (!loaded.ok) return loaded.exit;
    const settings = settingsOf(parsed.value, loaded.config);
    if (!settings.ok) return complainOf(terminal, settings.fault);
    const { secondsMax } = settings.value;
    const end = secondsMax > 0 ? stopWithin(stop, secondsMax) : stop;
    const unreached = await watchUntil(end, settings.value, environment, terminal);
    return unreached === undefined ? exitCodes.clean : complainOf(terminal, withOptions(unreached));
  },
};

const options = {
  url: { type: 'string' },
  base: { type: 'string' },
  device: { type: 'string' },
  username: { type: 'string' },
  'password-file': { type: 'string' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  config: { type: 'string', short: 'c' },
  json: { type: 'boolean' },
  seconds: { type: 'string' },
} as const;

/** A login is for the broker it was given for: another one does not get that of the default config. */
function configFor(
  given: Arguments,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): LoadedConfig {
  const named = given.text('config');
  if (named === undefined && given.text('url') !== undefined) {
    return { ok: true, config: configSchema.parse({}), path: undefined };
  }
  return loadConfig(named, environment, terminal);
}

/** Resolves with why the broker was not reached at all, or undefined when stopped. */
async function watchUntil(
  stop: AbortSignal,
  { mqtt, device, isJson }: WatchSettings,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<Fault | undefined> {
  const title = `${addressOf(mqtt.url)} ${mqtt.base}/${device ?? '+'}`;
  if (terminal.isTerminal) terminal.complain(`sightd: connecting to ${addressOf(mqtt.url)}\n`);
  const show = isJson
    ? showJson(terminal)
    : terminal.isTerminal
      ? showPicture(terminal, title)
      : showChanges(terminal, title);
  let unreached: Fault | undefined;
  await new Promise<void>((resolve) => {
    const listener = openListener({
      url: mqtt.url,
      clientId: `sightd-watch-${randomBytes(4).toString('hex')}`,
      protocol: mqtt.protocol,
      credentials: () => readCredentials(mqtt, environment['CREDENTIALS_DIRECTORY']),
      keepaliveSeconds: mqtt.keepaliveSeconds,
      backoff: defaultBackoff(mqtt.reconnectSecondsMax),
      clock: systemClock,
      wallNow: Date.now,
      random: createRandom(randomInt(2 ** 31)),
      filters: filtersOf(mqtt.base, device),
      onIncoming: (message) => show.heard(mqtt.base, message),
      onState: show.broker,
      onRefused: (reason) => show.trouble(reason),
      onUnreached: (reason) => {
        unreached = reason;
        resolve();
      },
    });
    const end = (): void => void listener.close().then(resolve);
    if (stop.aborted) end();
    else stop.addEventListener('abort', end, { once: true });
  });
  show.close(unreached === undefined);
  return unreached;
}

/** One way of showing what is heard. */
type Show = {
  heard(base: string, message: Incoming): void;
  broker(state: LinkState): void;
  trouble(reason: Fault): void;
  close(wasReached: boolean): void;
};

/** Ages do not change when this machine's clock is set. */
const now = (): Millis => millisOf(systemClock.now());

const timeNow = (): string => new Date().toISOString();

function showJson(terminal: Terminal): Show {
  return {
    heard: (base, message) => {
      const watched = readWatched(base, message);
      if (watched === undefined) return;
      terminal.write(`${jsonLine(watched, timeNow())}\n`);
    },
    broker: createBrokerNews(terminal),
    trouble: (reason) => complainOf(terminal, reason),
    close: () => {},
  };
}

function showChanges(terminal: Terminal, title: string): Show {
  let state = initialWatch(title, now());
  return {
    heard: (base, message) => {
      const watched = readWatched(base, message);
      if (watched === undefined) return;
      const before = state.devices.get(watched.device);
      state = stepWatch(state, { kind: 'message', watched }, now());
      const line = changeLine(before, watched, state.devices.get(watched.device));
      if (line !== undefined) terminal.write(`${timeNow()} ${line}\n`);
    },
    broker: createBrokerNews(terminal),
    trouble: (reason) => complainOf(terminal, reason),
    close: () => {},
  };
}

/** Says on standard error that the broker is gone, once, and that it is back. */
function createBrokerNews(terminal: Terminal): Show['broker'] {
  let isGone = false;
  return (state) => {
    if (state.kind === 'waiting' && !isGone) {
      isGone = true;
      complainOf(terminal, state.fault);
    } else if (state.kind === 'online' && isGone) {
      isGone = false;
      terminal.complain('sightd: connected to the broker again\n');
    }
  };
}

/** Draws from the top of the screen, over and over; what was there has been scrolled away before. */
function showPicture(terminal: Terminal, title: string): Show {
  let state = initialWatch(title, now());
  let drawn: string | undefined;
  const step = (input: WatchInput): void => {
    state = stepWatch(state, input, now());
  };
  const draw = (): void => {
    step({ kind: 'tick' });
    const lines = renderWatch(state, terminal.columns(), terminal.rows(), timeNow());
    const picture = lines
      .map((line) =>
        line
          .map(({ text, style }) => (style === undefined ? text : styled(terminal, style, text)))
          .join(''),
      )
      .map((line) => `${line}\x1b[K\n`)
      .join('');
    if (picture === drawn) return;
    if (drawn === undefined) terminal.write('\n'.repeat(terminal.rows()));
    drawn = picture;
    terminal.write(`\x1b[H${picture}\x1b[J`);
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    heard: (base, message) => {
      const watched = readWatched(base, message);
      if (watched !== undefined) step({ kind: 'message', watched });
    },
    broker: (link) => {
      step({ kind: 'broker', state: link });
      // A broker that is never reached leaves the screen alone.
      if (link.kind === 'online') timer ??= setInterval(draw, redrawMs);
    },
    trouble: (reason) => step({ kind: 'trouble', reason }),
    close: (wasReached) => {
      clearInterval(timer);
      if (wasReached && timer !== undefined) draw();
    },
  };
}
