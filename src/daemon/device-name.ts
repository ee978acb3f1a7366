import { hostname } from 'node:os';
import type { Config } from '../contract/config.ts';

/** What the device is called in its topics: as the config says, else by the host's name. */
export const deviceNameOf = ({ device }: Config): string => device.id ?? topicLevelOf(hostname());

/** Only what a topic level may hold. */
function topicLevelOf(host: string): string {
  const name =
    host
      .split('.')[0]
      ?.replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^-+|-+$/g, '') ?? '';
  return name === '' ? 'sightd' : name.slice(0, 63);
}
