import { type Fault, fault } from '../base/fault.ts';
import { type Micros, seconds } from '../base/time.ts';
import { type Debounced, isOff, stepDebounced } from './debounced.ts';
import type { Throttled } from './throttled.ts';

/*
 * Fewer frames are classified while the processor is hot, as a pure function of what its sensors say.
 * At the highest temperature the rate is halved, again and again while that does not help; once it has
 * been cooler for a while, it is doubled step by step.
 *
 * The firmware of a Raspberry Pi slows the processor down by itself at 80 to 85 degrees: that counts as
 * heat, and whoever classifies fewer frames gets them sooner. A supply voltage that is too low is told
 * and changes no rate: it comes from the supply, its cable or what else hangs on it, dips for
 * milliseconds, and fewer frames would neither mend it nor be noticed. Where it is so low that the
 * firmware slows the processor down, that counts.
 */

export type PowerReading = {
  /** Undefined where the system tells none, or does not now. */
  readonly celsius: number | undefined;
  readonly throttled: Throttled | undefined;
};

export type PowerPolicy = {
  /** 0: nothing is limited, whatever the heat. */
  readonly temperatureMaxCelsius: number;
  /** The camera's rate, of which less is taken; undefined where no frame may be let go. */
  readonly fps: number | undefined;
};

type Cause = 'hot' | 'throttled';

export type PowerState = {
  /** The last plausible temperatures, oldest first. */
  readonly recent: readonly { readonly at: Micros; readonly celsius: number }[];
  readonly underVoltage: Debounced;
  /** The firmware slows the processor down. */
  readonly slowed: Debounced;
  /** How often the rate is halved. */
  readonly level: number;
  readonly halvedAt: Micros | undefined;
  readonly doubledAt: Micros | undefined;
  /** How often doubling the rate made it hot again. */
  readonly relapses: number;
  readonly coolSince: Micros | undefined;
  /** Why the rate is limited, or would be; until it has been cool for a while. */
  readonly cause: Cause | undefined;
};

/** What changed: to be told. */
export type PowerChange =
  | {
      readonly kind: 'limited';
      readonly celsius: number | undefined;
      /** Frames a second that are classified at most. */
      readonly fpsMax: number;
    }
  | { readonly kind: 'restored'; readonly celsius: number | undefined };

export type PowerView = {
  /** Frames a second that are to be classified at most; undefined: all that can be. */
  readonly limit: number | undefined;
  /** Undefined when all is well. */
  readonly fault: Fault | undefined;
};

export const initialPower: PowerState = {
  recent: [],
  underVoltage: isOff,
  slowed: isOff,
  level: 0,
  halvedAt: undefined,
  doubledAt: undefined,
  relapses: 0,
  coolSince: undefined,
  cause: undefined,
};

const second = 1_000_000;
/** Where the sensors of processors that run can be; beyond it a sensor is broken. */
const celsiusLeast = -40;
const celsiusMost = 125;
/** The median of so many is believed: one that is absurd but plausible is never the median. */
const recentMax = 3;
/** A sensor that said nothing for so long tells no temperature any more. */
const recentFor = 60 * second;
/** What is older counts neither as hot nor as cool. */
const freshFor = 10 * second;
/** A heat sink needs about this until less work shows in the temperature. */
const halveEvery = 20 * second;
/** Cooler by this it must be before there is more to do. */
const coolerBy = 5;
/** And for so long; doubled whenever it got hot again soon after the rate was doubled. */
const coolFor = 30 * second;
const relapseWithin = 300 * second;
/** 16 minutes: a device that is too hot for its work says so no more often than four times an hour. */
const relapsesMax = 5;
const relapsesForgottenAfter = 1800 * second;
const fpsLeast = 1;
/** Supplies that are too weak dip with every peak of the load. */
const alarmFor = seconds(30);
/** Shorter than the time between two changes: a short burst is one change. */
const slowedFor = seconds(15);

export function stepPower(
  before: PowerState,
  reading: PowerReading,
  now: Micros,
  policy: PowerPolicy,
): { readonly state: PowerState; readonly changes: readonly PowerChange[] } {
  const sensed = sense(before, reading, now);
  const heat = heatOf(sensed, now, policy);
  const coolSince = heat === 'cool' ? (sensed.coolSince ?? now) : undefined;
  const isUnlimited = policy.temperatureMaxCelsius <= 0 && sensed.cause === 'hot';
  const cause = heat === 'hot' ? causeOf(sensed, policy) : isUnlimited ? undefined : sensed.cause;
  const state = stepLevel({ ...sensed, coolSince, cause }, heat === 'hot', now, policy);
  return { state, changes: changesOf(before, state, policy) };
}

/** What is said of it, and to be done. */
export function powerViewOf(state: PowerState, policy: PowerPolicy): PowerView {
  return { limit: limitAt(state.level, policy), fault: faultOf(state, policy) };
}

/** The believed temperature, to a tenth of a degree. */
export function celsiusOf({ recent }: Pick<PowerState, 'recent'>): number | undefined {
  const sorted = recent.map(({ celsius }) => celsius).sort((a, b) => a - b);
  return sorted.length < recentMax ? undefined : sorted[(recentMax - 1) / 2];
}

/** The same, or from the start the newest there is. */
export const shownCelsiusOf = (state: PowerState): number | undefined =>
  celsiusOf(state) ?? state.recent.at(-1)?.celsius;

function sense(state: PowerState, { celsius, throttled }: PowerReading, now: Micros): PowerState {
  const isPlausible = celsius !== undefined && celsius >= celsiusLeast && celsius <= celsiusMost;
  const recent = isPlausible ? [...state.recent, { at: now, celsius }] : state.recent;
  // A capped clock alone is what too little power does; with enough of it, it is the heat.
  const isSlowed =
    throttled !== undefined &&
    (throttled.throttled || throttled.softLimit || (throttled.capped && !throttled.underVoltage));
  return {
    ...state,
    recent: recent.slice(-recentMax).filter(({ at }) => now - at < recentFor),
    underVoltage: stepDebounced(
      state.underVoltage,
      throttled?.underVoltage === true,
      now,
      alarmFor,
    ),
    slowed: stepDebounced(state.slowed, isSlowed, now, slowedFor),
  };
}

/**
 * Between hot and cool nothing changes. A temperature that has been unknown for a minute is none to
 * wait for: the firmware guards the processor, and the rate is given back as if it were cool.
 */
function heatOf(
  state: PowerState,
  now: Micros,
  { temperatureMaxCelsius: most }: PowerPolicy,
): 'hot' | 'between' | 'cool' {
  const celsius = celsiusOf(state);
  const newest = state.recent.at(-1);
  if (state.slowed.isOn) return 'hot';
  if (newest === undefined) return 'cool';
  if (celsius === undefined || now - newest.at > freshFor) return 'between';
  if (most <= 0) return 'cool';
  return celsius >= most ? 'hot' : celsius <= most - coolerBy ? 'cool' : 'between';
}

function causeOf(state: PowerState, { temperatureMaxCelsius: most }: PowerPolicy): Cause {
  const celsius = celsiusOf(state);
  return celsius !== undefined && most > 0 && celsius >= most ? 'hot' : 'throttled';
}

function stepLevel(
  state: PowerState,
  isHot: boolean,
  now: Micros,
  policy: PowerPolicy,
): PowerState {
  const levelMost = levelMostOf(policy);
  // Another config, in which less can be limited.
  const level = Math.min(state.level, levelMost);
  const since = (instant: Micros | undefined): number =>
    instant === undefined ? Number.POSITIVE_INFINITY : now - instant;
  if (isHot && level < levelMost && since(state.halvedAt) >= halveEvery) {
    const isRelapse = since(state.doubledAt) < relapseWithin;
    return {
      ...state,
      level: level + 1,
      halvedAt: now,
      doubledAt: undefined,
      relapses: Math.min(relapsesMax, state.relapses + (isRelapse ? 1 : 0)),
    };
  }
  const patience = coolFor * 2 ** state.relapses;
  const isPatient = state.coolSince !== undefined && now - state.coolSince >= patience;
  if (isPatient && level > 0) {
    const cause = level === 1 ? undefined : state.cause;
    return { ...state, doubledAt: now, coolSince: now, level: level - 1, cause };
  }
  const isForgotten = level === 0 && since(state.halvedAt) >= relapsesForgottenAfter;
  return {
    ...state,
    level,
    relapses: isForgotten ? 0 : state.relapses,
    cause: isPatient ? undefined : state.cause,
  };
}

/** As often as halving makes a difference: 30 frames a second become 1 in five steps. */
function levelMostOf({ temperatureMaxCelsius, fps }: PowerPolicy): number {
  if (temperatureMaxCelsius <= 0 || fps === undefined || fps <= fpsLeast) return 0;
  return Math.ceil(Math.log2(fps / fpsLeast));
}

function limitAt(level: number, policy: PowerPolicy): number | undefined {
  const halvings = Math.min(level, levelMostOf(policy));
  if (halvings === 0 || policy.fps === undefined) return undefined;
  return Math.max(fpsLeast, Math.round((policy.fps / 2 ** halvings) * 10) / 10);
}

function changesOf(
  before: PowerState,
  after: PowerState,
  policy: PowerPolicy,
): readonly PowerChange[] {
  const celsius = celsiusOf(after);
  const fpsMax = limitAt(after.level, policy);
  if (after.level > before.level && fpsMax !== undefined) {
    return [{ kind: 'limited', celsius, fpsMax }];
  }
  return before.level > 0 && after.level === 0 ? [{ kind: 'restored', celsius }] : [];
}

const supplyMend =
  'Use the power supply that is made for this board and a short cable, and give USB devices power of their own.';
const coolMend =
  'Give it a heat sink, a fan or more air; or lower camera.fps, or take a smaller model.';

function faultOf(state: PowerState, policy: PowerPolicy): Fault | undefined {
  if (state.underVoltage.isOn) {
    return fault('power.under-voltage', 'the supply voltage is too low', supplyMend);
  }
  if (state.cause === undefined) return undefined;
  const limit = limitAt(state.level, policy);
  const done = limit === undefined ? '' : `; at most ${limit} frames a second are classified`;
  if (state.cause === 'throttled') {
    const sentence = `the firmware slows the processor down: too much heat or too little power${done}`;
    return fault('power.throttled', sentence, coolMend);
  }
  const celsius = celsiusOf(state);
  const most = policy.temperatureMaxCelsius;
  const now = celsius === undefined ? '' : `, and has ${celsius} °C now`;
  return fault('power.hot', `the processor was at ${most} °C or more${now}${done}`, coolMend);
}
