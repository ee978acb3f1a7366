import type { HealthState } from '../contract/messages.ts';
import type { PipelinePhase } from './pipeline-events.ts';

/** What health is derived from. */
export type Vitals = {
  readonly phase: PipelinePhase;
  readonly isLinked: boolean;
  readonly isRestarting: boolean;
  /** There is no camera to read now. */
  readonly isBlind: boolean;
};

/** The daemon's overall state, as a pure function of its parts. */
export function healthOf(vitals: Vitals): HealthState {
  if (vitals.phase === 'stopping') return 'stopping';
  if (vitals.isBlind) return 'degraded';
  if (vitals.phase !== 'running') return 'starting';
  return vitals.isLinked && !vitals.isRestarting ? 'ok' : 'degraded';
}
