import { createHash } from 'node:crypto';

/**
 * An id of letters, digits, `_` and `-`, all that Home Assistant takes in a discovery topic and that is
 * safe in the id of a component. Where that loses something, or could be read in two ways, a part of
 * a hash tells it from others.
 */
export function plainIdOf(...parts: readonly string[]): string {
  const plain = parts.map((part) => part.replace(/[^A-Za-z0-9-]+/g, '_')).join('_');
  if (parts.every((part) => /^[A-Za-z0-9-]+$/.test(part))) return plain;
  const sum = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${plain}_${sum.slice(0, 8)}`;
}
