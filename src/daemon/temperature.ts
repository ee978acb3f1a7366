import { readdirSync, readFileSync } from 'node:fs';

/** The processor's temperature in degrees Celsius, to a tenth; undefined where the system tells none. */
export type Thermometer = () => number | undefined;

/** A folder's names and a file's text; undefined for what is not there or cannot be read. */
export type SystemFiles = {
  readonly namesIn: (folder: string) => readonly string[];
  readonly textOf: (path: string) => string | undefined;
};

const folder = '/sys/class/thermal';

/** What zones of the processor are called: the Raspberry Pi's, other boards', PCs'. */
const processorZones = [/^cpu-?thermal/, /^soc/, /^x86_pkg_temp$/, /cpu/, /^acpitz$/];

/**
 * Chooses among the kernel's thermal zones (Documentation/ABI/testing/sysfs-class-thermal) once: the
 * processor's, else the first one that tells a temperature.
 */
export function openThermometer(files: SystemFiles = systemFiles): Thermometer {
  const zones = files
    .namesIn(folder)
    .filter((name) => /^thermal_zone\d+$/.test(name))
    .map((name) => `${folder}/${name}`)
    .filter((zone) => celsiusOf(files.textOf(`${zone}/temp`)) !== undefined)
    .map((zone) => ({ zone, rank: rankOf(files.textOf(`${zone}/type`)?.trim() ?? '') }));
  const best = zones.reduce<(typeof zones)[number] | undefined>(
    (chosen, zone) => (chosen === undefined || zone.rank < chosen.rank ? zone : chosen),
    undefined,
  );
  if (best === undefined) return () => undefined;
  return () => celsiusOf(files.textOf(`${best.zone}/temp`));
}

function rankOf(type: string): number {
  const rank = processorZones.findIndex((pattern) => pattern.test(type));
  return rank === -1 ? processorZones.length : rank;
}

/** The kernel writes thousandths of a degree. */
function celsiusOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+$/.test(text.trim())) return undefined;
  return Math.round(Number(text) / 100) / 10;
}

/** Of the machine that this runs on, below another root where a test has made one. */
export const systemFilesBelow = (root: string): SystemFiles => ({
  namesIn: (path) => {
    try {
      return readdirSync(root + path);
    } catch {
      return [];
    }
  },
  textOf: (path) => {
    try {
      return readFileSync(root + path, 'utf8');
    } catch {
      // A sensor that does not answer now says so by an error.
      return undefined;
    }
  },
});

export const systemFiles: SystemFiles = systemFilesBelow('');
