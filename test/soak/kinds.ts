import { writeFileSync } from 'node:fs';
import type { Random } from '../../src/base/random.ts';
import type { EventMessage, HealthMessage, Rung } from '../../src/contract/messages.ts';
import type { Broker } from './broker.ts';
import type { Unit } from './unit.ts';
import type { Watch } from './watch.ts';

/*
 * The faults of the experiment: how each is made, what must be said of it, and how long it may take until
 * frames are classified again.
 */

/** Everything that a fault can be made to. */
export type Device = {
  readonly unit: Unit;
  readonly watch: Watch;
  readonly broker: Broker;
  readonly random: Random;
  readonly configure: (change: Change) => void;
};

/** What a reload changes. */
export type Change = { readonly fps?: number; readonly slots?: number; readonly topK?: number };

/** When it was made, and when it was over where that is not the daemon's doing; ms since 1970. */
export type Made = { readonly at: number; readonly overAt: number };

/** What was heard since it was made. */
export type Since = {
  readonly events: readonly EventMessage[];
  readonly healths: readonly HealthMessage[];
  /** The ledger's `failed` before. */
  readonly failedBefore: number;
};

export type Kind = {
  readonly name: string;
  /** How many of a hundred, in the session that must live long, and in the time when processes end. */
  readonly share: { readonly long: number; readonly short: number };
  readonly make: (device: Device) => Promise<Made | undefined>;
  /** Whether it was named; undefined where it is shorter than any deadline and must only do no harm. */
  readonly isNamed: ((since: Since) => boolean) | undefined;
  /** How long until it is noticed, and again after a step that did not help. */
  readonly noticeMs: number;
  /** How long it lasts by itself. */
  readonly lastsMs: number;
  /** Nothing of the kind comes again for so long after it was over: else it was not. */
  readonly settleMs: number;
  /** Whose ladder it climbs, and from where. */
  readonly ladder: { readonly component: 'camera' | 'inference'; readonly least: Rung } | undefined;
  /** How the process ends of it, where it always does. */
  readonly end: ProcessEnd | undefined;
};

export type ProcessEnd = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What `daemon.started` says of it afterwards. */
  readonly said: Readonly<Record<string, string>>;
  /** How long the end itself may take. */
  readonly ms: number;
};

const quiet = 1200;
const none = { share: { long: 0, short: 0 }, noticeMs: 0, lastsMs: 0, settleMs: quiet } as const;
const plain = { ...none, isNamed: undefined, ladder: undefined, end: undefined } as const;

const hasEvent =
  (...codes: string[]) =>
  ({ events }: Since): boolean =>
    events.some(({ code }) => codes.includes(code));

/** Told once in ten minutes, but always seen in health. */
const isShown =
  (component: 'power' | 'disk', fault: string) =>
  ({ events, healths }: Since): boolean =>
    hasEvent(fault)({ events, healths, failedBefore: 0 }) ||
    healths.some(({ components }) => components[component].fault === fault);

/** Said in health, whatever events there were. */
const isSaid =
  (component: 'power', words: string) =>
  ({ healths }: Since): boolean =>
    healths.some(({ components }) => components[component].message?.includes(words));

const inject =
  (fault: object, lastsMs = 0) =>
  async ({ unit }: Device): Promise<Made | undefined> => {
    const at = await unit.inject(fault);
    return at === undefined ? undefined : { at, overAt: at + lastsMs };
  };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** So long that only a recovery can end it. */
const untilMended = 90;

type Ladder = {
  readonly fault: string;
  readonly code: string;
  readonly least: Rung;
  readonly noticeMs: number;
  readonly settleMs: number;
};
const stall: Ladder = {
  ...{ fault: 'camera.stall', code: 'camera.stalled', least: 'stream' },
  ...{ noticeMs: 1000, settleMs: 1600 },
};
const freeze: Ladder = {
  ...{ fault: 'camera.freeze', code: 'camera.frozen', least: 'device' },
  ...{ noticeMs: 2200, settleMs: 3200 },
};
const broken: Ladder = {
  ...{ fault: 'camera.broken', code: 'camera.broken', least: 'stream' },
  ...{ noticeMs: 200, settleMs: quiet },
};
const unopenable: Ladder = { ...broken, fault: 'camera.unopenable' };

/** A trouble of the camera that a step mends, or `undefined`: it is over after two and a half seconds. */
function troubleOf(
  { fault, code, least, noticeMs, settleMs }: Ladder,
  mendedBy: 'stream' | 'device' | 'worker' | undefined,
  share: Kind['share'],
): Kind {
  const lastsMs = mendedBy === undefined ? 2500 : 0;
  const seconds = mendedBy === undefined ? lastsMs / 1000 : untilMended;
  const by = mendedBy === undefined ? 'for 2.5 s' : `mended by ${mendedBy}`;
  return {
    name: `${fault} ${by}`,
    share,
    make: inject({ fault, seconds, ...(mendedBy === undefined ? {} : { mendedBy }) }, lastsMs),
    isNamed: hasEvent(code),
    ...{ noticeMs, lastsMs, settleMs },
    ladder: { component: 'camera', least },
    end: undefined,
  };
}

const ending = (
  name: string,
  short: number,
  fault: object,
  end: ProcessEnd,
  noticeMs = 0,
): Kind => ({
  ...plain,
  name,
  share: { long: 0, short },
  make: inject(fault),
  noticeMs,
  end,
});

const bySignal = (
  signal: NodeJS.Signals,
  said: Readonly<Record<string, string>>,
  ms = 0,
): ProcessEnd => ({ code: null, signal, said, ms });
const crashed = (signal: 'SIGABRT' | 'SIGSEGV'): ProcessEnd =>
  bySignal(signal, { previousEnd: 'crashed', previousSignal: signal.slice(3) });
const killed = bySignal('SIGKILL', { previousEnd: 'killed', previousSignal: 'KILL' });
const hung = (code: string): ProcessEnd =>
  // What is recorded is brought to the disk first, for a second at most.
  bySignal(
    'SIGKILL',
    { previousEnd: 'planned', previousFault: code, previousSignal: 'KILL' },
    1000,
  );

/** The broker is away for a second and a half, or silent for three. */
const awayMs = 1500;
const silentMs = 3000;

const brokerAway = (name: string, how: 'kill' | 'stop', long: number, short: number): Kind => ({
  ...plain,
  name,
  share: { long, short },
  make: async ({ broker }) => {
    const at = Date.now();
    await broker[how]();
    await pause(awayMs);
    await broker.start();
    return { at, overAt: Date.now() };
  },
  isNamed: hasEvent('mqtt.reconnected'),
  // The second of waiting before each try, the connection's own share of reconnectSecondsMax.
  noticeMs: 2000,
  lastsMs: awayMs + 500,
});

/** Another config and the one before again: each must be reported and be in force. */
async function reload({ unit, watch, configure, random }: Device): Promise<Made | undefined> {
  const changes: readonly Change[] = [{ fps: 12 }, { slots: 6 }, { topK: 2 }];
  const change = changes[Math.floor(random() * changes.length)] ?? {};
  const at = Date.now();
  let overAt = at;
  for (const wanted of [change, {}]) {
    const from = watch.reports.length;
    configure(wanted);
    unit.kill('SIGHUP');
    const isReported = (): boolean => watch.reports.slice(from).some(isInForce(wanted));
    if (!(await watch.until(isReported, 10_000))) return undefined;
    overAt = Date.now();
    const isSeen = (): boolean => (watch.results.at(-1)?.capturedAt ?? 0) > overAt;
    if (!(await watch.until(isSeen, 10_000))) return undefined;
  }
  return { at, overAt };
}

export const baseChange = { fps: 10, slots: 4, topK: 3 } as const;

function isInForce(change: Change) {
  const { fps, slots, topK } = { ...baseChange, ...change };
  return ({ state, config }: { state: string; config: Record<string, unknown> }): boolean => {
    const text = JSON.stringify(config);
    return (
      state === 'applied' &&
      [`"fps":${fps}`, `"slots":${slots}`, `"topK":${topK}`].every((part) => text.includes(part))
    );
  };
}

export const kinds: readonly Kind[] = [
  troubleOf(stall, 'stream', { long: 3, short: 2 }),
  troubleOf(stall, 'device', { long: 2, short: 1 }),
  troubleOf(stall, 'worker', { long: 1, short: 1 }),
  troubleOf(stall, undefined, { long: 2, short: 2 }),
  troubleOf(freeze, 'device', { long: 2, short: 2 }),
  troubleOf(freeze, 'worker', { long: 0, short: 1 }),
  troubleOf(broken, 'stream', { long: 1, short: 1 }),
  troubleOf(broken, undefined, { long: 1, short: 1 }),
  troubleOf(unopenable, 'device', { long: 2, short: 1 }),
  {
    ...plain,
    name: 'camera.throw',
    share: { long: 2, short: 4 },
    make: inject({ fault: 'camera.throw' }),
    isNamed: hasEvent('camera.died'),
    ladder: { component: 'camera', least: 'worker' },
  },
  {
    ...plain,
    name: 'camera.missing for 2 s',
    share: { long: 12, short: 2 },
    make: inject({ fault: 'camera.missing', seconds: 2 }, 2000),
    isNamed: hasEvent('camera.unplugged', 'camera.missing'),
    lastsMs: 2000,
  },
  {
    ...plain,
    name: 'camera.hang for 3 s',
    share: { long: 9, short: 0 },
    make: inject({ fault: 'camera.hang', seconds: 3 }, 3000),
    lastsMs: 3000,
  },
  // A call to a driver may take 30 s.
  ending(
    'camera.hang for ever',
    1,
    { fault: 'camera.hang', seconds: untilMended },
    hung('camera.hung'),
    31_000,
  ),
  {
    ...plain,
    name: 'inference.throw',
    share: { long: 6, short: 5 },
    make: inject({ fault: 'inference.throw' }),
    isNamed: hasEvent('inference.died'),
    ladder: { component: 'inference', least: 'worker' },
  },
  {
    ...plain,
    name: 'inference.fail',
    share: { long: 11, short: 2 },
    make: inject({ fault: 'inference.fail' }),
    isNamed: ({ healths, failedBefore }) =>
      healths.some(({ ledger }) => ledger.failed === failedBefore + 1),
  },
  ending('inference.abort', 8, { fault: 'inference.abort' }, crashed('SIGABRT')),
  ending('inference.segv', 8, { fault: 'inference.segv' }, crashed('SIGSEGV')),
  // health.inferenceDeadlineSeconds and the look, once a second.
  ending(
    'inference.hang',
    9,
    { fault: 'inference.hang', seconds: untilMended },
    hung('inference.hung'),
    3000,
  ),
  {
    ...plain,
    name: 'loop.block for 2 s',
    share: { long: 7, short: 1 },
    make: inject({ fault: 'loop.block', seconds: 2 }, 2000),
    lastsMs: 2000,
  },
  {
    ...plain,
    name: 'loop.block for 7 s',
    share: { long: 4, short: 0 },
    make: inject({ fault: 'loop.block', seconds: 7 }, 7000),
    isNamed: hasEvent('daemon.blocked'),
    lastsMs: 7000,
  },
  ending('process.kill', 9, { fault: 'process.kill' }, killed),
  ending('process.abort', 5, { fault: 'process.abort' }, crashed('SIGABRT')),
  ending('process.segv', 5, { fault: 'process.segv' }, crashed('SIGSEGV')),
  {
    ...plain,
    name: 'process.kill without a broker',
    share: { long: 0, short: 4 },
    make: async (device) => {
      const at = Date.now();
      await device.broker.stop();
      if ((await device.unit.inject({ fault: 'process.kill' })) === undefined) return undefined;
      await pause(awayMs);
      await device.broker.start();
      return { at, overAt: Date.now() };
    },
    noticeMs: 2000,
    lastsMs: awayMs + 500,
    end: killed,
  },
  {
    ...plain,
    name: 'SIGTERM',
    share: { long: 0, short: 9 },
    make: async ({ unit }) => {
      const at = Date.now();
      unit.kill('SIGTERM');
      return { at, overAt: at };
    },
    isNamed: hasEvent('daemon.stopping'),
    // health.stopSeconds.
    end: { code: 0, signal: null, said: {}, ms: 5000 },
  },
  // Three samples, ten seconds apart, and the orderly stop.
  ending(
    'memory over its limit',
    2,
    { fault: 'memory', megabytes: 2000, seconds: untilMended },
    {
      code: 75,
      signal: null,
      said: { previousEnd: 'planned', previousFault: 'daemon.memory' },
      ms: 5000,
    },
    31_000,
  ),
  brokerAway('broker killed', 'kill', 7, 3),
  brokerAway('broker restarted', 'stop', 7, 2),
  {
    ...plain,
    name: 'broker silent for 3 s',
    share: { long: 7, short: 2 },
    make: async ({ broker }) => {
      const at = Date.now();
      broker.pause();
      await pause(silentMs);
      broker.goOn();
      return { at, overAt: Date.now() };
    },
    lastsMs: silentMs,
  },
  {
    ...plain,
    name: 'temperature of 90 °C',
    share: { long: 2, short: 0 },
    make: inject({ fault: 'temperature', celsius: 90, seconds: 9 }),
    // Where the rate was just halved, that is given time to help.
    isNamed: (since) => hasEvent('power.limited')(since) || isSaid('power', 'has 90 °C now')(since),
    // The median of three samples, two seconds apart.
    noticeMs: 7000,
  },
  {
    ...plain,
    name: 'under-voltage',
    share: { long: 3, short: 1 },
    make: inject({ fault: 'under-voltage', seconds: 7 }),
    isNamed: isShown('power', 'power.under-voltage'),
    // Seen twice, two seconds apart.
    noticeMs: 5000,
  },
  {
    ...plain,
    name: 'disk.full',
    share: { long: 5, short: 1 },
    make: inject({ fault: 'disk.full', seconds: 3 }),
    isNamed: isShown('disk', 'disk.full'),
    noticeMs: 2000,
  },
  {
    ...plain,
    name: 'SIGHUP with another config, and back',
    share: { long: 12, short: 3 },
    make: reload,
    // Each time at most a ring is made anew.
    lastsMs: 4000,
  },
];

export function writeConfig(path: string, url: string, state: string, change: Change): void {
  const { fps, slots, topK } = { ...baseChange, ...change };
  const config = {
    device: { id: 'soak' },
    camera: { source: 'scene', width: 320, height: 240, fps },
    queue: { slots },
    publish: { topK, resultsPerSecondMax: 0 },
    mqtt: { url, reconnectSecondsMax: 2 },
    stateDir: state,
    health: {
      ...{ intervalSeconds: 1, frameDeadlineSeconds: 1, frozenSeconds: 2 },
      ...{ inferenceDeadlineSeconds: 2, restartsPerHourMax: 0 },
    },
  };
  writeFileSync(path, JSON.stringify(config));
}
