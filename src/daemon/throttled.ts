import { type SystemFiles, systemFiles } from './temperature.ts';

/**
 * What a Raspberry Pi's firmware does to stay alive: now, and since the start of the machine. The kernel,
 * which looks every two seconds, forgets the latter each time; `vcgencmd` does not.
 */
export type Throttled = {
  /** The supply is below 4.63 V. */
  readonly underVoltage: boolean;
  /** The clock of the processor is capped. */
  readonly capped: boolean;
  /** The processor is slowed down, by heat or by too little power. */
  readonly throttled: boolean;
  /** The first limit of temperature is reached, where the clock begins to be lowered. */
  readonly softLimit: boolean;
  readonly wasUnderVoltage: boolean;
  readonly wasCapped: boolean;
  readonly wasThrottled: boolean;
  readonly wasSoftLimit: boolean;
  /** False where the kernel tells of the voltage only: the other flags are false then, and unknown. */
  readonly isComplete: boolean;
};

/** Each flag's bit, as `vcgencmd get_throttled` has them. */
const bits = {
  underVoltage: 0,
  capped: 1,
  throttled: 2,
  softLimit: 3,
  wasUnderVoltage: 16,
  wasCapped: 17,
  wasThrottled: 18,
  wasSoftLimit: 19,
} as const;

const firmwareDriver = '/sys/bus/platform/drivers/raspberrypi-firmware';
const sensors = '/sys/class/hwmon';

/**
 * What the kernel passes on of the firmware's flags; undefined where there is no such firmware. Raspberry
 * Pi's kernels had a file with all of them until 2025 (`soc:firmware/get_throttled`, whose first reader
 * gets a warning with a stack trace into the kernel's log); since then, and in others, there is only the
 * alarm of the voltage sensor.
 */
export function readThrottled(files: SystemFiles = systemFiles): Throttled | undefined {
  const firmware = files.namesIn(firmwareDriver).find((name) => name.endsWith(':firmware'));
  const text =
    firmware === undefined
      ? undefined
      : files.textOf(`${firmwareDriver}/${firmware}/get_throttled`);
  const whole = text === undefined ? undefined : parseThrottled(text);
  return whole ?? voltageOf(files);
}

/** Reads the flags from the kernel's `50005`, or from the `throttled=0x50005` of `vcgencmd get_throttled`. */
export function parseThrottled(text: string): Throttled | undefined {
  const digits = /^(?:throttled=)?(?:0x)?([\da-f]{1,8})$/i.exec(text.trim())?.[1];
  if (digits === undefined) return undefined;
  const value = Number.parseInt(digits, 16);
  const has = (flag: keyof typeof bits): boolean => ((value >>> bits[flag]) & 1) === 1;
  return {
    underVoltage: has('underVoltage'),
    capped: has('capped'),
    throttled: has('throttled'),
    softLimit: has('softLimit'),
    wasUnderVoltage: has('wasUnderVoltage'),
    wasCapped: has('wasCapped'),
    wasThrottled: has('wasThrottled'),
    wasSoftLimit: has('wasSoftLimit'),
    isComplete: true,
  };
}

/** The sensor `rpi_volt` (the kernel's raspberrypi-hwmon) knows of the last two seconds. */
function voltageOf(files: SystemFiles): Throttled | undefined {
  const sensor = files
    .namesIn(sensors)
    .find((name) => files.textOf(`${sensors}/${name}/name`)?.trim() === 'rpi_volt');
  const alarm =
    sensor === undefined ? undefined : files.textOf(`${sensors}/${sensor}/in0_lcrit_alarm`)?.trim();
  if (alarm !== '0' && alarm !== '1') return undefined;
  const isLow = alarm === '1';
  return {
    underVoltage: isLow,
    capped: false,
    throttled: false,
    softLimit: false,
    wasUnderVoltage: isLow,
    wasCapped: false,
    wasThrottled: false,
    wasSoftLimit: false,
    isComplete: false,
  };
}
