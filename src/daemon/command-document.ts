import type { z } from 'zod';
import { type Fault, fault } from '../base/fault.ts';
import {
  type Command,
  type CommandName,
  commandSchema,
  requestSchemas,
} from '../contract/commands.ts';
import { sentenceOf } from '../contract/messages.ts';
import { complaintsOf, isTree, nameOf } from './config-problem.ts';
import { parseStrictJson, shortened } from './strict-json.ts';

export type CommandReading =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly id: string | null; readonly fault: Fault };

/** An id, an instant and two or three words. */
const commandBytesMax = 4 * 1024;
/** As much as a document on `config/desired` may have. */
const configureBytesMax = 64 * 1024;
/** `config.camera.region.x` is four levels; the rest is room to name what is wrong. */
const depthMax = 10;
/** What is wrong is said up to this length. */
const complaintsMax = 5;

/** Reads a command's payload: size, encoding, JSON, and the schema of its name. */
export function readCommand(name: CommandName, payload: Uint8Array): CommandReading {
  const bytesMax = name === 'configure' ? configureBytesMax : commandBytesMax;
  if (payload.length > bytesMax) {
    const sentence = `the command has ${payload.length} bytes; at most ${bytesMax} are taken`;
    return { ok: false, id: null, fault: fault('command.too-large', sentence, 'Send less.') };
  }
  const parsed = parseStrictJson(payload, depthMax);
  if (!parsed.ok) return malformed(null, parsed.errors.map(sentenceOf));
  const { value } = parsed;
  if (!isTree(value)) return malformed(null, [`got ${nameOf(value)}; expected a mapping`]);
  const id = idOf(value);
  // The name is the topic's, and not for the payload to say.
  if (Object.hasOwn(value, 'name')) return malformed(id, [unknownKeys(name, ['name'])]);
  const read = commandSchema.safeParse({ ...value, name });
  if (read.success) return { ok: true, command: read.data };
  return malformed(
    id,
    read.error.issues.flatMap((issue) => complaintsIn(name, issue, value)),
  );
}

/** The id of a command that cannot be read, for its answer. */
function idOf({ id }: { readonly id?: unknown }): string | null {
  const read = requestSchemas.identify.shape.id.safeParse(id);
  return read.success ? read.data : null;
}

function complaintsIn(
  name: CommandName,
  issue: z.core.$ZodIssue,
  value: unknown,
): readonly string[] {
  if (issue.code === 'unrecognized_keys') return [unknownKeys(name, issue.keys)];
  return complaintsOf(issue, value).map(({ path, message }) =>
    sentenceOf({ path: path.join('.'), message }),
  );
}

function unknownKeys(name: CommandName, keys: readonly string[]): string {
  const known = Object.keys(requestSchemas[name].shape).join(', ');
  return `unknown key ${shortened(keys.join(', '), 120)}; ${name} has ${known}`;
}

function malformed(id: string | null, complaints: readonly string[]): CommandReading {
  const all = complaints.slice(0, complaintsMax).join('; ');
  const mend = 'docs/topics.md shows what each command looks like.';
  return { ok: false, id, fault: fault('command.malformed', shortened(all, 1000), mend) };
}
