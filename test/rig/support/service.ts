import { appendFileSync, chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  type EventMessage,
  eventMessageSchema,
  type HealthMessage,
  healthMessageSchema,
} from '../../../src/contract/messages.ts';
import { type Mosquitto, type Subscriber, startMosquitto } from '../../support/mosquitto.ts';
import { command, slowness, until } from './rig.ts';
import { openUnit, type Unit } from './unit.ts';

/** The daemon as a service of systemd, which faults can be made in, and what a subscriber hears of it. */
export interface Service extends AsyncDisposable {
  readonly unit: Unit;
  readonly broker: Mosquitto;
  readonly subscriber: Subscriber;
  /** Writes its config, with these sections over those that all tests have. */
  configure(config: object): void;
  /** Starts it and waits until it is well; returns its process. */
  start(): Promise<number>;
  /** Makes faults: lines of its injection file. */
  inject(...lines: readonly object[]): void;
  /** Makes none any more, in processes to come. */
  injectNothing(): void;
  /** What was told so far, without what a daemon that was killed has sent twice. */
  events(): readonly EventMessage[];
  healths(): readonly HealthMessage[];
  untilEvent(what: string, isIt: (event: EventMessage) => boolean): Promise<EventMessage>;
  /** The newest health message, once it is as wanted. */
  untilHealth(what: string, isIt: (health: HealthMessage) => boolean): Promise<HealthMessage>;
  /** The first event of the session after the given one, and a health message of it that is well. */
  untilBack(before: string): Promise<EventMessage>;
  /** What systemd said of the end of each run. */
  ends(): readonly string[];
  /** The session that was heard of last. */
  session(): string;
}

/** So long a test may wait for the watchdog, and a deadline may be in seconds. */
export const watchdogSeconds = slowness === 1 ? 6 : 60;
export const deadlineSeconds = slowness === 1 ? 1 : 20;

/** So many tests beside each other: they mostly wait; but an emulated machine has enough to do with one. */
export const concurrency = slowness === 1 ? 4 : 1;

/** Each test has an instance of its own, so that several can run beside each other. */
export async function openService(
  instance: string,
  dropIn: readonly string[] = [],
): Promise<Service> {
  const broker = await startMosquitto();
  // Where the broker is started again, the daemon may be back on it before its subscriber is.
  const subscriber = await broker.subscribeForGood('sightd/porch/#');
  const unit = openUnit(instance);
  const faults = `/etc/sightd/${instance}.faults`;
  writeFileSync(faults, '');
  command('chgrp', 'sightd', faults);
  chmodSync(faults, 0o640);
  unit.override('test', [
    '[Service]',
    `Environment=SIGHTD_INJECT=${faults}`,
    `WatchdogSec=${watchdogSeconds}`,
    // Beside the line for the next run, which takes it away.
    `ExecStopPost=-/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" >>"$RUNTIME_DIRECTORY/ends"'`,
    'RestartSec=100ms',
    ...dropIn,
  ]);
  let heard = 0;
  const events = new Map<number, EventMessage>();
  const healths: HealthMessage[] = [];
  const hear = (): void => {
    for (; heard < subscriber.messages.length; heard += 1) {
      const { topic = '', payload = '' } = subscriber.messages[heard] ?? {};
      if (topic.endsWith('/health')) healths.push(healthMessageSchema.parse(JSON.parse(payload)));
      if (!topic.endsWith('/event')) continue;
      const event = eventMessageSchema.parse(JSON.parse(payload));
      events.set(event.id, event);
    }
  };
  const wait = <T>(what: string, look: () => T | undefined): Promise<T> =>
    unit.explained(() =>
      until(what, () => {
        hear();
        return look();
      }),
    );
  const configure = (more: object): void =>
    unit.configure({
      device: { id: 'porch' },
      camera: { source: 'scene', fps: 5, width: 320, height: 240 },
      mqtt: { url: broker.url },
      health: healthOf({}),
      ...more,
    });
  configure({});
  return {
    ...{ unit, broker, subscriber, configure },
    start: async () => {
      // Not to hold up the tests beside this one.
      command('systemctl', 'start', '--no-block', unit.name);
      const isWell = ({ state }: HealthMessage): boolean => state === 'ok';
      const { at } = await wait('it is well', () => healths.find(isWell));
      // By then it is also on record for the next run, which happens once a second.
      const since = Date.parse(at) + 2000;
      await wait('it stays so', () =>
        healths.find((one) => isWell(one) && Date.parse(one.at) >= since),
      );
      return unit.pid();
    },
    inject: (...lines) =>
      appendFileSync(faults, lines.map((line) => `${JSON.stringify(line)}\n`).join('')),
    injectNothing: () => writeFileSync(faults, ''),
    events: () => {
      hear();
      return [...events.values()];
    },
    healths: () => {
      hear();
      return healths;
    },
    untilEvent: (what, isIt) => wait(what, () => [...events.values()].find(isIt)),
    untilHealth: (what, isIt) => wait(what, () => healths.slice(-1).find(isIt)),
    untilBack: async (before) => {
      const found = await wait('another session', () => {
        const all = [...events.values()];
        const since = Math.min(...all.filter(isOf(before)).map(({ id }) => id));
        return all.find(
          ({ code, session, id }) => code === 'daemon.started' && session !== before && id > since,
        );
      });
      await wait('it is well again', () =>
        healths.find(({ state, session }) => state === 'ok' && session === found.session),
      );
      return found;
    },
    ends: () => readFileSync(`/run/sightd-${instance}/ends`, 'utf8').trim().split('\n'),
    session: () => {
      hear();
      return healths.at(-1)?.session ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      await unit[Symbol.asyncDispose]();
      rmSync(faults, { force: true });
      await subscriber.close();
      await broker.kill();
    },
  };
}

const isOf =
  (wanted: string) =>
  ({ session }: EventMessage): boolean =>
    session === wanted;

/** A config section with deadlines as short as this machine can keep. */
export const healthOf = (more: object): object => ({
  intervalSeconds: 1,
  frameDeadlineSeconds: deadlineSeconds,
  frozenSeconds: deadlineSeconds,
  inferenceDeadlineSeconds: 2 * deadlineSeconds,
  stopSeconds: slowness === 1 ? 5 : 30,
  ...more,
});

/** The rungs that were taken, in order, as `device 2`. */
export const rungsOf = (events: readonly EventMessage[]): readonly string[] =>
  events
    .filter(({ code }) => code === 'recovery.step')
    .map(({ data }) => `${data?.['rung']} ${data?.['attempt']}`);

/** Lets so much time pass: for what must not happen meanwhile. */
export const untilPassed = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));
