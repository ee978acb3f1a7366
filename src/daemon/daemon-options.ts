import type { Component, Fault, Outcome } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Clock } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import type { Topics } from '../contract/contract.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { HealthMessage } from '../contract/messages.ts';
import type { ModelFile, SourceDescription } from '../contract/threads.ts';
import type { Notifier } from '../systemd/notifier.ts';
import type { BudgetStore } from './life/budget-store.ts';
import type { LifeRecord } from './life/life-record.ts';
import type { PipelineEnd } from './pipeline-events.ts';
import type { Published } from './publisher.ts';

export type DaemonOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Where to keep what survives a restart; undefined keeps it in memory. */
  readonly stateDir: string | undefined;
  /** What this run leaves behind of itself, and how the one before ended. */
  readonly life: LifeRecord;
  /** What recovery has spent, also before this run. */
  readonly budgets: BudgetStore;
  /** Aborts when the daemon is asked to stop. */
  readonly stop: AbortSignal;
  /** What systemd is told. */
  readonly notifier: Notifier;
  /** Hands in whom to call with a config that shall apply from now on. */
  readonly onReload: ((apply: (read: Outcome<Config>) => void) => void) | undefined;
  /** Hands in whom to call to have everything that is known written to the log. */
  readonly onDiagnose: ((diagnose: () => void) => void) | undefined;
  /** A file of faults to make on purpose; undefined makes none. */
  readonly inject: string | undefined;
  /** Reads the config again for who asks for it over MQTT; undefined where there is none to read. */
  readonly readConfig: (() => Outcome<Config>) | undefined;
  readonly onRunning: ((running: Running) => void) | undefined;
  readonly onPublished: ((published: Published) => void) | undefined;
  readonly onHealth: ((health: HealthMessage) => void) | undefined;
};

export type Running = {
  readonly source: SourceDescription;
  readonly model: ModelFile;
  readonly topics: Topics;
};

/** `restart`: stopped as asked, to be started again. */
export type Asked = 'asked' | 'restart';
type StopReason = Asked | 'source ended';

/** Why the daemon stops. */
export type Ending =
  | PipelineEnd
  | { readonly kind: 'asked'; readonly how: Asked }
  /** To be started again, because nothing less helps. */
  | { readonly kind: 'recovery'; readonly component: Component; readonly fault: Fault };

export type DaemonEnd =
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly ledger: Ledger }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** Ended in order to be started again, because of this. */
  | { readonly kind: 'recovery'; readonly fault: Fault }
  /** The stop deadline passed while these were waited for. */
  | {
      readonly kind: 'hung';
      readonly waiting: readonly string[];
      readonly ledger: Ledger;
      readonly fault: Fault | undefined;
    };
