import assert from 'node:assert/strict';
import {
  deviceDiscoverySchema,
  discoveryTopicForm,
  entitySchema,
  type HomeEntity,
} from './home-assistant-schema.ts';
import type { Render } from './home-assistant-templates.ts';

/**
 * What Home Assistant's MQTT integration makes of a device: it takes the announcement, and of every
 * message what its templates say. Stricter where it would only write a line to its log.
 */
export type Home = {
  /** A message of the broker; of topics that nobody asked for nothing becomes. */
  receive(topic: string, payload: string): void;
  /** Of all entities that are there, by their components' ids. */
  readonly entities: ReadonlyMap<string, HomeEntity>;
  /** What an entity shows; undefined for `unknown`. */
  stateOf(key: string): string | undefined;
  attributesOf(key: string): unknown;
  isAvailable(key: string): boolean;
  /** Presses a button (`PRESS`), sets a number, turns a switch (`ON`, `OFF`): what is published then. */
  command(
    key: string,
    value: string | number,
  ): { readonly topic: string; readonly payload: string };
};

export function createHome(render: Render): Home {
  const entities = new Map<string, HomeEntity>();
  const states = new Map<string, string | undefined>();
  const attributes = new Map<string, unknown>();
  const available = new Map<string, boolean>();
  let shared: HomeEntity['availability'] = [];

  const discover = (payload: string): void => {
    if (payload === '') {
      entities.clear();
      return;
    }
    const message = deviceDiscoverySchema.parse(JSON.parse(payload));
    shared = message.availability;
    const known = Object.entries(message.components);
    // A component that is only left out stays.
    for (const [key] of known.filter(([, one]) => Object.keys(one).length === 1)) {
      entities.delete(key);
    }
    for (const [key, one] of known.filter(([, one]) => Object.keys(one).length > 1)) {
      entities.set(key, entitySchema.parse(one));
    }
    const ids = [...entities.values()].map(({ unique_id }) => unique_id);
    assert.equal(new Set(ids).size, ids.length, 'unique ids are unique');
  };

  const variablesOf = (payload: string): object => ({
    value: payload,
    value_json: JSON.parse(payload) as unknown,
  });

  const takeState = (key: string, entity: HomeEntity, payload: string): void => {
    if (!('value_template' in entity) || entity.value_template === undefined) return;
    const value = render(entity.value_template, variablesOf(payload));
    if (value !== 'None') assertValid(key, entity, value);
    states.set(key, value === 'None' ? undefined : value);
  };

  const takeAvailability = (key: string, topic: string, payload: string): void => {
    for (const one of availabilityOf(key)) {
      if (one.topic !== topic) continue;
      const said = render(one.value_template ?? '{{ value }}', variablesOf(payload));
      if (said === (one.payload_available ?? 'online')) available.set(key, true);
      else if (said === (one.payload_not_available ?? 'offline')) available.set(key, false);
      else assert.fail(`${key}: neither available nor not: ${said}`);
    }
  };

  const availabilityOf = (key: string) => entities.get(key)?.availability ?? shared ?? [];

  return {
    entities,
    receive: (topic, payload) => {
      if (discoveryTopicForm.test(topic)) {
        discover(payload);
        return;
      }
      for (const [key, entity] of entities) {
        takeAvailability(key, topic, payload);
        if ('state_topic' in entity && entity.state_topic === topic)
          takeState(key, entity, payload);
        if (entity.json_attributes_topic !== topic) continue;
        const text = render(entity.json_attributes_template ?? '{{ value }}', variablesOf(payload));
        attributes.set(key, JSON.parse(text) as unknown);
      }
    },
    stateOf: (key) => states.get(key),
    attributesOf: (key) => attributes.get(key),
    isAvailable: (key) => availabilityOf(key).length === 0 || available.get(key) === true,
    command: (key, value) => {
      const entity = entities.get(key);
      assert.ok(entity !== undefined && 'command_topic' in entity, `${key} takes commands`);
      assert.ok(entity.command_template !== undefined);
      return {
        topic: entity.command_topic,
        payload: render(entity.command_template, { value }),
      };
    },
  };
}

/** What Home Assistant would not take over, with a line in its log. */
function assertValid(key: string, entity: HomeEntity, value: string): void {
  switch (entity.platform) {
    case 'sensor':
      assert.ok(value.length <= 255, `${key}: a state is no longer than that`);
      if (entity.options !== undefined) {
        assert.ok(entity.options.includes(value), `${key}: ${value} is no option`);
      } else if (entity.state_class !== undefined) {
        assert.ok(Number.isFinite(Number.parseFloat(value)), `${key}: ${value} is no number`);
      }
      break;
    case 'number': {
      const number = Number(value);
      assert.ok(number >= entity.min && number <= entity.max, `${key}: ${value} is out of range`);
      break;
    }
    case 'switch':
    case 'binary_sensor':
      assert.ok(['ON', 'OFF'].includes(value), `${key}: ${value} is neither`);
      break;
    default:
      break;
  }
}
