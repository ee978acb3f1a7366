import { z } from 'zod';
import type { CameraInjection, InferenceInjection } from './threads.ts';

/*
 * What `sightd run --inject FILE` takes, one JSON document a line: faults to be made on purpose, in builds
 * that have their tests.
 */

type Table<Part extends string, What extends string> = {
  readonly [W in What as `${Part}.${W}`]: W;
};

/** What each means is said at CameraInjection. */
export const cameraFaults = {
  'camera.stall': 'stall',
  'camera.freeze': 'freeze',
  'camera.broken': 'broken',
  'camera.unopenable': 'unopenable',
  'camera.missing': 'missing',
  'camera.hang': 'hang',
  'camera.throw': 'throw',
} as const satisfies Table<'camera', CameraInjection['what']>;

/** What each means is said at InferenceInjection. */
export const inferenceFaults = {
  'inference.hang': 'hang',
  'inference.abort': 'abort',
  'inference.segv': 'segv',
  'inference.throw': 'throw',
  'inference.fail': 'fail',
} as const satisfies Table<'inference', InferenceInjection['what']>;

const namesOf = <T extends object>(table: T): readonly (keyof T)[] =>
  Object.keys(table) as (keyof T)[];

const secondsMax = 86_400;
const timing = {
  /** How long it lasts; without a meaning for what is over at once. */
  seconds: z.number().min(0).max(secondsMax).default(5),
  /** Counted from the daemon's start, or from when the line was added to the file. */
  afterSeconds: z.number().min(0).max(secondsMax).default(0),
  /** Again and again, with this period. */
  everySeconds: z.number().min(0.1).max(secondsMax).optional(),
  /** Only in the process with this id: a daemon that is started again does not repeat it. */
  process: z.int().min(1).optional(),
};
const megabytes = z.number().min(1).max(65_536);

export const injectionSchema = z.discriminatedUnion('fault', [
  z.strictObject({
    fault: z.enum(namesOf(cameraFaults)),
    ...timing,
    mendedBy: z.enum(['stream', 'device', 'worker']).optional(),
  }),
  z.strictObject({ fault: z.enum(namesOf(inferenceFaults)), ...timing }),
  z.strictObject({
    /**
     * `loop.block`: the main thread's event loop does not turn. `process.…`: SIGKILL, SIGABRT, SIGSEGV.
     * `supervisor.deaf`: the supervisor takes note of nothing, so that nobody feeds the watchdog.
     */
    fault: z.enum([
      'loop.block',
      'process.kill',
      'process.abort',
      'process.segv',
      'supervisor.deaf',
    ]),
    ...timing,
  }),
  /** Memory is taken and touched, and given back at the end. */
  z.strictObject({ fault: z.literal('memory.grow'), ...timing, megabytes }),
  // What the daemon is made to read of its surroundings.
  z.strictObject({ fault: z.enum(['disk.full', 'under-voltage']), ...timing }),
  z.strictObject({ fault: z.literal('temperature'), ...timing, celsius: z.number() }),
  z.strictObject({ fault: z.literal('memory'), ...timing, megabytes }),
]);

/** A fault that is to be made. */
export type Injection = z.infer<typeof injectionSchema>;

/** All that can be named. */
export const injectionFaults: readonly string[] = injectionSchema.options.flatMap(({ shape }) =>
  shape.fault instanceof z.ZodEnum ? shape.fault.options : [...shape.fault.values],
);
