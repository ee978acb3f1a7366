import { unreachable } from '../../base/assert.ts';
import { type Component, components, type Fault } from '../../base/fault.ts';
import { type Micros, type Millis, micros, millisOf } from '../../base/time.ts';
import type { Rung } from '../../contract/messages.ts';
import type { Assessment, ComponentHealth } from '../health.ts';
import { budgetOf, isAtLeast, type StepPolicy, type SupervisorPolicy } from './policy.ts';

/*
 * What is done about components that do not work, as a pure function: each has a ladder of steps, from
 * gentle to forceful, and each step a budget. When all that may help is spent the component is held:
 * left alone, and said to fail, until a budget has room again.
 */

export type SupervisorState = {
  /** When each budget was drawn on, oldest first: instants of this boot's monotonic clock. */
  readonly spent: Spent;
  readonly ladders: Readonly<Partial<Record<Component, Ladder>>>;
};

export type Spent = Readonly<Record<string, readonly Micros[]>>;

export type Ladder = {
  readonly fault: Fault;
  /** Since when the component has not worked. */
  readonly since: Micros;
  readonly phase: /** A step is under way, which must have helped by `until`; it answers the trouble of that number. */
    | {
        readonly kind: 'acting';
        readonly rung: Rung;
        readonly attempt: number;
        readonly until: Micros;
        readonly trouble: number;
      }
    /** It helped; whether for good shows. */
    | {
        readonly kind: 'proving';
        readonly rung: Rung;
        readonly attempt: number;
        readonly since: Micros;
      }
    /** Nothing more may be done before `until`. */
    | { readonly kind: 'held'; readonly until: Micros };
};

export type SupervisorAction =
  | {
      readonly kind: 'recover';
      readonly component: Component;
      readonly rung: Exclude<Rung, 'process'>;
      readonly attempt: number;
      readonly fault: Fault;
    }
  /** Ends the process, to be started again. */
  | { readonly kind: 'end'; readonly component: Component; readonly fault: Fault }
  | {
      readonly kind: 'recovered';
      readonly component: Component;
      readonly rung: Rung;
      readonly after: Millis;
    }
  | {
      readonly kind: 'held';
      readonly component: Component;
      readonly fault: Fault;
      readonly wait: Millis;
    }
  | { readonly kind: 'resumed'; readonly component: Component };

export type SupervisorStep = {
  readonly state: SupervisorState;
  readonly actions: readonly SupervisorAction[];
};

/**
 * How a process begins. `crash` is the fault of a run before this one that ended without being asked,
 * which draws on the budget of restarts; when that is spent nothing is started that could crash again.
 */
export function beginSupervisor(
  spent: Spent,
  crash: Fault | undefined,
  now: Micros,
  policy: SupervisorPolicy,
): SupervisorStep {
  const all = crash === undefined ? spent : draw(spent, 'process', now);
  const step = policy.ladders.daemon?.[0];
  if (crash === undefined || step === undefined || hasRoom(all, 'daemon', step, now)) {
    return { state: { spent: all, ladders: {} }, actions: [] };
  }
  const until = roomAt(all, 'daemon', step, now);
  const ladder: Ladder = { fault: crash, since: now, phase: { kind: 'held', until } };
  return {
    state: { spent: all, ladders: { daemon: ladder } },
    actions: [heldAction('daemon', crash, until, now)],
  };
}

/** What follows from how the components are at `now`. */
export function stepSupervisor(
  state: SupervisorState,
  assessment: Assessment,
  now: Micros,
  policy: SupervisorPolicy,
): SupervisorStep {
  let current: SupervisorStep = { state, actions: [] };
  for (const component of components) {
    const steps = policy.ladders[component];
    if (steps === undefined) continue;
    const next = stepComponent(current.state, {
      component,
      health: assessment[component],
      steps,
      now,
      policy,
    });
    current = { state: next.state, actions: [...current.actions, ...next.actions] };
  }
  return current;
}

/** A fresh try for a process that is held. */
export function releaseProcess(state: SupervisorState): SupervisorStep {
  if (state.ladders.daemon?.phase.kind !== 'held') return { state, actions: [] };
  return {
    state: without(state, 'daemon'),
    actions: [{ kind: 'resumed', component: 'daemon' }],
  };
}

type Case = {
  readonly component: Component;
  readonly health: ComponentHealth;
  readonly steps: readonly StepPolicy[];
  readonly now: Micros;
  readonly policy: SupervisorPolicy;
};

function stepComponent(state: SupervisorState, it: Case): SupervisorStep {
  const ladder = state.ladders[it.component];
  if (ladder === undefined) {
    return it.health.kind === 'broken' ? climb(state, it, it.health) : { state, actions: [] };
  }
  const { phase } = ladder;
  switch (phase.kind) {
    case 'acting':
      return whileActing(state, it, ladder, phase);
    case 'proving':
      if (it.health.kind === 'broken') return climb(state, it, it.health);
      if (it.now - phase.since < it.policy.settled) return { state, actions: [] };
      return { state: without(state, it.component), actions: [] };
    case 'held':
      return whileHeld(state, it, phase.until);
    default:
      return unreachable(phase);
  }
}

function whileActing(
  state: SupervisorState,
  it: Case,
  ladder: Ladder,
  phase: Extract<Ladder['phase'], { kind: 'acting' }>,
): SupervisorStep {
  const { component, health, now } = it;
  const { rung, attempt } = phase;
  switch (health.kind) {
    case 'ok':
    case 'degraded':
      return {
        state: withLadder(state, component, {
          ...ladder,
          phase: { kind: 'proving', rung, attempt, since: now },
        }),
        actions: [
          { kind: 'recovered', component, rung, after: millisOf(micros(now - ladder.since)) },
        ],
      };
    case 'broken':
      // The same report as before is what the step is under way for, unless it asks for more by now; and
      // an end is the end.
      if (now < phase.until && (rung === 'process' || isSeenTo(health, phase))) {
        return { state, actions: [] };
      }
      return climb(state, it, health);
    case 'waiting':
      // What it waits for now is not the daemon's to mend.
      return now < phase.until
        ? { state, actions: [] }
        : { state: without(state, component), actions: [] };
    case 'starting':
      if (now < phase.until) return { state, actions: [] };
      return climb(state, it, {
        kind: 'broken',
        fault: ladder.fault,
        least: rung,
        trouble: phase.trouble,
      });
    default:
      return unreachable(health);
  }
}

function whileHeld(state: SupervisorState, it: Case, until: Micros): SupervisorStep {
  const { component, health, now } = it;
  // A component that works again after all, or that is gone, is not held any more; the process is held
  // by its budget.
  const isMended = ['ok', 'waiting'].includes(health.kind) && component !== 'daemon';
  if (!isMended && now < until) return { state, actions: [] };
  const released = without(state, component);
  const resumed: SupervisorAction = { kind: 'resumed', component };
  if (health.kind !== 'broken') return { state: released, actions: [resumed] };
  const next = climb(released, it, health);
  return { state: next.state, actions: [resumed, ...next.actions] };
}

const isSeenTo = (
  { trouble, least }: Extract<ComponentHealth, { kind: 'broken' }>,
  phase: { readonly trouble: number; readonly rung: Rung },
): boolean => trouble === phase.trouble && isAtLeast(phase.rung, least);

/** Takes the next step that may help and has room in its budget; holds where there is none. */
function climb(
  state: SupervisorState,
  it: Case,
  trouble: Extract<ComponentHealth, { kind: 'broken' }>,
): SupervisorStep {
  const { component, steps, now, policy } = it;
  const before = state.ladders[component];
  const since = before === undefined || before.phase.kind === 'proving' ? now : before.since;
  const { fault } = trouble;
  const useful = steps.filter(({ rung }) => isAtLeast(rung, trouble.least));
  const left = useful.filter((step) => !isExhausted(step, before));
  const next = left.find((step) => hasRoom(state.spent, component, step, now));
  if (next === undefined) {
    const times = useful.map((step) => roomAt(state.spent, component, step, now));
    const until = micros(Math.max(now + policy.heldLeast, Math.min(...times)));
    return {
      state: withLadder(state, component, { fault, since, phase: { kind: 'held', until } }),
      actions: [heldAction(component, fault, until, now)],
    };
  }
  const { rung } = next;
  const attempt = attemptOf(rung, before) + 1;
  const until = micros(now + next.within * 1000);
  const phase = { kind: 'acting', rung, attempt, until, trouble: trouble.trouble } as const;
  const spent = draw(state.spent, budgetOf(component, rung), now);
  return {
    state: withLadder({ ...state, spent }, component, { fault, since, phase }),
    actions: [
      rung === 'process'
        ? { kind: 'end', component, fault }
        : { kind: 'recover', component, rung, attempt, fault },
    ],
  };
}

/** Gentler steps than the last one, and the last one once it was tried often enough. */
function isExhausted({ rung, tries }: StepPolicy, before: Ladder | undefined): boolean {
  if (before === undefined || before.phase.kind === 'held') return false;
  const { phase } = before;
  return rung === phase.rung ? phase.attempt >= tries : !isAtLeast(rung, phase.rung);
}

function attemptOf(rung: Rung, before: Ladder | undefined): number {
  if (before === undefined || before.phase.kind === 'held') return 0;
  return before.phase.rung === rung ? before.phase.attempt : 0;
}

const heldAction = (
  component: Component,
  fault: Fault,
  until: Micros,
  now: Micros,
): SupervisorAction => ({ kind: 'held', component, fault, wait: millisOf(micros(until - now)) });

const recentOf = (spent: Spent, key: string, window: Micros, now: Micros): readonly Micros[] =>
  (spent[key] ?? []).filter((at) => now - at < window);

/** Whether a budget allows one more. */
function hasRoom(
  spent: Spent,
  component: Component,
  { rung, max, window }: StepPolicy,
  now: Micros,
): boolean {
  return recentOf(spent, budgetOf(component, rung), window, now).length < max;
}

/** When a spent budget has room again. */
function roomAt(
  spent: Spent,
  component: Component,
  { rung, max, window }: StepPolicy,
  now: Micros,
): Micros {
  const recent = recentOf(spent, budgetOf(component, rung), window, now);
  const oldest = recent[Math.max(0, recent.length - max)];
  return oldest === undefined ? now : micros(oldest + window);
}

/** More than any budget holds. */
const remembered = 32;

function draw(spent: Spent, key: string, now: Micros): Spent {
  return { ...spent, [key]: [...(spent[key] ?? []), now].slice(-remembered) };
}

const withLadder = (
  state: SupervisorState,
  component: Component,
  ladder: Ladder,
): SupervisorState => ({ ...state, ladders: { ...state.ladders, [component]: ladder } });

function without(state: SupervisorState, component: Component): SupervisorState {
  const { [component]: _, ...ladders } = state.ladders;
  return { ...state, ladders };
}
