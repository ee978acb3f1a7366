import type { FaultCode } from '../base/fault.ts';
import { cameraEntries } from './faults/camera.ts';
import { daemonEntries } from './faults/daemon.ts';
import type { FaultEntry } from './faults/entry.ts';
import { inferenceEntries } from './faults/inference.ts';
import { linkEntries } from './faults/link.ts';
import { storageEntries } from './faults/storage.ts';

/**
 * What there is to say of each fault: the source of docs/faults.md, of docs/runbook.md and of
 * `sightd faults`. The codes themselves are listed in src/base/fault.ts.
 */
export const faultCatalogue: Readonly<Record<FaultCode, FaultEntry>> = {
  ...cameraEntries,
  ...inferenceEntries,
  ...linkEntries,
  ...storageEntries,
  ...daemonEntries,
} satisfies Readonly<Record<FaultCode, FaultEntry>>;
