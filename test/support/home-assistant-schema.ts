import { z } from 'zod';

/*
 * The options that Home Assistant documents for MQTT device discovery and for the platforms that sightd
 * uses (https://www.home-assistant.io/integrations/mqtt/ and its pages sensor.mqtt, binary_sensor.mqtt,
 * image.mqtt, button.mqtt, number.mqtt and switch.mqtt), with the rules that its schemas check.
 * Home Assistant ignores an option that it does not know; here it is an error.
 */

const topic = z.string().regex(/^[^#+\0]+$/);
const template = z.string().min(1);
const qos = z.int().min(0).max(2);

const availabilityOptions = {
  availability: z
    .array(
      z.strictObject({
        topic,
        payload_available: z.string().optional(),
        payload_not_available: z.string().optional(),
        value_template: template.optional(),
      }),
    )
    .optional(),
  availability_mode: z.enum(['all', 'any', 'latest']).optional(),
};

const commonOptions = {
  ...availabilityOptions,
  /** Required for the entities of a device. */
  unique_id: z.string().min(1),
  name: z.string().min(1).nullable().optional(),
  default_entity_id: z.string().optional(),
  enabled_by_default: z.boolean().optional(),
  encoding: z.string().optional(),
  entity_category: z.enum(['config', 'diagnostic']).optional(),
  entity_picture: z.url().optional(),
  icon: z
    .string()
    .regex(/^[a-z]+:[a-z0-9-]+$/)
    .optional(),
  json_attributes_topic: topic.optional(),
  json_attributes_template: template.optional(),
  qos: qos.optional(),
};

/** What only reads cannot be a setting. */
const readingOptions = {
  ...commonOptions,
  entity_category: z.literal('diagnostic').optional(),
  state_topic: topic,
  value_template: template.optional(),
  expire_after: z.int().min(1).optional(),
  force_update: z.boolean().optional(),
};

const commandOptions = {
  ...commonOptions,
  command_topic: topic,
  command_template: template.optional(),
  retain: z.boolean().optional(),
};

const sensorSchema = z
  .strictObject({
    platform: z.literal('sensor'),
    ...readingOptions,
    /** Of its many device classes, those that are used here. */
    device_class: z.enum(['enum', 'temperature']).nullable().optional(),
    last_reset_value_template: template.optional(),
    options: z.array(z.string()).min(1).optional(),
    state_class: z.enum(['measurement', 'total', 'total_increasing']).optional(),
    suggested_display_precision: z.int().min(0).optional(),
    unit_of_measurement: z.string().nullable().optional(),
  })
  .refine(
    ({ options, device_class }) => options === undefined || device_class === 'enum',
    'options are for the device class enum',
  )
  .refine(
    ({ options, state_class, unit_of_measurement }) =>
      options === undefined || (state_class === undefined && unit_of_measurement === undefined),
    'what has options is no number',
  )
  .refine(
    ({ options }) => options === undefined || new Set(options).size === options.length,
    'each option once',
  )
  .refine(
    ({ device_class, unit_of_measurement: unit }) =>
      device_class !== 'temperature' || ['°C', '°F', 'K'].includes(unit ?? ''),
    'a temperature has its unit',
  );

const binarySensorSchema = z.strictObject({
  platform: z.literal('binary_sensor'),
  ...readingOptions,
  device_class: z.enum(['connectivity', 'problem', 'running']).nullable().optional(),
  off_delay: z.int().min(0).optional(),
  payload_off: z.string().optional(),
  payload_on: z.string().optional(),
});

const imageSchema = z
  .strictObject({
    platform: z.literal('image'),
    ...commonOptions,
    content_type: z.string().optional(),
    image_encoding: z.literal('b64').optional(),
    image_topic: topic.optional(),
    url_template: template.optional(),
    url_topic: topic.optional(),
  })
  .refine(
    ({ image_topic, url_topic }) => (image_topic === undefined) !== (url_topic === undefined),
    'one of image_topic and url_topic',
  );

const buttonSchema = z.strictObject({
  platform: z.literal('button'),
  ...commandOptions,
  device_class: z.enum(['identify', 'restart', 'update']).nullable().optional(),
  payload_press: z.string().optional(),
});

const numberSchema = z
  .strictObject({
    platform: z.literal('number'),
    ...commandOptions,
    device_class: z.string().nullable().optional(),
    max: z.number().default(100),
    min: z.number().default(1),
    mode: z.enum(['auto', 'box', 'slider']).optional(),
    optimistic: z.boolean().optional(),
    payload_reset: z.string().optional(),
    state_topic: topic.optional(),
    step: z.number().min(0.001).optional(),
    unit_of_measurement: z.string().nullable().optional(),
    value_template: template.optional(),
  })
  .refine(({ min, max }) => min < max, 'min is below max');

const switchSchema = z.strictObject({
  platform: z.literal('switch'),
  ...commandOptions,
  device_class: z.enum(['outlet', 'switch']).nullable().optional(),
  optimistic: z.boolean().optional(),
  payload_off: z.string().optional(),
  payload_on: z.string().optional(),
  state_off: z.string().optional(),
  state_on: z.string().optional(),
  state_topic: topic.optional(),
  value_template: template.optional(),
});

export const entitySchema = z.discriminatedUnion('platform', [
  sensorSchema,
  binarySensorSchema,
  imageSchema,
  buttonSchema,
  numberSchema,
  switchSchema,
]);

/** A component with its platform alone is deleted. */
const goneSchema = z.strictObject({ platform: z.string() });

const deviceSchema = z.strictObject({
  configuration_url: z.url().optional(),
  connections: z.array(z.tuple([z.string(), z.string()])).optional(),
  hw_version: z.string().optional(),
  identifiers: z.array(z.string()).min(1),
  manufacturer: z.string().optional(),
  model: z.string().optional(),
  model_id: z.string().optional(),
  name: z.string(),
  serial_number: z.string().optional(),
  suggested_area: z.string().optional(),
  sw_version: z.string().optional(),
  via_device: z.string().optional(),
});

export const deviceDiscoverySchema = z.strictObject({
  ...availabilityOptions,
  device: deviceSchema,
  origin: z.strictObject({
    name: z.string(),
    sw_version: z.string().optional(),
    support_url: z.url({ protocol: /^https?$/ }).optional(),
  }),
  /** An id with a space could not be told from a device's. */
  components: z.record(z.string().regex(/^[A-Za-z0-9_-]+$/), z.union([entitySchema, goneSchema])),
  command_topic: topic.optional(),
  state_topic: topic.optional(),
  encoding: z.string().optional(),
  qos: qos.optional(),
});

/** The levels after the prefix; the third is its discovery id. */
export const discoveryTopicForm = /\/device\/([a-zA-Z0-9_-]+)\/config$/;

export type HomeEntity = z.infer<typeof entitySchema>;
