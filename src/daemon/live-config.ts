import { isDeepStrictEqual } from 'node:util';
import { type Outcome, success } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import { seconds } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { isLosslessRun } from '../contract/config.ts';
import type { ModelFile } from '../contract/threads.ts';
import type { Discovery } from './discovery.ts';
import type { HealthReporter } from './health-reporter.ts';
import type { Pipeline } from './pipeline-interface.ts';
import { prepareSetup } from './prepare.ts';
import type { Publisher } from './publisher.ts';
import type { Setup } from './setup.ts';

export type Section = keyof Config;

export type Applied = {
  readonly applied: readonly Section[];
  /** Sections that differ from what is in force and apply after a restart only. */
  readonly waiting: readonly Section[];
};

/** The config in force, and the way to another one while the daemon runs. */
export interface LiveConfig {
  /** What is in force: sections that wait for a restart are those of the start. */
  current(): Config;
  model(): ModelFile;
  /** Whether a config could be applied: its model is there and has the labels that it names. */
  check(next: Config): Outcome<Setup>;
  /** Has each part take what is new in its sections, and leaves the others alone. */
  apply(next: Config): Outcome<Applied>;
}

export type LiveParts = {
  readonly setup: Setup;
  readonly pipeline: Pick<Pipeline, 'configure'>;
  readonly publisher: Pick<Publisher, 'configure'>;
  readonly reporter: Pick<HealthReporter, 'configure' | 'touch'>;
  readonly discovery: Pick<Discovery, 'configure'>;
  readonly log: Log;
};

/** What is bound when the daemon starts: the connection, the topics, who may change what. */
const startSections: readonly Section[] = [
  'device',
  'mqtt',
  'outbox',
  'remoteConfig',
  'commands',
  'stateDir',
];
/** A lossless run is begun with these; frames would be lost in going over to others. */
const losslessSections: readonly Section[] = ['camera', 'queue', 'model', 'inference'];

const sectionsOf = (config: Config): readonly Section[] => Object.keys(config) as Section[];

/** Which sections differ, and which of them have to wait for a restart. */
export function differenceOf(current: Config, next: Config): Applied {
  const isLossless = isLosslessRun(current.camera) || isLosslessRun(next.camera);
  const isWaiting = (section: Section): boolean =>
    startSections.includes(section) || (isLossless && losslessSections.includes(section));
  const changed = sectionsOf(next).filter(
    (section) => !isDeepStrictEqual(current[section], next[section]),
  );
  return {
    applied: changed.filter((section) => !isWaiting(section)),
    waiting: changed.filter(isWaiting),
  };
}

export function createLiveConfig(parts: LiveParts): LiveConfig {
  const { pipeline, publisher, reporter, discovery, log } = parts;
  let setup = parts.setup;

  /** What would be in force: the sections that have to wait stay as they are. */
  const reachable = (next: Config): Config => {
    const { waiting } = differenceOf(setup.config, next);
    const kept = waiting.map((section) => [section, setup.config[section]]);
    return { ...next, ...Object.fromEntries(kept) };
  };
  const check = (next: Config): Outcome<Setup> => prepareSetup(reachable(next), setup);

  return {
    current: () => setup.config,
    model: () => setup.model,
    check,
    apply: (next) => {
      const prepared = check(next);
      if (!prepared.ok) return prepared;
      const difference = differenceOf(setup.config, next);
      setup = prepared.value;
      const { config, model } = setup;
      const isNew = (...sections: Section[]): boolean =>
        sections.some((section) => difference.applied.includes(section));
      if (isNew('log')) log.setLevel(config.log.level);
      if (isNew('label', 'publish', 'model')) publisher.configure({ config, model });
      if (isNew('camera', 'queue', 'model', 'inference', 'label', 'publish', 'health')) {
        pipeline.configure(setup);
      }
      if (isNew('health', 'model', 'inference')) reporter.configure(reporterSetupOf(setup));
      if (isNew('homeAssistant', 'label', 'health', 'model')) discovery.configure(setup);
      reporter.touch();
      return success(difference);
    },
  };
}

export const reporterSetupOf = ({ config, model }: Setup) => ({
  interval: seconds(config.health.intervalSeconds),
  workers: config.inference.workers,
  model,
});
