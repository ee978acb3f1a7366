import { stringify } from 'yaml';
import { exitCodes, fault } from '../base/fault.ts';
import { configJsonSchema } from '../contract/config.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { loadConfig } from './config-source.ts';
import { complainOf } from './terminal.ts';

export const config: Command = {
  summary: 'check, print or describe the config',
  help: `Usage: sightd config check FILE | print [FILE] [--json] | schema

  check FILE     says what is wrong with a config file, with path and line
  print [FILE]   the whole config as the daemon would use it: file, environment and defaults
  schema         the JSON Schema of the config file

  --json         print JSON instead of YAML
  -h, --help     this text
`,
  run: async ({ args, terminal, environment }) => {
    const parsed = parseArguments('config', args, { json: { type: 'boolean' } }, 2);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const [action, file] = parsed.value.positionals;
    if (action === 'schema') {
      terminal.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
      return exitCodes.clean;
    }
    if ((action !== 'check' && action !== 'print') || (action === 'check' && file === undefined)) {
      const wanted =
        action === 'check'
          ? 'sightd config check needs a FILE'
          : 'sightd config needs check, print or schema';
      return complainOf(
        terminal,
        fault('usage.argument', wanted, '`sightd config --help` says more.'),
      );
    }
    const loaded = loadConfig(file, environment, terminal);
    if (!loaded.ok) return loaded.exit;
    if (action === 'check') terminal.write(`${file} is right\n`);
    else if (parsed.value.isSet('json'))
      terminal.write(`${JSON.stringify(loaded.config, undefined, 2)}\n`);
    else terminal.write(stringify(loaded.config));
    return exitCodes.clean;
  },
};
