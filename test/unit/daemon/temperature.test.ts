import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openThermometer, type SystemFiles } from '../../../src/daemon/temperature.ts';

/** `/sys/class/thermal` with these zones: a type each, and what its `temp` holds. */
function filesOf(zones: readonly (readonly [type: string, temp: string | undefined])[]) {
  const texts = new Map<string, string>();
  for (const [at, [type, temp]] of zones.entries()) {
    texts.set(`/sys/class/thermal/thermal_zone${at}/type`, `${type}\n`);
    if (temp !== undefined) texts.set(`/sys/class/thermal/thermal_zone${at}/temp`, `${temp}\n`);
  }
  const files: SystemFiles = {
    namesIn: () => ['cooling_device0', ...zones.map((_, at) => `thermal_zone${at}`)],
    textOf: (path) => texts.get(path),
  };
  return { files, texts };
}

test("the processor's zone is read, in degrees", () => {
  const rows = [
    [[['cpu-thermal', '48312']], 48.3],
    [
      [
        ['iwlwifi_1', '39000'],
        ['acpitz', '27800'],
        ['x86_pkg_temp', '51000'],
      ],
      51,
    ],
    [
      [
        ['gpu-thermal', '40000'],
        ['cpu_thermal', '41000'],
      ],
      41,
    ],
    [[['soc-thermal', '-1500']], -1.5],
    [[['nvme', '30000']], 30],
    // A zone that tells nothing is none.
    [
      [
        ['cpu-thermal', undefined],
        ['ddr', '35000'],
      ],
      35,
    ],
    [[['cpu-thermal', 'broken']], undefined],
    [[], undefined],
  ] as const;
  for (const [zones, celsius] of rows) {
    assert.equal(openThermometer(filesOf(zones).files)(), celsius, JSON.stringify(zones));
  }
});

test('a sensor may fail for a while', () => {
  const { files, texts } = filesOf([['cpu-thermal', '48000']]);
  const thermometer = openThermometer(files);
  const path = '/sys/class/thermal/thermal_zone0/temp';
  texts.delete(path);
  assert.equal(thermometer(), undefined);
  texts.set(path, '49050\n');
  assert.equal(thermometer(), 49.1);
});

test('the machine that this runs on has a temperature, or none', () => {
  const celsius = openThermometer()();
  assert.ok(celsius === undefined || (celsius > -60 && celsius < 150), String(celsius));
});
