import { z } from 'zod';
import { checkupSchema, checkupStates } from './commands.ts';

/** What `sightd doctor` goes through; the running daemon knows of some of them (`command/doctor`). */
export const deviceParts = [
  'config',
  'camera',
  'model',
  'broker',
  'clock',
  'power',
  'disk',
  'memory',
  'unit',
] as const;
export type DevicePart = (typeof deviceParts)[number];

/** As in the answer of `command/doctor`. */
export const deviceCheckupSchema = checkupSchema.extend({ part: z.enum(deviceParts) });

/** What `sightd doctor --json` writes. */
export const deviceDoctorSchema = z.strictObject({
  state: z.enum(checkupStates),
  parts: z.array(deviceCheckupSchema),
});

export type DeviceCheckup = z.infer<typeof deviceCheckupSchema>;
export type DeviceDoctor = z.infer<typeof deviceDoctorSchema>;
