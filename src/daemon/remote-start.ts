import type { Outcome } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import type { PathError } from '../contract/messages.ts';
import { limited } from './config-layers.ts';
import { judge } from './desired-document.ts';
import type { Found } from './remote-store.ts';
import type { Setup } from './setup.ts';
import { beginTrial, type TrialStep, type Versioned } from './trial.ts';

/** What the daemon starts with: the last known good layer over its own config, where that does. */
export type RemoteStart = {
  readonly setup: Setup;
  readonly step: TrialStep;
};

/** The config with a layer over the local one, and what its model is. */
export function layOver(
  local: Config,
  { layer }: Versioned,
  prepare: (config: Config) => Outcome<Setup>,
):
  | { readonly ok: true; readonly setup: Setup }
  | { readonly ok: false; errors: readonly PathError[] } {
  const judged = judge(layer, local);
  if (!judged.ok) return { ok: false, errors: limited(judged.errors) };
  const prepared = prepare(judged.config);
  if (prepared.ok) return { ok: true, setup: prepared.value };
  const { message, mend } = prepared.fault;
  return { ok: false, errors: [{ path: '', message: `${message}. ${mend}` }] };
}

/** The start of a daemon whose own config is right: nothing that came from afar can prevent it. */
export function startRemote(
  own: Setup,
  found: Found,
  prepare: (config: Config) => Outcome<Setup>,
): RemoteStart {
  const step = beginTrial(found.kept, found.marked);
  const { good } = found.kept;
  const laid = layOver(own.config, good, prepare);
  if (laid.ok) return { setup: laid.setup, step };
  // The layer stays the last known good one: the device's own config may be mended again.
  const report = { version: good.version, state: 'rejected' as const, errors: [...laid.errors] };
  return {
    setup: own,
    step: { ...step, actions: [...step.actions, { kind: 'report', report }] },
  };
}
