import { join } from 'node:path';
import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Clock, Micros, Millis } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import type { LinkState } from '../mqtt/connection.ts';
import { type Outbox, openOutbox } from '../mqtt/outbox.ts';
import { diskOf } from '../mqtt/outbox-store.ts';
import { createEvents, type Events, type EventsOptions, tellOverflow } from './events.ts';
import type { Started } from './life/started-event.ts';
import type { CameraState } from './pipeline-events.ts';
import type { SurroundingsChange } from './surroundings.ts';
import {
  type BucketPolicy,
  fullBucket,
  refilled,
  secondsUntilToken,
  spent,
} from './token-bucket.ts';

/** Changes of the daemon's parts, as lines of the log and as events. */
export interface News {
  camera(state: CameraState): void;
  link(state: LinkState): void;
  /** A thread died. */
  died(thread: string, reason: Fault): void;
  outbox(trouble: Fault): void;
  /** The device's own config was read again, and is not to be used. */
  config(trouble: Fault): void;
  /** The machine's clock became right, or was moved; times are so much later from now on. */
  clock(how: ClockChange, step: Millis): void;
  surroundings(change: SurroundingsChange): void;
}

export type ClockChange = 'synced' | 'stepped';

export type NewsOptions = Omit<EventsOptions, 'outbox'> & {
  readonly config: Config;
  readonly log: Log;
  readonly stateDir: string | undefined;
  /** The session's first event. */
  readonly started: Started;
};

/** Opens the outbox, with what tells of its own troubles and of everything else. */
export async function openNews(
  options: NewsOptions,
): Promise<{ readonly outbox: Outbox; readonly events: Events; readonly news: News }> {
  const { config, log, clock, stateDir } = options;
  const { outbox, troubles } = await openOutbox({
    disk: stateDir === undefined ? undefined : diskOf(join(stateDir, 'outbox')),
    ...config.outbox,
    clock,
    wallNow: Date.now,
    onTrouble: (trouble) => news.outbox(trouble),
    onOverflow: (losses) => {
      log.warn({ losses }, 'messages were given up: the outbox was full');
      tellOverflow(events, losses);
    },
  });
  const events: Events = createEvents({ ...options, outbox });
  const news: News = createNews(log, events, clock);
  options.wallClock.onSynced((step) => news.clock('synced', step));
  options.wallClock.onStepped((step) => news.clock('stepped', step));
  events.tell('daemon.started', options.started.message, options.started.data);
  for (const trouble of troubles) news.outbox(trouble);
  return { outbox, events, news };
}

function createNews(log: Log, events: Events, clock: Clock): News {
  return {
    camera: createCameraNews(log, events),
    link: createLinkNews(log, events, clock),
    died: (thread, reason) => {
      log.warn({ thread, fault: reason }, 'a thread died');
      events.report(thread, reason);
    },
    outbox: (trouble) => {
      log.warn({ fault: trouble }, 'the outbox has trouble; going on');
      events.report('outbox', trouble);
    },
    config: (trouble) => {
      log.warn({ fault: trouble }, 'the config was not reloaded; going on with the one before');
      events.report('config', trouble);
    },
    clock: createClockNews(log, events, clock),
    surroundings: (change) => tellSurroundings(change, log, events),
  };
}

/** The same fault is said once; the attempts that follow it are the state's business. */
function createCameraNews(log: Log, events: Events): News['camera'] {
  let said: string | undefined;
  return (camera) => {
    switch (camera.kind) {
      case 'streaming':
        log.info({ source: camera.source.name }, 'camera open');
        if (said !== undefined) {
          events.tell('camera.back', 'the camera is back', { source: camera.source.name });
        }
        said = undefined;
        break;
      case 'waiting':
      case 'stuck':
        if (said === camera.fault.code) {
          log.debug({ fault: camera.fault }, 'no camera yet');
        } else {
          const isThere = camera.kind === 'stuck';
          const sentence = isThere ? 'the camera does not do' : 'no camera; waiting for it';
          log.warn({ fault: camera.fault }, sentence);
          events.report('camera', camera.fault);
        }
        said = camera.fault.code;
        break;
      case 'opening':
        break;
      default:
        unreachable(camera);
    }
  };
}

function createLinkNews(log: Log, events: Events, clock: Clock): News['link'] {
  let wasOnline = false;
  let goneAt: Micros | undefined;
  let said: string | undefined;
  return (state) => {
    if (state.kind === 'online') {
      if (goneAt !== undefined) {
        const goneSeconds = Math.round((clock.now() - goneAt) / 100_000) / 10;
        events.tell('mqtt.reconnected', `the broker was away for ${goneSeconds} s`, {
          goneSeconds,
        });
      }
      wasOnline = true;
      goneAt = undefined;
    } else if (wasOnline) {
      goneAt ??= clock.now();
    }
    switch (state.kind) {
      case 'online':
        log.info({ protocol: state.protocol }, 'connected to the broker');
        break;
      case 'waiting': {
        // Said once an outage, and again when its reason is another one.
        const isNews = state.attempt <= 1 || state.fault.code !== said;
        said = state.fault.code;
        if (isNews) log.warn({ fault: state.fault }, 'no broker; going on without');
        else log.debug({ fault: state.fault, attempt: state.attempt }, 'no broker yet');
        break;
      }
      case 'connecting':
      case 'closed':
        break;
      default:
        unreachable(state);
    }
  };
}

function tellSurroundings(change: SurroundingsChange, log: Log, events: Events): void {
  switch (change.kind) {
    case 'limited': {
      const { celsius, fpsMax } = change;
      log.warn({ celsius, fpsMax }, 'classifying fewer frames to keep cool');
      const sentence = `at most ${fpsMax} frames a second are classified, to keep cool`;
      events.tell('power.limited', sentence, { ...degrees(celsius), fpsMax });
      break;
    }
    case 'restored': {
      const { celsius } = change;
      log.info({ celsius }, 'classifying all frames again');
      const sentence = 'all frames that can be are classified again';
      events.tell('power.restored', sentence, degrees(celsius));
      break;
    }
    case 'worse':
      log.warn({ fault: change.fault }, 'the device is short of something; going on with less');
      events.report(change.fault.component, change.fault);
      break;
    case 'better':
      log.info({ over: change.fault.code }, 'the device has enough of it again');
      break;
    default:
      unreachable(change);
  }
}

const degrees = (celsius: number | undefined) => (celsius === undefined ? {} : { celsius });

/** Two programs that quarrel over the clock would fill the outbox: so many steps at once are told. */
const stepPolicy: BucketPolicy = { burst: 10, perSecond: 1 / 60 };

function createClockNews(log: Log, events: Events, clock: Clock): News['clock'] {
  let bucket = fullBucket(stepPolicy, clock.now());
  let untold = 0;
  return (how, step) => {
    bucket = refilled(bucket, clock.now(), stepPolicy);
    untold += step;
    if (how === 'stepped' && secondsUntilToken(bucket, stepPolicy) > 0) return;
    if (how === 'stepped') bucket = spent(bucket);
    const stepSeconds = Math.round(untold) / 1000;
    untold = 0;
    if (how === 'synced') {
      log.info({ stepSeconds }, 'the clock is synchronized');
      const sentence = `the clock is right now; it moved by ${stepSeconds} s`;
      events.tell('clock.synced', sentence, { stepSeconds });
    } else {
      log.warn({ stepSeconds }, 'the clock was moved; times follow it');
      const sentence = `the clock was moved by ${stepSeconds} s; times follow it`;
      events.tell('clock.stepped', sentence, { stepSeconds });
    }
  };
}
