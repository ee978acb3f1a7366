import { configJsonSchema } from '../../src/contract/config.ts';

/** The part of JSON Schema that the config's uses. */
type Property = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, Property>>;
};

/** docs/config.md, made from the config's schema. */
export function configDocs(): string {
  const schema = configJsonSchema() as Property;
  const entries = Object.entries(schema.properties ?? {});
  const sections = entries
    .filter(([, { properties }]) => properties !== undefined)
    .map(([name, { properties = {} }]) => `## ${name}\n\n${tableOf(`${name}.`, properties)}`);
  const plain = entries.filter(([, { properties }]) => properties === undefined);
  sections.push(`## On the top level\n\n${tableOf('', Object.fromEntries(plain))}`);
  return `<!-- Made from the config's schema by \`npm run docs\`; a test fails when it is out of date. -->

# Config

One YAML file, \`sightd run --config FILE\` (default \`/etc/sightd/config.yaml\`). Every key has a
default, so an empty file is a whole config. \`sightd config check FILE\` says what is wrong with one,
with the line; \`sightd config print\` shows what the daemon would use; \`sightd config schema\` gives the
JSON Schema for an editor.

Every key can also be set in the environment, over the file: \`SIGHTD_SECTION_KEY\`, as in
\`SIGHTD_CAMERA_WIDTH=1280\` or \`SIGHTD_HEALTH_INTERVAL_SECONDS=10\`. Values are read as YAML.

Relative paths are relative to the folder that sightd is started in.

${sections.join('\n\n')}
`;
}

function tableOf(prefix: string, properties: Readonly<Record<string, Property>>): string {
  const rows = Object.entries(properties).map(
    ([key, property]) =>
      `| \`${prefix}${key}\` | ${kindOf(property)} | ${defaultOf(property)} | ${property.description ?? ''} |`,
  );
  return ['| key | value | default | what |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function kindOf(property: Property): string {
  if (property.enum !== undefined) return property.enum.map((value) => `\`${value}\``).join(', ');
  const low = property.minimum ?? property.exclusiveMinimum;
  const range =
    low === undefined || property.maximum === undefined ? '' : ` ${low} to ${property.maximum}`;
  switch (property.type) {
    case 'integer':
      return `whole number${range}`;
    case 'number':
      return `number${range}`;
    case 'boolean':
      return '`true` or `false`';
    case 'array':
      return 'list of texts';
    case 'object':
      return 'label: number';
    default:
      return 'text';
  }
}

function defaultOf(property: Property): string {
  return property.default === undefined
    ? ''
    : `\`${JSON.stringify(property.default).replace(/"/g, '')}\``;
}
