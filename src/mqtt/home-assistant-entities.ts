import type { LabelConfig } from '../contract/config.ts';
import { healthStates } from '../contract/messages.ts';
import type { DiscoveryFacts } from './home-assistant.ts';
import { plainIdOf } from './home-assistant-id.ts';

/*
 * The entities that a device has in Home Assistant. Templates are Jinja2, and use what every Home
 * Assistant with device discovery has (2024.12); `None` as text is its word for an unknown state.
 */

export const platforms = [
  'sensor',
  'binary_sensor',
  'image',
  'button',
  'number',
  'switch',
] as const;
export type Platform = (typeof platforms)[number];

/** One entity, with the options that the platform documents. */
export type Component = {
  readonly platform: Platform;
  readonly unique_id: string;
  readonly name: string;
} & Readonly<Record<string, unknown>>;

export type Components = Readonly<Record<string, Component>>;

type Entity = Omit<Component, 'unique_id'> & { readonly platform: Platform; readonly name: string };

/** A label sensor lists its values up to here; a model with a thousand labels would fill every editor. */
const optionsMax = 200;
/** Thresholds that become entities, in the order of the config. */
export const thresholdEntitiesMax = 50;
/** A command that was on its way for longer than this is not carried out any more. */
const commandSeconds = 60;
/** Health that did not come this many times in a row is out of date. */
const healthIntervalsMax = 3;
/** A moment without a broker is no news. */
const expireSecondsLeast = 30;
/** The step of the sliders, and the least that a threshold is set to by one. */
const thresholdStep = 0.01;

/** No label of the model; a label of that name cannot be told from it. */
const noLabel = 'none';

export function entitiesOf(facts: DiscoveryFacts, id: string): Components {
  const entities: Readonly<Record<string, Entity>> = {
    ...seenOf(facts),
    ...conditionOf(facts),
    ...(facts.takesCommands ? { ...buttonsOf(facts), ...settingsOf(facts) } : {}),
  };
  return Object.fromEntries(
    Object.entries(entities).map(([key, entity]) => [
      key,
      { ...entity, unique_id: `${id}_${key}` } as Component,
    ]),
  );
}

/** What the camera sees. */
function seenOf({ topics, labels }: DiscoveryFacts): Record<string, Entity> {
  const options = [...new Set([...labels, noLabel])];
  return {
    label: {
      platform: 'sensor',
      name: 'Label',
      icon: 'mdi:eye',
      state_topic: topics.label,
      value_template: `{{ value_json.label if value_json.label is not none else '${noLabel}' }}`,
      json_attributes_topic: topics.label,
      json_attributes_template:
        "{{ {'previous': value_json.previous, 'since': value_json.since} | tojson }}",
      ...(options.length <= optionsMax ? { device_class: 'enum', options } : {}),
    },
    confidence: {
      platform: 'sensor',
      name: 'Confidence',
      icon: 'mdi:percent',
      state_topic: topics.label,
      value_template: '{{ (value_json.score * 100) | round(1) }}',
      unit_of_measurement: '%',
      state_class: 'measurement',
    },
    camera: {
      platform: 'image',
      name: 'Camera',
      image_topic: topics.snapshot,
      content_type: 'image/jpeg',
    },
  };
}

/** How the device is. */
function conditionOf(facts: DiscoveryFacts): Record<string, Entity> {
  const { topics, config } = facts;
  const fromHealth = {
    platform: 'sensor',
    entity_category: 'diagnostic',
    state_topic: topics.health,
    expire_after: Math.max(
      expireSecondsLeast,
      Math.ceil(config.health.intervalSeconds * healthIntervalsMax),
    ),
  } as const;
  return {
    health: {
      ...fromHealth,
      name: 'Health',
      device_class: 'enum',
      options: [...healthStates],
      value_template: '{{ value_json.state }}',
      json_attributes_topic: topics.health,
      json_attributes_template: healthAttributes,
    },
    fps: {
      ...fromHealth,
      name: 'Frames per second',
      icon: 'mdi:speedometer',
      value_template: '{{ value_json.rates.classified | round(1) }}',
      unit_of_measurement: 'fps',
      state_class: 'measurement',
    },
    ...(facts.hasTemperature
      ? {
          temperature: {
            ...fromHealth,
            name: 'Temperature',
            device_class: 'temperature',
            value_template: "{{ value_json.temperatureCelsius | default('None') }}",
            unit_of_measurement: '°C',
            state_class: 'measurement',
          },
        }
      : {}),
    connected: {
      platform: 'binary_sensor',
      name: 'Connected',
      entity_category: 'diagnostic',
      device_class: 'connectivity',
      state_topic: topics.status,
      value_template: "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
      // Of its own, and so none: it says `off` where the others are unavailable.
      availability: [],
    },
  };
}

/** What changes seldom and helps to find out what is wrong; each change is a row in a database. */
const healthAttributes = `{{ {${[
  "'camera': value_json.camera.state",
  "'source': value_json.camera.source",
  "'fault': value_json.camera.fault.message if value_json.camera.fault is defined else ''",
  "'camera_reopens': value_json.camera.reopens",
  "'camera_restarts': value_json.camera.restarts",
  "'inference_restarts': value_json.inference.restarts",
  "'model': value_json.model.name",
  "'waiting_messages': value_json.outbox.waiting",
].join(', ')}} | tojson }}`;

function buttonsOf(facts: DiscoveryFacts): Record<string, Entity> {
  return {
    restart: {
      platform: 'button',
      name: 'Restart',
      entity_category: 'config',
      device_class: 'restart',
      ...commandOf(facts, 'restart', ',"what":"process"'),
    },
    snapshot: {
      platform: 'button',
      name: 'Take snapshot',
      icon: 'mdi:camera',
      ...commandOf(facts, 'snapshot', ''),
    },
  };
}

/** What can be set through remote config, where the device lets it be set without a signature. */
function settingsOf(facts: DiscoveryFacts): Record<string, Entity> {
  const { config, topics } = facts;
  if (!config.remoteConfig.enabled || config.remoteConfig.publicKey !== undefined) return {};
  const setting = { entity_category: 'config', state_topic: topics.configReported } as const;
  const slider = {
    ...setting,
    platform: 'number',
    mode: 'slider',
    step: thresholdStep,
    max: 1,
  } as const;
  const thresholds = Object.entries(config.label.thresholds).slice(0, thresholdEntitiesMax);
  return {
    enter: {
      ...slider,
      name: 'Threshold',
      icon: 'mdi:tune',
      min: enterLeast(config.label),
      value_template: '{{ value_json.config.label.enter }}',
      ...configureOf(facts, '"label":{"enter":{{ value | round(3) }}}'),
    },
    ...Object.fromEntries(
      thresholds.map(([label, threshold]): [string, Entity] => [
        `threshold_${plainIdOf(label)}`,
        {
          ...slider,
          name: `Threshold ${label}`,
          icon: 'mdi:tune',
          min: Math.min(thresholdStep, threshold),
          value_template: thresholdTemplate(label),
          ...configureOf(
            facts,
            `"label":{"thresholds":{${textInJson(label)}:{{ value | round(3) }}}}`,
          ),
        },
      ]),
    ),
    publish_results: {
      ...setting,
      platform: 'switch',
      name: 'Publish results',
      icon: 'mdi:publish',
      value_template: "{{ 'ON' if value_json.config.publish.results else 'OFF' }}",
      ...configureOf(facts, `"publish":{"results":{{ 'true' if value == 'ON' else 'false' }}}`),
    },
    publish_snapshot: {
      ...setting,
      platform: 'switch',
      name: 'Snapshot on change',
      icon: 'mdi:camera-burst',
      value_template: "{{ 'ON' if value_json.config.publish.snapshot == 'label' else 'OFF' }}",
      ...configureOf(facts, `"publish":{"snapshot":"{{ 'label' if value == 'ON' else 'never' }}"}`),
    },
  };
}

/** `label.enter` may not be below `label.exit`; a slider has room, and holds the value that it stands at. */
const enterLeast = ({ enter, exit }: LabelConfig): number =>
  Math.min(Math.max(exit, thresholdStep), enter, 1 - thresholdStep);

/** A command with an id and an expiry of its own; `more` is what else it says, as JSON. */
function commandOf({ topics }: DiscoveryFacts, name: string, more: string) {
  const id = "ha-{{ utcnow().strftime('%Y%m%d%H%M%S%f') }}";
  const expiresAt = `{{ (utcnow().timestamp() + ${commandSeconds}) | timestamp_custom('%Y-%m-%dT%H:%M:%SZ', false) }}`;
  return {
    command_topic: `${topics.command}/${name}`,
    command_template: `{"id":"${id}","expiresAt":"${expiresAt}"${more}}`,
    qos: 1,
    // A command that was kept by the broker would be refused.
    retain: false,
  };
}

const configureOf = (facts: DiscoveryFacts, part: string) =>
  commandOf(facts, 'configure', `,"config":{${part}}`);

/** The threshold of a label; one of Python's methods, as `items`, is not taken for a label that is gone. */
function thresholdTemplate(label: string): string {
  const thresholds = 'value_json.config.label.thresholds';
  const name = textInJinja(label);
  return `{{ ${thresholds}[${name}] if ${name} in ${thresholds} else 'None' }}`;
}

/** A text as JSON that holds nothing that begins or ends something in a template. */
const textInJson = (text: string): string =>
  JSON.stringify(text).replace(
    /[{}%#]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A text within an expression of a template: Jinja2 reads the escapes of JSON. */
const textInJinja = (text: string): string => JSON.stringify(text);
