import { randomBytes, randomInt } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { createRandom } from '../../base/random.ts';
import { seconds, systemClock } from '../../base/time.ts';
import type { Config, MqttConfig } from '../../contract/config.ts';
import { topicsOf } from '../../contract/contract.ts';
import { type CheckupOf, fail, ok, warn } from '../../daemon/checkups.ts';
import { deviceNameOf } from '../../daemon/device-name.ts';
import { defaultBackoff } from '../../mqtt/connection.ts';
import { readCredentials } from '../../mqtt/credentials.ts';
import { probeBroker } from '../../mqtt/probe.ts';
import { addressOf } from '../../mqtt/refusals.ts';

/** Less than the whole checkup may take. */
const patience = seconds(7);

/** Logs in as the daemon would, under a client id of its own, and asks for what the daemon listens to. */
export async function checkBroker(
  config: Config,
  unit: string,
  environment: NodeJS.ProcessEnv,
  stop: AbortSignal,
): Promise<CheckupOf<'broker'>> {
  const { mqtt } = config;
  const folder = credentialsFolderOf(unit, environment);
  const withheld = withheldOf(mqtt, folder);
  if (withheld !== undefined) {
    const sentence = `not tried: this user may not read ${withheld}`;
    return warn('broker', sentence, 'Run it as root, or as the user of the service.');
  }
  const device = deviceNameOf(config);
  const probe = await probeBroker({
    url: mqtt.url,
    clientId: `sightd-${device}-doctor-${randomBytes(3).toString('hex')}`,
    protocol: mqtt.protocol,
    credentials: () => readCredentials(mqtt, folder),
    keepaliveSeconds: mqtt.keepaliveSeconds,
    backoff: defaultBackoff(mqtt.reconnectSecondsMax),
    clock: systemClock,
    wallNow: Date.now,
    random: createRandom(randomInt(2 ** 31)),
    topics: listenedTo(config, device),
    within: patience,
    stop,
  });
  if (!probe.ok) return fail('broker', probe.fault.message, probe.fault.mend);
  const { protocol, refused } = probe.value;
  const as = mqtt.username === undefined ? '' : ` as ${mqtt.username}`;
  const sentence = `connected to ${addressOf(mqtt.url)}${as} with MQTT ${protocol}`;
  const [refusal] = refused;
  if (refusal === undefined) return ok('broker', sentence);
  return warn('broker', `${sentence}; ${refusal.message}`, refusal.mend);
}

/** One topic of each kind that the daemon listens to. */
function listenedTo({ mqtt, remoteConfig, commands }: Config, device: string): readonly string[] {
  const topics = topicsOf(mqtt.base, device);
  return [
    ...(remoteConfig.enabled ? [topics.configDesired] : []),
    ...(commands.enabled ? [`${topics.command}/identify`] : []),
  ];
}

/** systemd hands credentials to the unit only, in a folder that root may read too (systemd.exec(5)). */
function credentialsFolderOf(unit: string, environment: NodeJS.ProcessEnv): string | undefined {
  const own = environment['CREDENTIALS_DIRECTORY'];
  const folder = `/run/credentials/${unit}`;
  return own ?? (existsSync(folder) ? folder : undefined);
}

/** The first of the files that is there, or may be, and is not for this user. */
function withheldOf(mqtt: MqttConfig, folder: string | undefined): string | undefined {
  for (const key of ['passwordFile', 'ca', 'cert', 'key'] as const) {
    const path = mqtt[key];
    if (path === undefined) continue;
    const name = /^credential:(.*)$/.exec(path)?.[1];
    if (name !== undefined && folder === undefined) return `mqtt.${key}: ${path}`;
    if (isWithheld(name === undefined ? path : `${folder}/${name}`)) return `mqtt.${key}: ${path}`;
  }
  return undefined;
}

function isWithheld(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    // Whatever else it is, the credentials say themselves.
    return error instanceof Error && 'code' in error && error.code === 'EACCES';
  }
}
