import { unreachable } from '../base/assert.ts';
import { type DiskReading, readDisk } from './disk-watch.ts';
import { groupMemoryBytes } from './memory-watch.ts';
import { openThermometer, type SystemFiles } from './temperature.ts';
import { readThrottled, type Throttled } from './throttled.ts';

/** What the machine says about itself; tests hand in a machine of their own. */
export interface Probes {
  /** Undefined where the system tells none, or does not now. */
  celsius(): number | undefined;
  throttled(): Throttled | undefined;
  residentBytes(): number;
  /** Undefined without a limit. */
  readonly groupBytes: number | undefined;
  /** Never rejects, and may never resolve. */
  readDisk(folder: string): Promise<DiskReading>;
}

export function probesOf(files: SystemFiles): Probes {
  return {
    celsius: openThermometer(files),
    throttled: () => readThrottled(files),
    residentBytes: () => process.memoryUsage.rss(),
    groupBytes: groupMemoryBytes(files),
    readDisk,
  };
}

/** A reading in place of the real one; `undefined` is the real one again. */
export type Override =
  | { readonly what: 'temperature'; readonly celsius: number | undefined }
  | { readonly what: 'under-voltage'; readonly isLow: boolean | undefined }
  | { readonly what: 'disk-full'; readonly isFull: boolean | undefined }
  | { readonly what: 'memory'; readonly megabytes: number | undefined };

export type OverridableProbes = Probes & { readonly override: (reading: Override) => void };

/** Probes that say what they are told to, and the truth of the rest. */
export function overridable(real: Probes): OverridableProbes {
  let celsius: number | undefined;
  let isLow: boolean | undefined;
  let isFull: boolean | undefined;
  let megabytes: number | undefined;
  return {
    ...real,
    celsius: () => celsius ?? real.celsius(),
    throttled: () => {
      const throttled = real.throttled();
      return isLow === undefined ? throttled : { ...(throttled ?? calm), underVoltage: isLow };
    },
    residentBytes: () => (megabytes === undefined ? real.residentBytes() : megabytes * 1024 * 1024),
    readDisk: async (folder) => (isFull === true ? fullDisk : await real.readDisk(folder)),
    override: (reading) => {
      switch (reading.what) {
        case 'temperature':
          ({ celsius } = reading);
          break;
        case 'under-voltage':
          ({ isLow } = reading);
          break;
        case 'disk-full':
          ({ isFull } = reading);
          break;
        case 'memory':
          ({ megabytes } = reading);
          break;
        default:
          unreachable(reading);
      }
    },
  };
}

const fullDisk: DiskReading = {
  kind: 'room',
  freeBytes: 0,
  totalBytes: 2 ** 30,
  freeFiles: undefined,
  isReadOnly: false,
};

/** Firmware that has nothing to say. */
const calm: Throttled = {
  underVoltage: false,
  capped: false,
  throttled: false,
  softLimit: false,
  wasUnderVoltage: false,
  wasCapped: false,
  wasThrottled: false,
  wasSoftLimit: false,
  isComplete: false,
};
