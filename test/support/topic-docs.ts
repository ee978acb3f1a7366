import { z } from 'zod';
import { contract, definitions, type MessageDefinition } from '../../src/contract/contract.ts';
import { eventCodes } from '../../src/contract/event-codes.ts';
import { signedMessageSchema } from '../../src/contract/messages.ts';

/** The part of JSON Schema that the messages use. */
type Schema = {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
};

const fileOf = ({ topic }: MessageDefinition): string =>
  `${topic.replaceAll('/', '-')}.schema.json`;

/** docs/schemas/: a file for each message, by its name. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const signed = { ...contract.configDesired, schema: signedMessageSchema };
  return new Map([
    ...definitions
      .filter(({ schema }) => schema !== undefined)
      .map((one) => [fileOf(one), textOf(one)] as const),
    ['config-desired-signed.schema.json', textOf(signed)] as const,
  ]);
}

const textOf = (definition: MessageDefinition): string =>
  `${JSON.stringify({ title: `BASE/DEVICE/${definition.topic}`, ...schemaOf(definition) }, null, 2)}\n`;

/**
 * A message's JSON Schema (draft 2020-12). What the device says may get more keys with a later version,
 * so none are forbidden; what it is told may have only those that it knows.
 */
function schemaOf({ topic, schema, direction }: MessageDefinition): object {
  if (schema === undefined) throw new Error(`${topic} is no JSON`);
  return z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (direction === 'from the device') delete jsonSchema.additionalProperties;
    },
  });
}

/** docs/topics.md with its tables made anew: each stands between a comment that names it and an end. */
export function withTables(page: string): string {
  return page.replace(
    /(<!-- made by npm run docs: ([^ ]+) -->\n).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => `${begin}\n${tableNamed(name)}\n\n${end}`,
  );
}

function tableNamed(name: string): string {
  if (name === 'topics') return topicTable();
  if (name === 'events')
    return table(
      ['code', 'when, and its `data`'],
      Object.entries(eventCodes).map(([code, what]) => [`\`${code}\``, what]),
    );
  const definition = definitions.find(({ topic }) => topic === name);
  if (definition === undefined) throw new Error(`docs/topics.md asks for a table of ${name}`);
  const schema = schemaOf(definition) as Schema;
  const rows = Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
    rowsOf(key, property, schema.required?.includes(key) ?? false),
  );
  return table(['key', 'value', 'what'], rows);
}

const topicTable = (): string =>
  table(
    ['topic', 'direction', 'QoS', 'retained', 'when', 'schema'],
    definitions.map((one) => [
      `\`${one.topic}\``,
      one.direction,
      String(one.qos),
      one.retained ? 'yes' : 'no',
      one.when,
      one.schema === undefined ? '' : `[schema](schemas/${fileOf(one)})`,
    ]),
  );

/** A row for a key, and one for each key within it. */
function rowsOf(path: string, schema: Schema, isRequired: boolean): string[][] {
  const what = schema.description ?? '';
  const row = [`\`${path}\``, `${kindOf(schema)}${isRequired ? '' : ', or absent'}`, what];
  const inner = schema.items?.properties === undefined ? schema : schema.items;
  const prefix = inner === schema ? path : `${path}[]`;
  const within = Object.entries(inner.properties ?? {}).flatMap(([key, property]) =>
    rowsOf(`${prefix}.${key}`, property, inner.required?.includes(key) ?? false),
  );
  return [row, ...within];
}

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(kindOf).join(' or ');
  if (schema.format === 'date-time') return 'UTC time';
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'integer':
      return 'whole number';
    case 'boolean':
      return '`true` or `false`';
    case 'array':
      return 'list';
    case 'object':
      return 'object';
    default:
      return schema.type ?? 'any';
  }
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
