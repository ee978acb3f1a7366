import { z } from 'zod';
import { nearest } from '../base/nearest.ts';
import { configSchema } from '../contract/config.ts';

/** What is wrong with a config by its schema, in words, wherever the config came from. */
export type Complaint = { readonly path: readonly string[]; readonly message: string };

export type Tree = { [key: string]: unknown };

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema of the value at a path, without its default; undefined where there is none. */
export function schemaAt(path: readonly string[]): unknown {
  let schema: unknown = configSchema;
  for (const key of path) {
    if (schema instanceof z.ZodObject && Object.hasOwn(schema.shape, key)) {
      schema = unwrapped(schema.shape[key]);
    } else if (schema instanceof z.ZodRecord) {
      schema = unwrapped(schema.valueType);
    } else return undefined;
  }
  return schema;
}

const unwrapped = (schema: unknown): unknown =>
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault ||
  schema instanceof z.ZodOptional
    ? unwrapped(schema.unwrap())
    : schema;

/** The keys that a mapping at this path may have; none where they are free, or where there is no mapping. */
export function knownKeys(path: readonly string[]): readonly string[] {
  const schema = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** One complaint, or one for each unknown key; `tree` is what was parsed. */
export function complaintsOf(issue: z.core.$ZodIssue, tree: unknown): readonly Complaint[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(path, key) }));
  }
  const found = valueAt(tree, path);
  const expected = `expected ${expectationOf(issue)}`;
  // A rule between two keys can fail for one that was left at its default.
  const isLeft = found === undefined && issue.code === 'custom';
  return [
    { path, message: isLeft ? `${expected}; set it too` : `got ${nameOf(found)}; ${expected}` },
  ];
}

/** The value at a path, or undefined. */
export const valueAt = (tree: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    tree,
  );

function unknownKey(path: readonly string[], key: string): string {
  const known = knownKeys(path);
  const near = nearest(key, known);
  if (near !== undefined) return `unknown key; did you mean ${[...path, near].join('.')}?`;
  return `unknown key; known here: ${known.join(', ')}`;
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

function expectationOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? `a ${issue.expected}`;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `${issue.origin === 'string' ? 'text, not empty' : `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`}`;
    case 'too_big':
      return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    default:
      return issue.message.replace(/^Invalid (string|input): /, '');
  }
}

/** A value in a sentence, cut short. */
export function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (null)';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
