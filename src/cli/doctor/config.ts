import { type Config, configSchema } from '../../contract/config.ts';
import { type CheckupOf, fail, ok, warn } from '../../daemon/checkups.ts';
import { readConfig } from '../config-source.ts';

/** How the config is, and the one to go on with: the defaults where it cannot be used. */
export function checkConfig(
  named: string | undefined,
  environment: NodeJS.ProcessEnv,
): { readonly checkup: CheckupOf<'config'>; readonly config: Config } {
  const read = readConfig(named, environment);
  if (!read.ok) {
    const sentence = `${read.fault.message}; the defaults are looked at instead`;
    const isWithheld = read.fault.message.includes('EACCES');
    const mend = isWithheld ? 'Run it as root, or as the user of the service.' : read.fault.mend;
    const checkup = fail('config', sentence, mend);
    return { checkup, config: configSchema.parse({}) };
  }
  const { path, config, warnings } = read;
  const sentence = path === undefined ? 'no config file: all defaults' : `${path} is right`;
  if (warnings.length === 0) return { checkup: ok('config', sentence), config };
  const mend = 'docs/config.md lists every key.';
  return { checkup: warn('config', `${sentence}; ${warnings.join('; ')}`, mend), config };
}
