import type { Config } from '../contract/config.ts';
import type { Topics } from '../contract/contract.ts';
import {
  type Component,
  type Components,
  entitiesOf,
  type Platform,
} from './home-assistant-entities.ts';
import { plainIdOf } from './home-assistant-id.ts';

/*
 * Home Assistant's MQTT device discovery: one retained message that describes the device and all its
 * entities (https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload).
 */

/** What the announcement is made of. */
export type DiscoveryFacts = {
  readonly config: Pick<Config, 'homeAssistant' | 'label' | 'health' | 'remoteConfig'>;
  /** The first levels of the device's topics, `mqtt.base`. */
  readonly base: string;
  /** The device's name in its topics. */
  readonly device: string;
  readonly topics: Topics;
  /** All that the model can tell apart. */
  readonly labels: readonly string[];
  readonly hasTemperature: boolean;
  /** Whether what comes on `command/…` is obeyed; buttons and settings do nothing without. */
  readonly takesCommands: boolean;
  readonly version: string;
  /** Where the software is at home; undefined when it has no page. */
  readonly homepage: string | undefined;
  /** What was announced there before: what is gone since is taken away. */
  readonly former: Announced;
};

/** The components of an announcement by their ids within the device. */
export type Announced = Readonly<Record<string, Platform>>;

export type Discovery = {
  readonly topic: string;
  readonly message: DiscoveryMessage;
};

export type DiscoveryMessage = {
  readonly device: {
    readonly identifiers: readonly string[];
    readonly name: string;
    readonly manufacturer: string;
    readonly model: string;
    readonly sw_version: string;
  };
  readonly origin: {
    readonly name: string;
    readonly sw_version: string;
    readonly support_url?: string;
  };
  readonly availability: readonly { readonly topic: string; readonly value_template: string }[];
  readonly components: Readonly<Record<string, Component | Gone>>;
};

/** A component that is named with its platform alone is deleted. */
export type Gone = { readonly platform: Platform };

/** A device whose thresholds come and go for months does not say so for ever: the oldest are left out. */
const goneMax = 100;

export function discoveryOf(facts: DiscoveryFacts): Discovery {
  const { config, base, device, topics, version, homepage } = facts;
  const id = discoveryIdOf(base, device);
  const components = entitiesOf(facts, id);
  return {
    topic: discoveryTopicOf(config.homeAssistant.prefix, base, device),
    message: {
      device: {
        identifiers: [id],
        name: device,
        manufacturer: 'sightd',
        model: 'Edge vision daemon',
        sw_version: version,
      },
      origin: {
        name: 'sightd',
        sw_version: version,
        ...(homepage === undefined ? {} : { support_url: homepage }),
      },
      availability: [
        {
          topic: topics.status,
          // A clean stop says `stopped`, the will `offline`: neither is available.
          value_template: "{{ 'online' if value_json.state == 'online' else 'offline' }}",
        },
      ],
      components: { ...goneOf(facts.former, components), ...components },
    },
  };
}

/** Two sites at one broker may both have a `porch`: the base is part of what a device is told by. */
const discoveryIdOf = (base: string, device: string): string => plainIdOf(base, device);

export const discoveryTopicOf = (prefix: string, base: string, device: string): string =>
  `${prefix}/device/${discoveryIdOf(base, device)}/config`;

/** What a message announces; with what it takes away, it is what the next one has to know. */
export function announcedIn({ components }: DiscoveryMessage): {
  readonly all: Announced;
  readonly here: Announced;
} {
  const entries = Object.entries(components);
  const platformsOf = (some: typeof entries): Announced =>
    Object.fromEntries(some.map(([key, { platform }]) => [key, platform]));
  return {
    all: platformsOf(entries),
    here: platformsOf(entries.filter(([, component]) => 'unique_id' in component)),
  };
}

/** Home Assistant says `online` there when it has started. */
export const birthTopicOf = (prefix: string): string => `${prefix}/status`;

/** What is only left out would stay in a running Home Assistant; to one that has never seen it, it is nothing. */
function goneOf(former: Announced, components: Components): Readonly<Record<string, Gone>> {
  const gone = Object.entries(former)
    .filter(([key]) => !Object.hasOwn(components, key))
    .slice(-goneMax);
  return Object.fromEntries(gone.map(([key, platform]) => [key, { platform }]));
}
