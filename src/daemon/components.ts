import { unreachable } from '../base/assert.ts';
import { type Component, components, type Fault } from '../base/fault.ts';
import type { Micros } from '../base/time.ts';
import type { ComponentState, Components, HealthState } from '../contract/messages.ts';
import type { Assessment, ComponentHealth } from './health.ts';
import type { PipelinePhase } from './pipeline-events.ts';
import type { Ladder, SupervisorState } from './supervisor/step.ts';

/* What is said of the parts and of the whole: how they are, and what is being done about it. */

/** Without these nothing is classified or heard of. */
const critical = ['camera', 'ring', 'inference', 'label', 'daemon'] as const;

type Ladders = SupervisorState['ladders'];

/** The state of each component as it is published. */
export function componentsOf(assessment: Assessment, ladders: Ladders): Components {
  const pairs = components.map((name) => [name, stateOf(assessment[name], ladders[name])]);
  return Object.fromEntries(pairs) as Record<Component, ComponentState>;
}

function stateOf(health: ComponentHealth, ladder: Ladder | undefined): ComponentState {
  if (ladder?.phase.kind === 'held') return { state: 'failing', ...reasonOf(ladder.fault) };
  if (ladder?.phase.kind === 'acting' && health.kind !== 'waiting') {
    return { state: 'recovering', ...reasonOf(ladder.fault), rung: ladder.phase.rung };
  }
  switch (health.kind) {
    case 'starting':
    case 'ok':
      return { state: health.kind };
    case 'waiting':
    case 'degraded':
      return { state: health.kind, ...reasonOf(health.fault) };
    case 'broken':
      return { state: 'failing', ...reasonOf(health.fault) };
    default:
      return unreachable(health);
  }
}

const reasonOf = ({ code, message }: Fault) => ({ fault: code, message });

/** The daemon's overall state. */
export function healthOf(parts: Components, phase: PipelinePhase, hasBegun: boolean): HealthState {
  if (phase === 'stopping') return 'stopping';
  if (critical.some((name) => parts[name].state === 'failing')) return 'failing';
  const isBlind = ['waiting', 'recovering'].includes(parts.camera.state);
  if ((phase !== 'running' || !hasBegun) && !isBlind) return 'starting';
  return components.every((name) => parts[name].state === 'ok') ? 'ok' : 'degraded';
}

/**
 * Whether frames are classified and told of: what a change of the config is judged by. A disk that
 * fills or a processor that is hot is not its doing.
 */
export const isWorking = (parts: Components): boolean =>
  [...critical, 'link' as const].every((name) => parts[name].state === 'ok');

/**
 * Whether nothing can be expected of parts that have not started: there is no camera, or it is being
 * recovered or held, and without its frames there is nothing to load a model for; or all is held.
 */
export function isStartExcused(assessment: Assessment, ladders: Ladders): boolean {
  if (assessment.camera.kind === 'waiting' || ladders.daemon?.phase.kind === 'held') return true;
  const phase = ladders.camera?.phase.kind;
  return phase === 'held' || phase === 'acting';
}

/**
 * Whether the daemon makes progress, or does something about it that will end: only then is systemd's
 * watchdog fed. `startingUntil` is when each part that is starting must have started.
 */
export function isProgressing(
  assessment: Assessment,
  ladders: Ladders,
  startingUntil: (component: Component) => Micros,
  now: Micros,
): boolean {
  const isExcused = isStartExcused(assessment, ladders);
  return critical.every((name) => {
    const phase = ladders[name]?.phase;
    if (phase?.kind === 'held' || (phase?.kind === 'acting' && now < phase.until)) return true;
    const { kind } = assessment[name];
    if (kind === 'broken') return false;
    return kind !== 'starting' || isExcused || now < startingUntil(name);
  });
}
