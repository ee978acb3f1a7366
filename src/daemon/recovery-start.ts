import { type Fault, fault } from '../base/fault.ts';
import { type Clock, seconds } from '../base/time.ts';
import type { Config } from '../contract/config.ts';
import { frameDeadlineOf } from '../contract/frame.ts';
import type { BudgetStore } from './life/budget-store.ts';
import type { LifeRecord } from './life/life-record.ts';
import type { PreviousRun } from './life/previous-run.ts';
import { type SupervisorPolicy, supervisorPolicyOf } from './supervisor/policy.ts';
import { beginSupervisor, type SupervisorStep } from './supervisor/step.ts';

type Asked = Pick<Config, 'health' | 'camera'>;

/** What recovery begins with. */
export type RecoveryStart = {
  /** What it may do, as the config of the moment has it. */
  readonly policyOf: (config: Asked) => SupervisorPolicy;
  /** What the end of the run before has cost. */
  readonly begun: SupervisorStep;
};

export function startRecovery(
  config: Asked,
  life: LifeRecord,
  budgets: BudgetStore,
  clock: Clock,
): RecoveryStart {
  const policyOf = ({ health, camera }: Asked): SupervisorPolicy => {
    const asked = health.restartsPerHourMax;
    return supervisorPolicyOf(
      asked === 0 ? Number.POSITIVE_INFINITY : budgets.processMax(asked),
      frameDeadlineOf(seconds(health.frameDeadlineSeconds), camera.fps),
    );
  };
  const crash = crashOf(life.previous);
  const begun = beginSupervisor(budgets.read(), crash, clock.now(), policyOf(config));
  budgets.write(begun.state.spent);
  return { policyOf, begun };
}

/** An end that the daemon had decided itself was paid for then. */
function crashOf(previous: PreviousRun | undefined): Fault | undefined {
  if (previous === undefined || !previous.isUnplanned || previous.end === 'planned') {
    return undefined;
  }
  return fault(
    'daemon.crash-loop',
    `the process has ended again and again without being asked; the last time ${previous.sentence}`,
    'See the journal and the events before for the reason; a command to restart the process, or a power cycle, is a fresh try.',
  );
}
