import { readFileSync } from 'node:fs';

const modules = new Map<string, WebAssembly.Module>();

/**
 * The WebAssembly module in a file, compiled and kept. V8 gives a thread what another one has compiled from
 * the same bytes, as long as that is kept somewhere: the main thread keeps what its workers use, for their
 * successors find it optimized, and each time the last thread that has a module leaves, 30 kB of it stay.
 */
export function compiled(file: URL): WebAssembly.Module {
  const module = modules.get(file.href) ?? new WebAssembly.Module(readFileSync(file));
  modules.set(file.href, module);
  return module;
}
