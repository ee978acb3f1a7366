import { type Outcome, success } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../contract/config.ts';
import { type Credentials, readCredentials } from '../mqtt/credentials.ts';
import { prepareSetup } from './prepare.ts';
import type { PreparedRemote } from './remote-link.ts';
import { startRemote } from './remote-start.ts';
import { openRemoteStore } from './remote-store.ts';
import type { Setup } from './setup.ts';
import { verifierOf } from './signature.ts';

/** What a daemon is started with. */
export type Prepared = {
  readonly setup: Setup;
  /** Undefined where changes are not taken from afar. */
  readonly remote: PreparedRemote | undefined;
};

/** What can be known to be wrong before anything is started. */
export function prepareDaemon(config: Config, log: Log): Outcome<Prepared> {
  const own = prepareSetup(config, undefined);
  if (!own.ok) return own;
  // What is missing or broken from the start is said now; the link reads it again by itself.
  const credentials = credentialsOf(config);
  if (!credentials.ok) return credentials;
  const verify = verifierOf(config.remoteConfig.publicKey);
  if (!verify.ok) return verify;
  if (!config.remoteConfig.enabled) {
    return success({ setup: own.value, remote: undefined });
  }
  const store = openRemoteStore(config.stateDir);
  const found = store.read();
  for (const broken of found.faults) log.warn({ fault: broken }, 'a state file is set aside');
  const { setup, step } = startRemote(own.value, found, (next) => prepareSetup(next, own.value));
  // What the command that runs the daemon chose holds unless it was changed from afar.
  if (setup.config.log.level !== config.log.level) log.setLevel(setup.config.log.level);
  const remote = { store, verify: verify.value, start: step };
  return success({ setup, remote });
}

/** The login and the TLS files as they are now; systemd says where its credentials are. */
export function credentialsOf(config: Config): Outcome<Credentials> {
  return readCredentials(config.mqtt, process.env['CREDENTIALS_DIRECTORY']);
}
