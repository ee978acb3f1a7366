import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import {
  celsiusOf,
  initialPower,
  type PowerChange,
  type PowerPolicy,
  type PowerReading,
  type PowerState,
  powerViewOf,
  stepPower,
} from '../../../src/daemon/power.ts';
import type { Throttled } from '../../../src/daemon/throttled.ts';

const calm: Throttled = {
  underVoltage: false,
  capped: false,
  throttled: false,
  softLimit: false,
  wasUnderVoltage: false,
  wasCapped: false,
  wasThrottled: false,
  wasSoftLimit: false,
  isComplete: true,
};
const usual: PowerPolicy = { temperatureMaxCelsius: 75, fps: 30 };
const period = 2;

/** A device that is looked at every two seconds; readings are functions of the seconds. */
function createDevice(policy: PowerPolicy = usual) {
  let state: PowerState = initialPower;
  let at = 0;
  let asked = policy;
  const told: (PowerChange & { readonly at: number })[] = [];
  const limits: { readonly at: number; readonly fps: number | undefined }[] = [];
  const step = (reading: PowerReading): void => {
    at += period;
    const stepped = stepPower(state, reading, micros(at * 1_000_000), asked);
    state = stepped.state;
    told.push(...stepped.changes.map((change) => ({ ...change, at })));
    const { limit } = powerViewOf(state, asked);
    if (limit !== limits.at(-1)?.fps) limits.push({ at, fps: limit });
  };
  return {
    told,
    limits,
    step,
    ask: (next: PowerPolicy) => {
      asked = next;
    },
    state: () => state,
    at: () => at,
    limit: () => powerViewOf(state, asked).limit,
    fault: () => powerViewOf(state, asked).fault,
    /** Goes on for so many seconds. */
    go: (seconds: number, reading: Partial<PowerReading>) => {
      for (const end = at + seconds; at < end; ) {
        step({ celsius: undefined, throttled: undefined, ...reading });
      }
    },
  };
}

test('a cool device is well, and so is one without sensors', () => {
  for (const reading of [{ celsius: 74.9, throttled: calm }, { celsius: 20 }, {}]) {
    const device = createDevice();
    device.go(3600, reading);
    assert.equal(device.limit(), undefined);
    assert.equal(device.fault(), undefined);
    assert.deepEqual(device.told, []);
  }
});

test('what happened since the start of the machine is not the present', () => {
  const was = { wasUnderVoltage: true, wasCapped: true, wasThrottled: true, wasSoftLimit: true };
  const device = createDevice();
  device.go(600, { celsius: 50, throttled: { ...calm, ...was } });
  assert.equal(device.fault(), undefined);
  assert.equal(device.limit(), undefined);
});

test('at its highest temperature the rate is halved, every 20 s again, down to one frame', () => {
  const device = createDevice();
  device.go(30, { celsius: 60 });
  device.go(150, { celsius: 75 });
  assert.deepEqual(device.limits, [
    { at: 34, fps: 15 },
    { at: 54, fps: 7.5 },
    { at: 74, fps: 3.8 },
    { at: 94, fps: 1.9 },
    { at: 114, fps: 1 },
  ]);
  assert.deepEqual(device.told[0], { kind: 'limited', celsius: 75, fpsMax: 15, at: 34 });
  assert.equal(device.told.length, 5);
  const { code, message } = device.fault() ?? {};
  assert.equal(code, 'power.hot');
  assert.match(String(message), /was at 75 °C or more, and has 75 °C now; at most 1 frames/);
});

test('cooler by 5 degrees for 30 s in a row gives a step back, and that is told at the end', () => {
  const device = createDevice();
  device.go(26, { celsius: 80 });
  assert.equal(device.limit(), 7.5);
  device.go(300, { celsius: 70.1 });
  assert.equal(device.limit(), 7.5, 'between hot and cool nothing changes');
  assert.equal(device.fault()?.code, 'power.hot');
  device.go(28, { celsius: 70 });
  device.go(4, { celsius: 71 });
  device.go(32, { celsius: 70 });
  assert.equal(device.limit(), 7.5, 'in a row');
  device.go(6, { celsius: 70 });
  assert.equal(device.limit(), 15);
  assert.equal(device.told.filter(({ kind }) => kind === 'restored').length, 0);
  device.go(32, { celsius: 69 });
  assert.equal(device.limit(), undefined);
  assert.equal(device.fault(), undefined);
  const { at: _at, ...last } = device.told.at(-1) ?? { at: 0 };
  assert.deepEqual(last, { kind: 'restored', celsius: 69 });
});

test('one absurd reading, and readings that are missing, change nothing', () => {
  for (const glitch of [110, 200, -273, 0, Number.NaN, 75, undefined]) {
    const device = createDevice();
    for (let count = 0; count < 600; count += 1) {
      device.step({ celsius: count % 10 === 5 ? glitch : 65, throttled: undefined });
    }
    assert.deepEqual(device.told, [], String(glitch));
    assert.equal(celsiusOf(device.state()), 65);
    // Nor do they cool a hot one.
    for (let count = 0; count < 60; count += 1) {
      device.step({ celsius: count % 10 === 5 ? glitch : 80, throttled: undefined });
    }
    assert.equal(device.limit(), 1, String(glitch));
  }
});

test('a sensor that is lost keeps the limit for a minute, then it is given back', () => {
  const device = createDevice();
  device.go(8, { celsius: 80 });
  assert.equal(device.limit(), 15);
  device.go(60, {});
  assert.equal(device.limit(), 15);
  device.go(40, {});
  assert.equal(device.limit(), undefined);
});

const flags: readonly [
  what: string,
  throttled: Partial<Throttled>,
  fault: string | undefined,
  isLimited: boolean,
][] = [
  ['the voltage', { underVoltage: true }, 'power.under-voltage', false],
  ['voltage and cap', { underVoltage: true, capped: true }, 'power.under-voltage', false],
  ['voltage, and slowed', { underVoltage: true, throttled: true }, 'power.under-voltage', true],
  ['slowed', { throttled: true }, 'power.throttled', true],
  ['the first limit', { softLimit: true }, 'power.throttled', true],
  ['capped with power enough', { capped: true }, 'power.throttled', true],
];
for (const [what, throttled, code, isLimited] of flags) {
  test(`the firmware's flags: ${what}`, () => {
    const device = createDevice();
    device.step({ celsius: 60, throttled: { ...calm, ...throttled } });
    device.go(20, { celsius: 60, throttled: calm });
    assert.equal(device.fault(), undefined, 'seen once');
    device.go(4, { celsius: 60, throttled: { ...calm, ...throttled } });
    assert.equal(device.fault()?.code, code);
    assert.equal(device.limit(), isLimited ? 15 : undefined);
    device.go(120, { celsius: 60, throttled: calm });
    assert.equal(device.fault(), undefined);
    assert.equal(device.limit(), undefined);
  });
}

test('an alarm that flickers is one alarm', () => {
  const device = createDevice();
  let changes = 0;
  let before: string | undefined;
  for (let count = 0; count < 1800; count += 1) {
    const underVoltage = count % 4 === 0;
    device.step({ celsius: 50, throttled: { ...calm, underVoltage } });
    const code = device.fault()?.code;
    if (code !== before) changes += 1;
    before = code;
  }
  assert.equal(changes, 1);
  assert.equal(before, 'power.under-voltage');
});

test('without a limit of temperature nothing is limited, and slowing down is told', () => {
  const device = createDevice({ ...usual, temperatureMaxCelsius: 0 });
  device.go(120, { celsius: 99 });
  assert.equal(device.fault(), undefined);
  device.go(120, { celsius: 99, throttled: { ...calm, throttled: true } });
  assert.equal(device.fault()?.code, 'power.throttled');
  assert.equal(device.limit(), undefined);
  assert.deepEqual(device.told, []);
});

test('where no frame may be let go, or there is but one a second, heat is told only', () => {
  for (const fps of [undefined, 1, 0.2]) {
    const device = createDevice({ ...usual, fps });
    device.go(120, { celsius: 80 });
    assert.equal(device.fault()?.code, 'power.hot');
    assert.equal(device.limit(), undefined);
    assert.deepEqual(device.told, []);
    device.go(60, { celsius: 60 });
    assert.equal(device.fault(), undefined);
  }
});

test('a config that changes counts at once', () => {
  const device = createDevice();
  device.go(60, { celsius: 80 });
  assert.equal(device.limit(), 3.8);
  device.ask({ ...usual, fps: 10 });
  assert.equal(device.limit(), 1.3);
  device.ask({ ...usual, fps: 2 });
  device.go(2, { celsius: 72 });
  assert.equal(device.limit(), 1);
  device.ask({ ...usual, temperatureMaxCelsius: 0 });
  device.go(2, { celsius: 72 });
  assert.equal(device.limit(), undefined);
  assert.equal(device.fault(), undefined);
  assert.equal(device.told.at(-1)?.kind, 'restored');
});

/** A processor that warms up with its work, in an hour of heat: one time constant, as a heat sink has. */
function simulate(idle: number, atFull: number, tau: number, hours: number) {
  const device = createDevice();
  let celsius = idle;
  let hottest = 0;
  let noise = 1;
  for (let at = 0; at < hours * 3600; at += period) {
    const share = (device.limit() ?? 30) / 30;
    const target = idle + (atFull - idle) * share;
    celsius += ((target - celsius) * period) / tau;
    // A sensor's half degree, and now and then nonsense.
    noise = (noise * 16807) % 2147483647;
    const read = celsius + (noise % 100) / 100 - 0.5;
    const shown = noise % 50 === 0 ? 120 : noise % 37 === 0 ? undefined : read;
    device.step({ celsius: shown, throttled: undefined });
    if (at > 300) hottest = Math.max(hottest, celsius);
  }
  return { device, hottest };
}

const climates: readonly [what: string, idle: number, atFull: number, tau: number][] = [
  ['a little too warm', 45, 78, 60],
  ['a small board in the sun', 55, 100, 60],
  ['a heat sink', 50, 90, 240],
  ['next to no mass', 45, 95, 12],
];
for (const [what, idle, atFull, tau] of climates) {
  test(`heat over hours: ${what}`, () => {
    const { device, hottest } = simulate(idle, atFull, tau, 6);
    const changesIn = (seconds: number): number =>
      Math.max(
        ...device.limits.map(
          ({ at }) => device.limits.filter((one) => one.at >= at && one.at < at + seconds).length,
        ),
      );
    assert.ok(hottest < 82, `it stays below what the firmware allows: ${hottest}`);
    assert.ok(changesIn(60) <= 4, `${changesIn(60)} changes in a minute`);
    // After the first two hours what does not last is tried four times an hour.
    const late = device.told.filter(({ at }) => at > 2 * 3600).length / 4;
    assert.ok(late <= 10, `${late} changes told an hour`);
    assert.ok(device.limits.some(({ fps }) => fps !== undefined));
  });
}

test('a device that is too hot for good stays at one frame a second, and says so', () => {
  const { device } = simulate(80, 90, 60, 1);
  assert.equal(device.limit(), 1);
  assert.equal(device.fault()?.code, 'power.hot');
  assert.equal(device.told.length, 5);
});
