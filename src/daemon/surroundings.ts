import type { Fault } from '../base/fault.ts';
import { isDue, type Micros, seconds, type WallClock } from '../base/time.ts';
import { type Config, isLosslessRun } from '../contract/config.ts';
import type { Outbox } from '../mqtt/outbox.ts';
import { createDiskWatch } from './disk-watch.ts';
import { createFaultNews, type FaultChange } from './fault-news.ts';
import { isOverBudget, memoryFault, memoryLimitOf, samplesOver } from './memory-watch.ts';
import { noOutboxLosses, outboxFaultOf, stepLosses } from './outbox-state.ts';
import {
  initialPower,
  type PowerChange,
  type PowerPolicy,
  type PowerReading,
  type PowerView,
  powerViewOf,
  shownCelsiusOf,
  stepPower,
} from './power.ts';
import { type Override, overridable, type Probes } from './probes.ts';
import type { RemoteStore } from './remote-store.ts';

/** What the device gives the daemon to live on: power, coolness, memory, disk and the time. */
export type Surroundings = {
  readonly power: PowerView;
  readonly memory: Fault | undefined;
  readonly disk: Fault | undefined;
  readonly outbox: Fault | undefined;
  /** The processor's temperature; undefined where the system tells none. */
  readonly celsius: number | undefined;
  /** What is to be told of since the last look; the others say how things are. */
  readonly changes: readonly SurroundingsChange[];
};

export type SurroundingsChange = PowerChange | FaultChange;

export interface SurroundingsWatch {
  /** Called once a second; each part is looked at when its time has come. */
  look(now: Micros): Surroundings;
  /** Makes something go wrong; in builds that have their tests only. */
  override(reading: Override): void;
}

export type SurroundingsOptions = {
  readonly wallClock: Pick<WallClock, 'look'>;
  /** Undefined where nothing is kept. */
  readonly stateDir: string | undefined;
  readonly config: () => Config;
  readonly outbox: Pick<Outbox, 'figures' | 'trouble'>;
  /** Undefined where no change of the config is kept. */
  readonly remoteStore: Pick<RemoteStore, 'trouble'> | undefined;
  readonly probes: Probes;
};

/**
 * At every other look, which comes once a second but not to the millisecond. Heat takes seconds to build up;
 * the firmware's flags are of the last two.
 */
const powerEvery = seconds(1.5);
/** Where there is no such firmware; its driver may be loaded late. */
const firmwareEvery = seconds(60);
const memoryEvery = seconds(10);
/** A config from afar is written once in months: its trouble does not stand until the next time. */
const unwrittenFor = seconds(600);

export function openSurroundings(options: SurroundingsOptions): SurroundingsWatch {
  const { stateDir, config, outbox } = options;
  const probes = overridable(options.probes);
  const power = createPowerWatch(probes);
  const memory = createMemoryWatch(probes);
  const disk = stateDir === undefined ? undefined : createDiskWatch(stateDir, probes.readDisk);
  const news = createFaultNews();
  let losses = noOutboxLosses;
  let found: { readonly trouble: Fault; readonly at: Micros } | undefined;

  const unwritten = (now: Micros): Fault | undefined => {
    const trouble = options.remoteStore?.trouble();
    if (trouble !== found?.trouble) found = trouble && { trouble, at: now };
    return isDue(now, found?.at, unwrittenFor) ? undefined : found?.trouble;
  };

  return {
    look: (now) => {
      options.wallClock.look();
      const powered = power.look(now, powerPolicyOf(config()));
      const memoryFound = memory(now, config().health.memoryMegabytesMax);
      const stored = outbox.trouble();
      const troubles = allOf(stored, unwritten(now));
      const diskFound = disk?.look(now, troubles);
      const figures = outbox.figures();
      losses = stepLosses(losses, figures, now);
      const present = allOf(powered.view.fault, memoryFound, diskFound);
      return {
        power: powered.view,
        memory: memoryFound,
        disk: diskFound,
        outbox: outboxFaultOf(figures, losses, now, stored),
        celsius: powered.celsius,
        changes: [...news(present, now), ...powered.changes],
      };
    },
    override: (reading) => {
      probes.override(reading);
      power.hurry();
      disk?.hurry();
    },
  };
}

const allOf = (...faults: readonly (Fault | undefined)[]): readonly Fault[] =>
  faults.filter((one) => one !== undefined);

const powerPolicyOf = ({ camera, health }: Config): PowerPolicy => ({
  temperatureMaxCelsius: health.temperatureMaxCelsius,
  fps: isLosslessRun(camera) ? undefined : camera.fps,
});

type PowerLook = {
  readonly view: PowerView;
  readonly celsius: number | undefined;
  readonly changes: readonly PowerChange[];
};

type PowerWatch = {
  readonly look: (now: Micros, policy: PowerPolicy) => PowerLook;
  /** Firmware that was missing may be there. */
  readonly hurry: () => void;
};

function createPowerWatch(probes: Probes): PowerWatch {
  let state = initialPower;
  let lookedAt: Micros | undefined;
  let missedAt: Micros | undefined;

  const read = (now: Micros): PowerReading => {
    const celsius = probes.celsius();
    if (!isDue(now, missedAt, firmwareEvery)) return { celsius, throttled: undefined };
    const throttled = probes.throttled();
    missedAt = throttled === undefined ? now : undefined;
    return { celsius, throttled };
  };

  return {
    look: (now, policy) => {
      let changes: readonly PowerChange[] = [];
      if (isDue(now, lookedAt, powerEvery)) {
        lookedAt = now;
        ({ state, changes } = stepPower(state, read(now), now, policy));
      }
      return { view: powerViewOf(state, policy), celsius: shownCelsiusOf(state), changes };
    },
    hurry: () => {
      missedAt = undefined;
    },
  };
}

function createMemoryWatch(
  probes: Probes,
): (now: Micros, megabytesMax: number) => Fault | undefined {
  let samples: readonly number[] = [];
  let sampledAt: Micros | undefined;
  return (now, megabytesMax) => {
    if (isDue(now, sampledAt, memoryEvery)) {
      sampledAt = now;
      samples = [...samples, probes.residentBytes()].slice(-samplesOver);
    }
    const limit = memoryLimitOf(megabytesMax, probes.groupBytes);
    return isOverBudget(samples, limit) ? memoryFault(samples.at(-1) ?? 0, limit) : undefined;
  };
}
