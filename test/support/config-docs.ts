import { configJsonSchema } from '../../src/contract/config.ts';

/** The part of JSON Schema that the config's uses. */
type Property = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly additionalProperties?: Property | boolean;
  readonly anyOf?: readonly Property[];
};

/** docs/config.md, made from the config's schema. */
export function configDocs(): string {
  const schema = configJsonSchema() as Property;
  const names = Object.entries(schema.properties ?? {});
  const sections = names
    .filter(([, section]) => section.properties !== undefined)
    .map(([name, section]) => `## ${name}\n\n${tableOf(`${name}.`, section.properties ?? {})}`);
  const plain = Object.fromEntries(names.filter(([, key]) => key.properties === undefined));
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

## Beside the sections

${tableOf('', plain)}
`;
}

function tableOf(prefix: string, properties: Readonly<Record<string, Property>>): string {
  const rows = Object.entries(properties).flatMap(([key, property]) =>
    rowsOf(`${prefix}${key}`, property),
  );
  return ['| key | value | default | what |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** A row for a key, or one for each key within it. */
function rowsOf(path: string, property: Property): string[] {
  const what = property.description ?? '';
  if (property.properties === undefined) {
    return [`| \`${path}\` | ${kindOf(property)} | ${defaultOf(property)} | ${what} |`];
  }
  const within = Object.entries(property.properties).flatMap(([key, one]) =>
    rowsOf(`${path}.${key}`, one),
  );
  return [`| \`${path}\` | | | ${what} |`, ...within];
}

function kindOf(property: Property): string {
  if (property.enum !== undefined) return property.enum.map((value) => `\`${value}\``).join(', ');
  if (Array.isArray(property.type)) {
    return property.type.map((type: string) => kindOf({ type })).join(' or ');
  }
  if (property.anyOf !== undefined) return property.anyOf.map(kindOf).join(' or ');
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
    case 'object': {
      const values = property.additionalProperties;
      return typeof values === 'object' ? `name: ${kindOf(values)}` : 'keys and values';
    }
    default:
      return 'text';
  }
}

function defaultOf(property: Property): string {
  return property.default === undefined
    ? ''
    : `\`${JSON.stringify(property.default).replace(/"/g, '')}\``;
}
