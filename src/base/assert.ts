/** Stops the thread when something that must always hold does not: a bug, not an expected failure. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`);
}

/** Ends every `switch` over a closed union: a new member then fails to compile. */
export function unreachable(value: never): never {
  throw new Error(`invariant broken: unexpected ${JSON.stringify(value)}`);
}
