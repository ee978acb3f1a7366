import { messageOf } from '../base/fault.ts';
import type { PathError } from '../contract/messages.ts';

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly errors: readonly PathError[] };

/** So many errors are enough to see what is wrong with a document. */
export const errorsMax = 20;
/** A path is shown up to this length: its keys come from the document. */
const pathLengthMax = 120;

/** Keys that reach the prototype of an object where somebody copies carelessly. */
const poisonous: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * JSON from bytes, with what JSON.parse lets pass refused: a key twice in one mapping (one of the two
 * would silently win), keys that poison prototypes, and nesting deeper than `depthMax`.
 */
export function parseStrictJson(bytes: Uint8Array, depthMax: number): StrictJson {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refusal('', 'the bytes are not valid UTF-8; send the document as UTF-8 text');
  }
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refusal('', `not JSON: ${messageOf(error)}; send one JSON document`);
  }
  const errors = walk(text, depthMax);
  return errors.length === 0 ? { ok: true, value } : { ok: false, errors };
}

const refusal = (path: string, message: string): StrictJson => ({
  ok: false,
  errors: [{ path, message }],
});

/** A mapping whose next text is a key has no key; a list counts its items. */
type Level =
  | { readonly kind: 'mapping'; readonly keys: Set<string>; key: string | undefined }
  | { readonly kind: 'list'; index: number };

/** What JSON consists of besides white space and plain values, which do not matter here. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

/** Walks through a text that is known to be JSON, in time proportional to its length. */
function walk(text: string, depthMax: number): PathError[] {
  const levels: Level[] = [];
  const errors: PathError[] = [];
  for (const [token] of text.matchAll(tokens)) {
    const message = step(levels, token);
    if (message !== undefined) errors.push({ path: pathOf(levels), message });
    if (levels.length > depthMax) {
      const deep = `nested deeper than ${depthMax} levels, which no config is; flatten it`;
      return [...errors, { path: pathOf(levels.slice(0, -1)), message: deep }];
    }
    if (errors.length === errorsMax) break;
  }
  return errors;
}

/** Takes a token into account; says what is wrong with it when it is a key. */
function step(levels: Level[], token: string): string | undefined {
  const level = levels.at(-1);
  switch (token) {
    case '{':
      levels.push({ kind: 'mapping', keys: new Set(), key: undefined });
      return undefined;
    case '[':
      levels.push({ kind: 'list', index: 0 });
      return undefined;
    case '}':
    case ']':
      levels.pop();
      return undefined;
    case ',':
      if (level?.kind === 'mapping') level.key = undefined;
      else if (level !== undefined) level.index += 1;
      return undefined;
    default: {
      if (level?.kind !== 'mapping' || level.key !== undefined) return undefined;
      level.key = JSON.parse(token) as string;
      const message = keyProblem(level.keys, level.key);
      level.keys.add(level.key);
      return message;
    }
  }
}

function keyProblem(keys: ReadonlySet<string>, key: string): string | undefined {
  if (poisonous.has(key)) return 'no key of a config has this name; take it out';
  return keys.has(key) ? 'this key is given twice; take one of them out' : undefined;
}

function pathOf(levels: readonly Level[]): string {
  const path = levels
    .map((level) => (level.kind === 'list' ? String(level.index) : (level.key ?? '')))
    .join('.');
  return shortened(path, pathLengthMax);
}

export const shortened = (text: string, lengthMax: number): string =>
  text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
