import { z } from 'zod';

/** The config's `health` section: the deadlines and limits of what is noticed. */
export const healthSchema = z.strictObject({
  intervalSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(30)
    .describe('Publish health at least this often.'),
  frameDeadlineSeconds: z
    .number()
    .min(0.5)
    .max(600)
    .default(3)
    .describe(
      'A camera that gives no frame for so long (and three periods of its rate) is opened again.',
    ),
  frozenSeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(10)
    .describe(
      'A picture that is the same, byte for byte, for so long is frozen, and the camera is opened again; 0 for sources that may stand still. One that is all dark or all bright is not judged.',
    ),
  inferenceDeadlineSeconds: z
    .number()
    .min(1)
    .max(600)
    .default(10)
    .describe(
      'A model that has not answered after so long hangs for good: the process ends itself and is started again.',
    ),
  memoryMegabytesMax: z
    .int()
    .min(0)
    .max(65_536)
    .default(400)
    .describe(
      'Resident memory in MiB from which the process is restarted in order, before the kernel kills it (also from nine tenths of what its unit or container may use); 0 for no limit.',
    ),
  temperatureMaxCelsius: z
    .number()
    .min(0)
    .max(120)
    .default(75)
    .describe(
      'From this temperature of the processor fewer frames are classified, until it is 5 degrees cooler; 0 for no limit.',
    ),
  restartsPerHourMax: z
    .int()
    .min(0)
    .max(32)
    .default(5)
    .describe(
      'Restarts of the process in an hour that nobody asked for. Then the daemon starts without camera and model, says that it fails, and waits until there may be one more; 0 for no limit.',
    ),
  stopSeconds: z.number().min(0.5).max(600).default(5).describe('Deadline for a clean stop.'),
});
