import { micros } from '../../src/base/time.ts';
import type { FrameSource, Reading } from '../../src/camera/source.ts';
import type { FrameGeometry } from '../../src/contract/frame.ts';

export const scriptedGeometry: FrameGeometry = {
  format: 'GREY',
  width: 32,
  height: 24,
  stride: 32,
  color: 'bt601-full',
};
export const scriptedBytes = 32 * 24;

/** What becomes of one frame: its pixels' level and the frames lost before it, or how it fails. */
export type Step =
  | { readonly kind: 'frame'; readonly level: number; readonly lost: number }
  | Exclude<Reading, { kind: 'frame' }>;

export const frame = (level: number, lost = 0): Step => ({ kind: 'frame', level, lost });

/** A source that does what its script says; when that is over, no frame is due any more. */
export interface ScriptedSource extends FrameSource {
  /** How many steps were read or skipped. */
  readonly taken: number;
}

export type ScriptOptions = {
  readonly lossless: boolean;
  /** Called whenever the next step is due, before it can be read. */
  readonly onDue: (index: number) => void;
};

export function createScriptedSource(
  script: readonly Step[],
  { lossless, onDue }: ScriptOptions,
): ScriptedSource {
  let index = 0;
  let sequence = -1;
  return {
    description: { name: 'script', geometryMax: scriptedGeometry, lossless },
    notices: [],
    get taken() {
      return index;
    },
    discard: async () => {},
    due: async (signal) => {
      if (index < script.length) onDue(index);
      else if (!signal.aborted) {
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    read: async (target) => {
      const step = script[index];
      if (step === undefined) return { kind: 'ended' };
      index += 1;
      if (step.kind !== 'frame') return step;
      sequence += 1 + step.lost;
      target.fill(step.level, 0, scriptedBytes);
      return {
        kind: 'frame',
        capturedAt: micros(1000 * index),
        driverSequence: sequence,
        geometry: scriptedGeometry,
        bytesUsed: scriptedBytes,
        lost: step.lost,
      };
    },
    skip: async () => {
      const step = script[index];
      if (step === undefined || step.kind !== 'frame') return false;
      index += 1;
      sequence += 1 + step.lost;
      return true;
    },
    restart: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}
