import type { Log } from '../../src/base/log.ts';
import { type Clock, createWallClock } from '../../src/base/time.ts';
import { configSchema } from '../../src/contract/config.ts';
import { topicsOf } from '../../src/contract/contract.ts';
import { type Commands, openCommands, type Perform } from '../../src/daemon/commands.ts';
import type { Delivered, Publication } from '../../src/mqtt/outgoing.ts';
import type { Incoming, IncomingListener } from '../../src/mqtt/subscriptions.ts';
import { createManualClock } from './manual-clock.ts';

export const wall = Date.UTC(2026, 4, 4, 14, 17);
export const topics = topicsOf('sightd', 'porch');

/** An instant so many seconds after the tests' present. */
export const later = (seconds: number): string => new Date(wall + seconds * 1000).toISOString();

/**
 * A connection as the mqtt package has it: what comes in, acknowledgements too, is taken one after the
 * other, and a promise that a listener returns holds all of it back.
 */
export function createFakeLine() {
  const listeners = new Map<string, IncomingListener>();
  const published: Publication[] = [];
  const incoming: (() => unknown)[] = [];
  let outcome: Delivered = 'acknowledged';
  let isRunning = false;
  let waiting: (() => void)[] = [];
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    for (let next = incoming.shift(); next !== undefined; next = incoming.shift()) {
      const held = next();
      if (held instanceof Promise) await held;
    }
    isRunning = false;
  };
  const link = {
    subscribe: (topic: string, listener: IncomingListener): Disposable => {
      listeners.set(topic, listener);
      return { [Symbol.dispose]: () => listeners.delete(topic) };
    },
    publish: (message: Publication, signal: AbortSignal): Promise<Delivered> => {
      if (signal.aborted) return Promise.resolve('lost');
      published.push(message);
      const told = outcome;
      if (message.qos === 0) return Promise.resolve(told);
      return new Promise((resolve) => {
        incoming.push(() => resolve(told));
        void run();
      });
    },
    untilOnline: (): Promise<void> => new Promise((resolve) => waiting.push(resolve)),
  };
  return {
    link,
    listeners,
    published,
    payloads: () => published.map(({ payload }) => JSON.parse(String(payload)) as unknown),
    /** What becomes of what is published from now on. */
    answer: (next: Delivered) => {
      outcome = next;
    },
    connect: () => {
      for (const resume of waiting) resume();
      waiting = [];
    },
    /** Queues messages, and takes all that is queued. */
    receive: (messages: readonly Incoming[]): Promise<void> => {
      for (const message of messages) {
        incoming.push(() => listeners.get(message.topic)?.(message));
      }
      return run();
    },
  };
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
};

export const commandOf = (
  name: string,
  payload: unknown,
  more: Partial<Pick<Incoming, 'retained' | 'properties'>> = {},
): Incoming => ({
  topic: `sightd/porch/command/${name}`,
  payload: payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload)),
  retained: false,
  properties: {},
  ...more,
});

/** Commands on a made-up connection. */
export function openTestCommands(
  perform: Perform,
  clock: Clock & { advance(ms: number): void } = createManualClock(),
): {
  readonly line: ReturnType<typeof createFakeLine>;
  readonly commands: Commands;
  readonly clock: typeof clock;
} {
  const line = createFakeLine();
  const commands = openCommands({
    config: configSchema.parse({}).commands,
    topics,
    session: 'session',
    link: line.link,
    log: silentLog,
    clock,
    wallClock: createWallClock(clock, () => wall),
    wallNow: () => wall,
    perform,
  });
  return { line, commands, clock };
}
