import { unreachable } from '../../base/assert.ts';
import { type Component, components, type Fault } from '../../base/fault.ts';
import type { Log } from '../../base/log.ts';
import { type Clock, type Micros, micros } from '../../base/time.ts';
import type { Components, HealthState } from '../../contract/messages.ts';
import { componentsOf, healthOf, isProgressing, isStartExcused, isWorking } from '../components.ts';
import type { Events } from '../events.ts';
import { type Assessment, assess, type Facts } from '../health.ts';
import type { Pipeline } from '../pipeline-interface.ts';
import { type SupervisorPolicy, waitBefore } from './policy.ts';
import {
  releaseProcess,
  type Spent,
  type SupervisorAction,
  type SupervisorState,
  type SupervisorStep,
  stepSupervisor,
} from './step.ts';

/** Looks at how all parts are, says so, and has done about it what `step` decides. */
export interface Supervisor {
  /** Looks, and acts: once a second, and when something may have changed. */
  look(): void;
  components(): Components;
  state(): HealthState;
  /** Whether frames are classified and told of. */
  isWorking(): boolean;
  /** Whether the daemon makes progress, or is inside a step that will end. */
  isProgressing(): boolean;
  /**
   * Whatever made the process crash may be mended: one that was begun held has a fresh try. Should it
   * crash again, the next one is held.
   */
  retry(): void;
  /** Does nothing for so long about what it sees: it is then for systemd's watchdog. */
  deafen(until: Micros): void;
  /** Decides nothing any more. */
  close(): void;
}

export type SupervisorOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Pick<Events, 'tell'>;
  readonly pipeline: Pick<Pipeline, 'phase' | 'recover' | 'begin'>;
  readonly sample: () => Facts;
  readonly policy: () => SupervisorPolicy;
  readonly begun: SupervisorStep;
  /** Keeps what is spent for the next process. */
  readonly keep: (spent: Spent) => void;
  /** The process is to end, to be started again. */
  readonly onEnd: (component: Component, reason: Fault) => void;
};

/** What starts goes through several parts, each with a deadline of its own; more than all of them. */
const startingMax = micros(600_000_000);

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { clock, log, events, pipeline } = options;
  let state: SupervisorState = options.begun.state;
  let facts = options.sample();
  let assessment: Assessment = assess(facts);
  let isLooking = false;
  let isAgain = false;
  let isClosed = false;
  let deafUntil = micros(0);
  const startingSince = new Map<Component, Micros>();

  const lookOnce = (): void => {
    facts = options.sample();
    assessment = assess(facts);
    noteStarting(startingSince, assessment, isStartExcused(assessment, state.ladders), clock.now());
    // What is being ended is not recovered.
    if (isClosed || pipeline.phase() === 'stopping' || clock.now() < deafUntil) return;
    const next = stepSupervisor(state, assessment, clock.now(), options.policy());
    take(next);
  };

  const take = (next: SupervisorStep): void => {
    const { spent } = state;
    state = next.state;
    if (spent !== state.spent) options.keep(state.spent);
    for (const action of next.actions) perform(action);
  };

  const perform = (action: SupervisorAction): void => {
    const { component } = action;
    switch (action.kind) {
      case 'recover': {
        const { rung, attempt, fault } = action;
        log.warn({ component, rung, attempt, fault }, 'recovering');
        events.tell('recovery.step', `${component}: ${stepOf[rung]}, because ${fault.message}`, {
          ...{ component, rung, attempt },
          fault: fault.code,
        });
        if (component === 'camera' || component === 'inference') {
          pipeline.recover(component, rung, waitBefore(component, rung, attempt));
        }
        break;
      }
      case 'end':
        log.error({ component, fault: action.fault }, 'ending the process, to be started again');
        events.tell(
          'recovery.step',
          `${component}: the process is started again, because ${action.fault.message}`,
          { component, rung: 'process', attempt: 1, fault: action.fault.code },
        );
        options.onEnd(component, action.fault);
        break;
      case 'recovered': {
        const took = Math.round(action.after / 100) / 10;
        log.info({ component, rung: action.rung, seconds: took }, 'recovered');
        events.tell('recovery.done', `${component}: works again after ${took} s`, {
          ...{ component, rung: action.rung },
          seconds: took,
        });
        break;
      }
      case 'held': {
        const retrySeconds = Math.ceil(action.wait / 1000);
        const { fault } = action;
        log.error({ component, fault, retrySeconds }, 'no budget for recovery is left; holding');
        const sentence = `${component}: all that may be done for now was done; again in ${retrySeconds} s. It is: ${fault.message}`;
        events.tell('recovery.held', sentence, { component, fault: fault.code, retrySeconds });
        break;
      }
      case 'resumed':
        log.info({ component }, 'there is a budget for recovery again');
        events.tell('recovery.resumed', `${component}: it may be tried again`, { component });
        if (component === 'daemon') pipeline.begin();
        break;
      default:
        unreachable(action);
    }
  };

  const parts = (): Components => componentsOf(assessment, state.ladders);
  for (const action of options.begun.actions) perform(action);
  return {
    look: () => {
      // What is done changes what is seen: then it looks once more, after this.
      isAgain = true;
      if (isLooking) return;
      isLooking = true;
      for (let count = 0; isAgain && count < components.length; count += 1) {
        isAgain = false;
        lookOnce();
      }
      isLooking = false;
    },
    components: parts,
    state: () => healthOf(parts(), pipeline.phase(), facts.hasBegun),
    isWorking: () => isWorking(parts()),
    isProgressing: () =>
      isProgressing(
        assessment,
        state.ladders,
        (name) => micros((startingSince.get(name) ?? clock.now()) + startingMax),
        clock.now(),
      ),
    retry: () => {
      if (pipeline.phase() === 'held') take(releaseProcess(state));
    },
    deafen: (until) => {
      deafUntil = micros(Math.max(deafUntil, until));
    },
    close: () => {
      isClosed = true;
    },
  };
}

const stepOf: Readonly<Record<'stream' | 'device' | 'worker', string>> = {
  stream: 'its stream begins anew',
  device: 'it is closed and opened again',
  worker: 'its thread is replaced',
};

function noteStarting(
  since: Map<Component, Micros>,
  assessment: Assessment,
  isExcused: boolean,
  now: Micros,
): void {
  for (const name of components) {
    if (isExcused || assessment[name].kind !== 'starting') since.delete(name);
    else if (!since.has(name)) since.set(name, now);
  }
}
