import type { Outcome } from '../base/fault.ts';
import type { ModelFile } from '../contract/threads.ts';
import { openNativeRuntime } from './native-session.ts';
import type { ModelFacts, ModelSession, Runtime } from './session.ts';

/** What the file says of itself, without running it. */
export async function readModelFacts(path: string): Promise<Outcome<ModelFacts>> {
  return (await runtime()).readFacts(path);
}

/**
 * Loads a model and binds it to `tensor` (memory of the shape the manifest states, shared or not).
 * The file is held against the manifest first.
 */
export async function openSession(
  model: ModelFile,
  tensor: Uint8Array | Float32Array,
  threads: number,
): Promise<Outcome<ModelSession>> {
  return (await runtime()).open(model, tensor, threads);
}

/** The C API where it is to be had; the package, which does the same for more CPU, is loaded elsewhere. */
const runtime = async (): Promise<Runtime> =>
  openNativeRuntime() ?? (await import('./package-session.ts')).packageRuntime;
