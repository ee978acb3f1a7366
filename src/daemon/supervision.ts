import { type Component, type Fault, fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import { type Clock, type Micros, type Millis, micros, seconds } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import type { LinkState } from '../mqtt/connection.ts';
import type { Notifier } from '../systemd/notifier.ts';
import type { Events } from './events.ts';
import { createKeeper } from './keeper.ts';
import type { BudgetStore } from './life/budget-store.ts';
import type { LifeRecord } from './life/life-record.ts';
import type { Pipeline } from './pipeline-interface.ts';
import type { RecoveryStart } from './recovery-start.ts';
import { createSupervisor, type Supervisor } from './supervisor/supervisor.ts';
import type { SurroundingsChange, SurroundingsWatch } from './surroundings.ts';
import { createVitals } from './vitals.ts';

/** The supervisor at work: it looks once a second, and systemd hears of it. */
export type Supervision = Omit<Supervisor, 'isProgressing'> & Pick<SurroundingsWatch, 'override'>;

export type SupervisionOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Events;
  readonly notifier: Notifier;
  readonly pipeline: Pipeline;
  readonly config: () => Config;
  readonly link: () => LinkState;
  readonly delivery: () => { readonly waiting: number; readonly acknowledged: number };
  readonly surroundings: SurroundingsWatch;
  readonly onSurroundings: (change: SurroundingsChange) => void;
  /** What is wrong with the config that is in force, if anything. */
  readonly configFault: () => Fault | undefined;
  readonly life: Pick<LifeRecord, 'beat'>;
  readonly label: () => { readonly name: string; readonly score: number } | undefined;
  readonly recovery: RecoveryStart;
  readonly budgets: Pick<BudgetStore, 'write' | 'settle'>;
  readonly onEnd: (component: Component, reason: Fault) => void;
  /** Each second, after the look. */
  readonly onLooked: () => void;
};

/** A turn of the event loop that is so late is worth telling. */
const lateMax = seconds(5);
const stalledMax = seconds(3);
const breath = seconds(4);
const settledAfter = micros(600_000_000);

export function startSupervision(options: SupervisionOptions): Supervision {
  const { clock, events, pipeline } = options;
  let around = options.surroundings.look(clock.now());
  let fpsMax: number | undefined;
  let workingSince: Micros | undefined;
  const vitals = createVitals({
    ...options,
    outside: () => ({
      ...{ outbox: around.outbox, disk: around.disk, memory: around.memory },
      power: around.power.fault,
      config: options.configFault(),
    }),
  });
  const supervisor = createSupervisor({
    ...options,
    begun: options.recovery.begun,
    policy: () => options.recovery.policyOf(options.config()),
    sample: vitals.sample,
    keep: options.budgets.write,
  });
  const keeper = createKeeper(options.notifier, clock);
  let lookedAt = clock.now();

  const lookAround = (now: Micros): void => {
    around = options.surroundings.look(now);
    for (const change of around.changes) options.onSurroundings(change);
    const { limit } = around.power;
    if (limit !== fpsMax) pipeline.limit(limit);
    fpsMax = limit;
  };

  /** A daemon that has been well for so long was worth its restarts. */
  const settle = (now: Micros): void => {
    workingSince = supervisor.isWorking() ? (workingSince ?? now) : undefined;
    if (workingSince !== undefined && now - workingSince >= settledAfter) options.budgets.settle();
  };

  const look = (): void => {
    // Whoever stood still with the whole process has not hung: it is given time to go on.
    const now = clock.now();
    if (now - lookedAt > (keeper.period + stalledMax) * 1000) {
      supervisor.deafen(micros(now + breath * 1000));
    }
    supervisor.look();
    const state = supervisor.state();
    const heard = pipeline.vitals().heard.count;
    keeper.look({
      isReady: heard > 0 || isSettled(pipeline),
      isProgressing: supervisor.isProgressing(),
      state,
      components: supervisor.components(),
      classified: heard,
      label: options.label(),
    });
  };

  const timer = setInterval(() => {
    const now = clock.now();
    const late = ((now - lookedAt) / 1000 - keeper.period) as Millis;
    if (late > lateMax) events.report('daemon', blocked(late));
    lookAround(now);
    look();
    lookedAt = now;
    settle(now);
    options.life.beat({ classifiedAt: pipeline.vitals().heard.at });
    options.onLooked();
  }, keeper.period);

  return {
    ...supervisor,
    override: options.surroundings.override,
    look,
    close: () => {
      clearInterval(timer);
      supervisor.close();
    },
  };
}

/** Nothing more will come of waiting: there is no camera, or it was decided not to begin. */
function isSettled(pipeline: Pipeline): boolean {
  const { kind } = pipeline.camera();
  return kind === 'waiting' || kind === 'stuck' || pipeline.phase() === 'held';
}

const blocked = (late: Millis): Fault =>
  fault(
    'daemon.blocked',
    `the main thread did nothing for ${Math.round(late / 100) / 10} s`,
    'Another program may take all of the processor; else report this.',
  );
