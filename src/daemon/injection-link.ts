import { unreachable } from '../base/assert.ts';
import type { Log } from '../base/log.ts';
import { type Clock, micros, seconds } from '../base/time.ts';
import type { InjectionTargets, SurroundingsOverride } from './injection.ts';
import type { Pipeline } from './pipeline-interface.ts';
import type { Override } from './probes.ts';
import type { Supervision } from './supervision.ts';

export type InjectionLinkOptions = {
  /** Undefined makes no faults. */
  readonly inject: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
};

/** Makes the faults that a file asks for, where there is one: its code is loaded only then. */
export async function connectInjections(
  { inject, clock, log }: InjectionLinkOptions,
  pipeline: Pick<Pipeline, 'inject'>,
  supervision: Pick<Supervision, 'deafen' | 'override'>,
): Promise<Disposable | undefined> {
  if (inject === undefined) return undefined;
  const { openInjections } = await import('./injection.ts');
  const closed = new AbortController();
  const targets: InjectionTargets = {
    camera: (injection) => pipeline.inject('camera', injection),
    inference: (injection) => pipeline.inject('inference', injection),
    surroundings: (override) => {
      const [wrong, right] = readingsOf(override);
      supervision.override(wrong);
      void clock
        .sleep(seconds(override.seconds), closed.signal)
        .then(() => supervision.override(right));
    },
    deafen: (duration) => supervision.deafen(micros(clock.now() + duration * 1_000_000)),
  };
  const injections = openInjections({ path: inject, clock, targets, log });
  return {
    [Symbol.dispose]: () => {
      injections[Symbol.dispose]();
      // Else the process would stay for what is to be over in an hour.
      closed.abort();
    },
  };
}

/** What is read meanwhile, and what puts the real reading back. */
function readingsOf(override: SurroundingsOverride): readonly [Override, Override] {
  switch (override.kind) {
    case 'temperature':
      return [
        { what: 'temperature', celsius: override.celsius },
        { what: 'temperature', celsius: undefined },
      ];
    case 'under-voltage':
      return [
        { what: 'under-voltage', isLow: true },
        { what: 'under-voltage', isLow: undefined },
      ];
    case 'disk-full':
      return [
        { what: 'disk-full', isFull: true },
        { what: 'disk-full', isFull: undefined },
      ];
    case 'memory':
      return [
        { what: 'memory', megabytes: override.megabytes },
        { what: 'memory', megabytes: undefined },
      ];
    default:
      return unreachable(override);
  }
}
