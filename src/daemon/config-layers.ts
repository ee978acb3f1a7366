import { type Config, configSchema } from '../contract/config.ts';
import type { PathError } from '../contract/messages.ts';
import { complaintsOf, isTree, nameOf, type Tree, valueAt } from './config-problem.ts';
import { errorsMax, shortened } from './strict-json.ts';

/** A part of the config that goes over the local one. */
export type Layer = { readonly [key: string]: unknown };

export type Layered =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly errors: readonly PathError[] };

const messageLengthMax = 300;

/**
 * The config with a layer over it, through the one schema. Mappings are merged key by key, everything
 * else is replaced, and null takes a key away, so that its default applies (RFC 7396).
 */
export function layerOver(local: Config, layer: Layer): Layered {
  const tree = merged(local, layer);
  const parsed = configSchema.safeParse(tree);
  if (parsed.success) return { ok: true, config: parsed.data };
  const errors = parsed.error.issues
    .flatMap((issue) => complaintsOf(issue, tree))
    .map(({ path, message }) => ({
      path: shortened(path.join('.'), messageLengthMax),
      message: shortened(message + originOf(path, tree, layer), messageLengthMax),
    }));
  return { ok: false, errors };
}

/** What is wrong may be a value that the layer did not set, but that does not go with one it did. */
function originOf(path: readonly string[], tree: unknown, layer: Layer): string {
  if (valueAt(layer, path) !== undefined || isUnder(layer, path)) return '';
  const value = valueAt(tree, path);
  return value === undefined ? '' : ` (${nameOf(value)} is the device's own; set it too)`;
}

/** Whether the layer sets something that the path leads through, as when a section is no mapping. */
function isUnder(layer: Layer, path: readonly string[]): boolean {
  return path.some((_, at) => {
    const value = valueAt(layer, path.slice(0, at + 1));
    return value !== undefined && !isTree(value);
  });
}

/** The first errors, and how many more there are. */
export function limited(errors: readonly PathError[]): readonly PathError[] {
  if (errors.length <= errorsMax) return errors;
  const more = `${errors.length - errorsMax} more errors; mend these first`;
  return [...errors.slice(0, errorsMax), { path: '', message: more }];
}

/** A layer with a part of the config over it: null takes a key out of the layer (RFC 7396). */
export const layerOn = (layer: Layer, partial: Layer): Layer => treeOf(merged(layer, partial));

const treeOf = (value: unknown): Tree => (isTree(value) ? value : {});

function merged(below: unknown, above: unknown): unknown {
  if (!isTree(above)) return above;
  const base = treeOf(below);
  const kept = Object.entries(base).filter(([key]) => !Object.hasOwn(above, key));
  const set = Object.entries(above)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, merged(Object.hasOwn(base, key) ? base[key] : {}, value)]);
  // Without assignment, so that no key can be anything but a key.
  return Object.fromEntries([...kept, ...set]);
}
