import { components, exitCodes, type FaultCode, fault, faultCodes, kindOf } from '../base/fault.ts';
import { nearest } from '../base/nearest.ts';
import { faultCatalogue } from '../contract/fault-catalogue.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { complainOf, styled, type Terminal } from './terminal.ts';

export const faults: Command = {
  summary: 'what each fault means, what the daemon does about it, and what to do',
  help: `Usage: sightd faults [CODE] [--json]

Lists the faults that sightd knows, or says all of one: what it means, what the daemon does by itself,
and what a person should do. Codes are as in \`health\`, \`event\` and the log: camera.stalled.

      --json   print JSON
  -h, --help   this text
`,
  run: async ({ args, terminal }) => {
    const parsed = parseArguments('faults', args, { json: { type: 'boolean' } }, 1);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const [named] = parsed.value.positionals;
    const code = faultCodes.find((one) => one === named);
    if (named !== undefined && code === undefined) {
      const near = nearest(named, faultCodes);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      const sentence = `sightd faults: there is no fault "${named}"${hint}`;
      return complainOf(
        terminal,
        fault('usage.argument', sentence, '`sightd faults` lists them all.'),
      );
    }
    if (parsed.value.isSet('json')) {
      const shown = code === undefined ? faultCodes.map(entryOf) : entryOf(code);
      terminal.write(`${JSON.stringify(shown, undefined, 2)}\n`);
    } else {
      terminal.write(code === undefined ? listOf(terminal) : textOf(code, terminal));
    }
    return exitCodes.clean;
  },
};

const entryOf = (code: FaultCode) => ({ code, ...kindOf(code), ...faultCatalogue[code] });

function listOf(terminal: Terminal): string {
  const width = Math.max(...faultCodes.map((code) => code.length));
  const sections = components.map((component) => {
    const codes = faultCodes.filter((code) => kindOf(code).component === component);
    const lines = codes.map((code) => `  ${code.padEnd(width)}  ${faultCatalogue[code].meaning}`);
    return [styled(terminal, 'bold', component), ...lines].join('\n');
  });
  return `${sections.join('\n\n')}\n\n\`sightd faults CODE\` says more of one.\n`;
}

function textOf(code: FaultCode, terminal: Terminal): string {
  const { component, retryable, exit, meaning, daemon, person } = entryOf(code);
  const passes = retryable ? 'it may pass by itself' : 'it does not pass by itself';
  return `${styled(terminal, 'bold', code)}
  component     ${component}; ${passes}; exit code ${exit} where it ends the run
  meaning       ${meaning}
  the daemon    ${daemon}
  what to do    ${person}
`;
}
