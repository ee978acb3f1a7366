import { Environment } from 'nunjucks';

/**
 * Templates as Home Assistant renders them, with the functions and filters of its own that sightd uses.
 * What would come out as `None`, or as nothing with a warning in its log, is an error here.
 */
export type Render = (template: string, variables: object) => string;

/** `now` is the time of the house. */
export function createRender(now: Date): Render {
  const environment = new Environment(null, { autoescape: false, throwOnUndefined: true });
  environment.addGlobal('utcnow', () => ({
    timestamp: () => now.getTime() / 1000,
    strftime: (format: string) => strftime(now, format),
  }));
  environment.addFilter('timestamp_custom', (seconds: number, format: string, isLocal = true) => {
    if (isLocal) throw new Error('the time zone of the house is not ours');
    return strftime(new Date(seconds * 1000), format);
  });
  // Jinja2's is safe in HTML too, and still JSON.
  environment.addFilter('tojson', (value: unknown) =>
    JSON.stringify(value).replace(
      /[<>&']/g,
      (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
  return (template, variables) => environment.renderString(template, variables).trim();
}

/** Python's, in UTC; what is not here is not used. */
function strftime(date: Date, format: string): string {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)Z$/.exec(date.toISOString()) ?? [];
  const parts: Readonly<Record<string, string | undefined>> = {
    ...{ Y: year, m: month, d: day, H: hour, M: minute, S: second, f: `${ms}000` },
  };
  return format.replace(/%(.)/g, (whole, letter: string) => {
    const part = parts[letter];
    if (part === undefined) throw new Error(`${whole} is not known here`);
    return part;
  });
}
