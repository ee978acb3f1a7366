import { parseArgs } from 'node:util';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { nearest } from '../base/nearest.ts';

/** The options of a subcommand: each a text or a switch. */
export type OptionSpec = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>
>;

export type Arguments = {
  readonly text: (name: string) => string | undefined;
  readonly isSet: (name: string) => boolean;
  readonly positionals: readonly string[];
};

/** Reads a subcommand's arguments; a wrong one is a fault that names it. */
export function parseArguments(
  command: string,
  args: readonly string[],
  spec: OptionSpec,
  positionalsMax: number,
): Outcome<Arguments> {
  const help = `\`sightd ${command} --help\` lists what there is.`;
  const refuse = (sentence: string) => failure(fault('usage.argument', sentence, help));
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { help: { type: 'boolean', short: 'h' }, ...spec },
      allowPositionals: true,
      strict: true,
    });
    const given: Readonly<Record<string, unknown>> = values;
    const extra = positionals[positionalsMax];
    if (extra !== undefined) return refuse(`sightd ${command}: unexpected argument "${extra}"`);
    return success({
      text: (name) => {
        const value = given[name];
        return typeof value === 'string' ? value : undefined;
      },
      isSet: (name) => given[name] === true,
      positionals,
    });
  } catch (error) {
    const unknown = /'(--?[^']+)'/.exec(messageOf(error))?.[1];
    const isUnknown =
      error instanceof Error && 'code' in error && error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION';
    if (!isUnknown || unknown === undefined)
      return refuse(`sightd ${command}: ${messageOf(error)}`);
    const near = nearest(unknown.replace(/^-+/, ''), ['help', ...Object.keys(spec)]);
    const hint = near === undefined ? '' : `; did you mean --${near}?`;
    return refuse(`sightd ${command}: unknown option ${unknown}${hint}`);
  }
}

/** A text as a whole number, `fallback` without one, `undefined` for anything else. */
export function wholeNumberOf(text: string | undefined, fallback: number): number | undefined {
  if (text === undefined) return fallback;
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}
