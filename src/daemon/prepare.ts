import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import type { ModelFile } from '../contract/threads.ts';
import { loadModel } from '../inference/manifest.ts';
import type { Setup } from './setup.ts';

/**
 * What a config means to the threads, or what can be known to be wrong before anything is started.
 * A model is read anew only where another one is named than in the setup before.
 */
export function prepareSetup(config: Config, before: Setup | undefined): Outcome<Setup> {
  const isKnown = before !== undefined && before.config.model.use === config.model.use;
  const model = isKnown ? success(before.model) : loadModel(config.model.use);
  if (!model.ok) return model;
  const stranger = strangerOf(config, model.value);
  return stranger === undefined ? success({ config, model: model.value }) : stranger;
}

/** A threshold for a label that the model does not have would wait for ever. */
function strangerOf(config: Config, model: ModelFile): Outcome<never> | undefined {
  const watched = Object.keys(config.label.thresholds);
  const stranger = watched.find((label) => !model.labels.includes(label));
  if (stranger === undefined) return undefined;
  const known = model.labels.slice(0, 8).join(', ');
  const sentence = `label.thresholds.${stranger}: the model ${model.name} has no such label`;
  const mend = `Its labels are ${known}${model.labels.length > 8 ? ', …' : ''}.`;
  return failure(fault('config.invalid', sentence, mend));
}
