import { join } from 'node:path';
import { unreachable } from '../base/assert.ts';
import type { Fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Clock, Micros, Millis } from '../base/time.ts';
import { version } from '../base/version.ts';
import type { Config } from '../contract/config.ts';
import type { LinkState } from '../mqtt/connection.ts';
import { type Outbox, openOutbox } from '../mqtt/outbox.ts';
import { diskOf } from '../mqtt/outbox-store.ts';
import { createEvents, type Events, type EventsOptions, tellOverflow } from './events.ts';
import type { CameraState } from './pipeline-events.ts';

/** Changes of the daemon's parts, as lines of the log and as events. */
export interface News {
  camera(state: CameraState): void;
  link(state: LinkState): void;
  restart(thread: string, reason: Fault): void;
  outbox(trouble: Fault): void;
  /** The machine's clock became right; times are so much later from now on. */
  clock(step: Millis): void;
}

export type NewsOptions = Omit<EventsOptions, 'outbox'> & {
  readonly config: Config;
  readonly log: Log;
  readonly stateDir: string | undefined;
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
  options.wallClock.onSynced(news.clock);
  events.tell('daemon.started', `sightd ${version} started`, { version });
  for (const trouble of troubles) news.outbox(trouble);
  return { outbox, events, news };
}

function createNews(log: Log, events: Events, clock: Clock): News {
  return {
    camera: createCameraNews(log, events),
    link: createLinkNews(log, events, clock),
    restart: (thread, reason) => {
      log.warn({ thread, fault: reason }, 'starting a died thread again');
      events.report(thread, reason);
    },
    outbox: (trouble) => {
      log.warn({ fault: trouble }, 'the outbox has trouble; going on');
      events.report('outbox', trouble);
    },
    clock: (step) => {
      const stepSeconds = Math.round(step) / 1000;
      log.info({ stepSeconds }, 'the clock is synchronized');
      events.tell('clock.synced', `the clock is right now; it moved by ${stepSeconds} s`, {
        stepSeconds,
      });
    },
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
        if (said === camera.fault.code) {
          log.debug({ fault: camera.fault }, 'no camera yet');
        } else {
          log.warn({ fault: camera.fault }, 'no camera; waiting for it');
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
