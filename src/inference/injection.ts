import { unreachable } from '../base/assert.ts';
import { failure, type Outcome } from '../base/fault.ts';
import { abortNatively, hangNatively, readWildly } from '../base/native-faults.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { InferenceInjection } from '../contract/threads.ts';
import { failedFault, type ModelSession } from './session.ts';

/** Faults of this thread that are made on purpose, to see what becomes of them. */
export interface InjectedFaults {
  inject(injection: InferenceInjection): void;
  /** Runs the model, with what was injected for its next run. */
  run(session: ModelSession): Promise<Outcome<Float32Array>>;
}

export function createInjectedFaults(): InjectedFaults {
  let hang: Millis | undefined;
  let failing = false;
  return {
    inject: ({ what, seconds: duration }) => {
      switch (what) {
        case 'hang':
          hang = seconds(duration);
          break;
        case 'fail':
          failing = true;
          break;
        case 'abort':
          abortNatively();
          break;
        case 'segv':
          readWildly();
          break;
        case 'throw':
          // Caught by nobody, as a bug is.
          setImmediate(() => {
            throw new Error('a fault was injected');
          });
          break;
        default:
          unreachable(what);
      }
    },
    run: async (session) => {
      if (hang !== undefined) {
        const duration = hang;
        hang = undefined;
        hangNatively(duration);
      }
      if (!failing) return session.run();
      failing = false;
      return failure(failedFault('a fault was injected'));
    },
  };
}
