import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SystemFiles } from '../../../src/daemon/temperature.ts';
import { parseThrottled, readThrottled, type Throttled } from '../../../src/daemon/throttled.ts';

/** A machine with these files and no others. */
function filesOf(texts: Readonly<Record<string, string>>): SystemFiles {
  return {
    namesIn: (folder) => {
      const below = Object.keys(texts).filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))];
    },
    textOf: (path) => texts[path],
  };
}

const setOf = (flags: Throttled | undefined): readonly string[] =>
  Object.entries(flags ?? {}).flatMap(([name, isSet]) => (isSet ? [name] : []));

test("the firmware's bits are named", () => {
  const rows = [
    ['0', []],
    ['1', ['underVoltage']],
    ['2', ['capped']],
    ['4', ['throttled']],
    ['8', ['softLimit']],
    ['10000', ['wasUnderVoltage']],
    ['20000', ['wasCapped']],
    ['40000', ['wasThrottled']],
    ['80000', ['wasSoftLimit']],
    ['50005', ['underVoltage', 'throttled', 'wasUnderVoltage', 'wasThrottled']],
    ['throttled=0xe0008', ['softLimit', 'wasCapped', 'wasThrottled', 'wasSoftLimit']],
    ['throttled=0x0', []],
    // Whatever the other bits may mean one day.
    ['80000010', []],
  ] as const;
  for (const [text, flags] of rows) {
    assert.deepEqual(setOf(parseThrottled(`${text}\n`)), [...flags, 'isComplete'], text);
  }
});

test('what is not a number of flags is none', () => {
  const texts = ['', '0x', 'throttled=', 'error=1 error_msg="x"', 'g', '123456789', '0 0'];
  for (const text of texts) assert.equal(parseThrottled(text), undefined, text);
});

const firmware = '/sys/bus/platform/drivers/raspberrypi-firmware';

test('the file with all flags is read wherever the firmware is attached', () => {
  for (const name of ['soc:firmware', 'soc@107c000000:firmware']) {
    const files = filesOf({
      [`${firmware}/bind`]: '',
      [`${firmware}/${name}/get_throttled`]: '50000\n',
      '/sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
      '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': '0\n',
    });
    const flags = readThrottled(files);
    assert.deepEqual(setOf(flags), ['wasUnderVoltage', 'wasThrottled', 'isComplete'], name);
  }
});

test('a kernel without that file tells of the voltage', () => {
  const filesWith = (alarm: string) =>
    filesOf({
      [`${firmware}/soc:firmware/uevent`]: '',
      '/sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
      '/sys/class/hwmon/hwmon0/temp1_input': '48000\n',
      '/sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
      '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': alarm,
    });
  assert.deepEqual(setOf(readThrottled(filesWith('1\n'))), ['underVoltage', 'wasUnderVoltage']);
  assert.deepEqual(setOf(readThrottled(filesWith('0\n'))), []);
  assert.notEqual(readThrottled(filesWith('0\n')), undefined);
  assert.equal(readThrottled(filesWith('broken')), undefined);
});

test('another machine has no flags', () => {
  assert.equal(readThrottled(filesOf({ '/sys/class/hwmon/hwmon0/name': 'acpitz\n' })), undefined);
  assert.equal(readThrottled(filesOf({})), undefined);
});
