import { millis, seconds } from '../../src/base/time.ts';
import type { Facts, ThreadFacts } from '../../src/daemon/health.ts';

export const alive: ThreadFacts = {
  signs: { silent: millis(100), busy: undefined },
  died: undefined,
};

/** What is known of a daemon that does well, and what is different. */
export const factsOf = (more: Partial<Facts> = {}): Facts => ({
  phase: 'running',
  camera: {
    ...alive,
    state: {
      kind: 'streaming',
      source: {
        name: 'the scene',
        geometryMax: { format: 'YUYV', width: 640, height: 480, stride: 1280, color: 'bt601' },
        lossless: false,
      },
    },
    sinceFrame: millis(30),
    hasFrame: true,
    frameDeadline: seconds(3),
  },
  hasBegun: true,
  readers: [{ ...alive, isLoaded: true }],
  inferenceDeadline: seconds(10),
  sinceClassified: undefined,
  failing: undefined,
  unbalanced: undefined,
  unheard: undefined,
  link: { kind: 'online', since: 0 as never, protocol: 5 },
  unacknowledged: undefined,
  outbox: undefined,
  config: undefined,
  disk: undefined,
  power: undefined,
  memory: undefined,
  troubles: { camera: 0, inference: 0 },
  ...more,
});
