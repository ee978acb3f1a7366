/** What `systemctl show` says of a unit, by the name of the property. */
export type UnitFacts = Readonly<Record<string, string>>;

/** All that is looked at. */
export const unitProperties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'ExecMainCode',
  'ExecMainStatus',
  'StatusText',
  'WatchdogUSec',
  'TimeoutStartUSec',
  'TimeoutStopUSec',
  'ActiveEnterTimestampMonotonic',
  'UnitFileState',
  'NeedDaemonReload',
  'User',
  'MemoryCurrent',
  'MemoryMax',
] as const;

/** Reads the lines `Name=value`; a value goes to the end of its line. */
export function parseUnitFacts(text: string): UnitFacts {
  const facts: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) facts[line.slice(0, at)] = line.slice(at + 1);
  }
  return facts;
}

/** `sightd` is `sightd.service`; undefined for what cannot be the name of a unit. */
export function unitNameOf(text: string): string | undefined {
  // systemd.unit(5): the characters of unit names. Not one that would be read as an option.
  if (!/^[\w:.\\@][\w:.\\@-]{0,254}$/.test(text)) return undefined;
  return /\.[a-z]+$/.test(text) ? text : `${text}.service`;
}
