import { type Fault, failure, fault, type Outcome, success } from '../../base/fault.ts';
import { type Config, configSchema, type MqttConfig } from '../../contract/config.ts';
import { complaintsOf } from '../../daemon/config-problem.ts';
import { type Arguments, wholeNumberOf } from '../arguments.ts';

export type WatchSettings = {
  readonly mqtt: MqttConfig;
  readonly device: string | undefined;
  readonly isJson: boolean;
  /** 0 goes on until it is stopped. */
  readonly secondsMax: number;
};

/** The option for each key of the section `mqtt` that has one. */
const optionOf: Readonly<Record<string, string>> = {
  url: 'url',
  base: 'base',
  username: 'username',
  passwordFile: 'password-file',
  ca: 'ca',
  cert: 'cert',
  key: 'key',
};

/** The options over the config, held against the config's own schema. */
export function settingsOf(given: Arguments, config: Config): Outcome<WatchSettings> {
  const refuse = (sentence: string, mend: string) =>
    failure(fault('usage.argument', `sightd watch: ${sentence}`, mend));
  const device = given.text('device');
  if (device !== undefined && !/^[^#+/\p{Cc}]+$/u.test(device)) {
    return refuse(`--device ${device} is no name of a device`, 'For example --device porch.');
  }
  const secondsMax = wholeNumberOf(given.text('seconds'), 0);
  if (secondsMax === undefined) {
    return refuse('--seconds takes a number', 'For example --seconds 10.');
  }
  const overrides = Object.entries(optionOf).flatMap(([key, option]) => {
    const text = given.text(option);
    return text === undefined ? [] : [[key, text]];
  });
  const merged = { ...config, mqtt: { ...config.mqtt, ...Object.fromEntries(overrides) } };
  const parsed = configSchema.safeParse(merged);
  if (parsed.success) {
    return success({ mqtt: parsed.data.mqtt, device, isJson: given.isSet('json'), secondsMax });
  }
  const [complaint] = parsed.error.issues.flatMap((issue) => complaintsOf(issue, merged));
  const key = complaint?.path[1] ?? '';
  const where = optionOf[key] === undefined ? `mqtt.${key}` : `--${optionOf[key]}`;
  return refuse(`${where}: ${complaint?.message ?? 'cannot be used'}`, 'See docs/brokers.md.');
}

/** The link speaks of keys of the config; here they may be options. */
export function withOptions(reason: Fault): Fault {
  const mend = reason.mend.replaceAll(/\bmqtt\.(\w+)/g, (whole, key: string) =>
    optionOf[key] === undefined ? whole : `${whole} (--${optionOf[key]})`,
  );
  return { ...reason, mend };
}
